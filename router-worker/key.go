package router

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// RouteKey identifies the precomputed decision of a text under a manifest: the normalised
// text and the manifest's version. Which model made it does not matter: whoever publishes
// a decision ahead of time answers for it.
func RouteKey(text, manifestVersion string) string { return hash(Normalise(text), manifestVersion) }

// key identifies what the cascade makes of a query: the normalised text, the arm, the routes
// that are withheld, and every version that the decision depends on.
func (p *pass) key() string {
	model := ""
	if p.asker != nil {
		model = p.asker.Version()
	}
	mode := schemas.PreFusion
	if p.composes {
		mode = schemas.PostFusion
	}
	return hash(p.q.Text, p.manifest.Version, p.student.Version(), model, p.arm.Name, string(mode), p.withheld())
}

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

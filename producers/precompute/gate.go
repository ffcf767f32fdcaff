package precompute

import (
	"context"
	"fmt"

	"github.com/parallel-fusion/pfr/schemas"
)

// Gate says what a decision must be to be published. Whatever the gate, it must be valid
// and not degraded.
type Gate string

// Gates.
const (
	GateNone       Gate = "none"
	GateConfidence Gate = "confidence" // the tier is sure enough
	// GateAgree wants, beside confidence, that the student takes the same route as the
	// language model or is less sure than it. For the student it is GateConfidence.
	GateAgree Gate = "agree"
)

// judge returns why a record for a text is not published, "" if it is.
func (b *Batch) judge(ctx context.Context, text string, p schemas.PrecomputedRoute) (string, error) {
	if err := p.Validate(); err != nil {
		return err.Error(), nil
	}
	d := p.Decision
	if d.Degraded || d.Source != b.cfg.Tier {
		return "degraded: the tier had no decision of its own", nil
	}
	if b.cfg.Gate == GateNone {
		return "", nil
	}
	if d.Confidence < b.cfg.MinConfidence {
		return fmt.Sprintf("confidence %.4g is below %.4g", d.Confidence, b.cfg.MinConfidence), nil
	}
	if b.cfg.Gate == GateConfidence || b.cfg.Tier == schemas.SourceStudent {
		return "", nil
	}
	other, err := b.ports.Router.Through(ctx, schemas.SourceStudent, text)
	if err != nil {
		return "", fmt.Errorf("ask the student: %w", err)
	}
	if other.Route != d.Route && other.Confidence >= d.Confidence {
		return fmt.Sprintf("the student takes %s with confidence %.4g", other.Route, other.Confidence), nil
	}
	return "", nil
}

// circumstances name all that a refusal depends on, beside the text.
func (b *Batch) circumstances() string {
	v := b.ports.Router.Versions()
	return fmt.Sprintf("%s %s %s %s %s %g", b.cfg.Tier, v.Manifest, v.Student, v.Model, b.cfg.Gate, b.cfg.MinConfidence)
}

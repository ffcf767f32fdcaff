// Package access says who may do what at the gateway.
//
// The vocabulary:
//
//   - A credential is what a request shows: an API key or a JSON web token, as
//     Authorization: Bearer, or an API key as X-Api-Key, or either as the cookie of a browser
//     that has signed in. The cookie counts where access is limited and no header shows any.
//   - A principal is who a credential stands for. It has scopes, which are kinds of
//     operations, and markets, whose pages it may ask for and read.
//   - The grants are the file that knows the credentials. It is read again when it changes.
//   - The operator key is one credential beside the file. It may do everything.
//
// No credential is ever part of an error, a log line, a metric or a trace.
package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Scope is a kind of operations.
type Scope string

// Scopes.
const (
	Search   Scope = "search"   // ask for pages and read them
	Interact Scope = "interact" // report what listeners did
	Explain  Scope = "explain"  // read why pages are as they are, and counts
	Operate  Scope = "operate"  // change how the pipeline works
)

// Errors of [Guard.Identify]. What they wrap is safe to show.
var (
	// ErrMissing says that the request shows no credential and needs one.
	ErrMissing = errors.New("no credential")
	// ErrRefused says that the credential is not, or no longer, good.
	ErrRefused = errors.New("credential refused")
)

// Rate bounds how often a principal may ask. The zero value is no bound of its own.
type Rate struct {
	PerSecond float64 `yaml:"per_second"`
	Burst     int     `yaml:"burst"` // at once
}

// Principal is who asks. The zero value may do nothing.
type Principal struct {
	Name    string   // "" for whoever comes where access is not limited
	Markets []string // nil: every market
	Rate    Rate
	// ByCookie says that the credential was a cookie, which browsers send whether or not the
	// page that makes them is ours.
	ByCookie bool

	scopes []Scope
}

// NewPrincipal returns a principal for every market.
func NewPrincipal(name string, scopes ...Scope) Principal {
	return Principal{Name: name, scopes: scopes}
}

// May reports whether p may do operations of a scope. Everybody may do those of "".
func (p Principal) May(s Scope) bool { return s == "" || slices.Contains(p.scopes, s) }

// In reports whether p may ask for pages of a market, and read them.
func (p Principal) In(market string) bool {
	return p.Markets == nil || slices.Contains(p.Markets, market)
}

// key is what a context holds a principal under.
type key struct{}

// With returns a context in which p asks.
func With(ctx context.Context, p Principal) context.Context { return context.WithValue(ctx, key{}, p) }

// From returns who asks in ctx. Without anybody it is the zero value.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(key{}).(Principal)
	return p
}

// digest is the SHA-256 of a key. Keys themselves are not kept.
type digest [sha256.Size]byte

func digestOf(key string) digest { return sha256.Sum256([]byte(key)) }

// Guard knows who stands behind a credential. It is safe for concurrent use.
type Guard struct {
	cfg      Config
	log      *slog.Logger
	m        *metrics
	operator *digest // nil: there is no operator key

	mu      sync.Mutex // of reading the file again
	looked  time.Time
	state   fileState
	refused string  // why the file was not taken, and so is tried again though it is the same; "": it was
	grants  *grants // nil: access is not limited
}

// New returns a Guard. It reads the grants, and it is an error if they are bad: only a
// file that turns bad later leaves the old one in force.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Guard, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("access config: %w", err)
	}
	g := &Guard{cfg: cfg, log: log, m: newMetrics(reg)}
	secret, err := cfg.operatorKey()
	if err != nil {
		return nil, err
	}
	if secret != "" {
		d := digestOf(secret)
		g.operator = &d
	}
	if cfg.File == "" {
		return g, nil
	}
	if g.grants, g.state, err = readGrants(cfg.File); err != nil {
		return nil, err
	}
	g.looked = time.Now()
	return g, nil
}

// Limited reports whether requests need a credential for more than operating.
func (g *Guard) Limited() bool { return g.cfg.File != "" }

// Identify returns who sends a request. Where access is not limited that is somebody
// without a name who may do everything but operate, and credentials are looked at only to
// find the operator; a credential that is none is then ignored. Its errors wrap ErrMissing
// or ErrRefused.
func (g *Guard) Identify(h http.Header) (Principal, error) {
	credential, err := credentialOf(h)
	if !g.Limited() {
		if err == nil && g.isOperator(credential) {
			return operator(), nil
		}
		return NewPrincipal("", Search, Interact, Explain), nil
	}
	byCookie := err == nil && credential == ""
	if byCookie {
		credential, err = cookieOf(h)
	}
	if err != nil {
		g.m.refused(err)
		return Principal{}, err
	}
	p, err := g.Check(credential)
	p.ByCookie = byCookie && err == nil
	return p, err
}

// Check returns who stands behind a credential where access is limited. Its errors wrap
// ErrMissing or ErrRefused.
func (g *Guard) Check(credential string) (Principal, error) {
	p, err := g.check(credential)
	if err != nil {
		g.m.refused(err)
		return Principal{}, err
	}
	g.m.outcomes.WithLabelValues("identified").Inc()
	return p, nil
}

func (g *Guard) check(credential string) (Principal, error) {
	switch {
	case credential == "":
		return Principal{}, ErrMissing
	case len(credential) > maxCredential:
		return Principal{}, errTooLong
	case g.isOperator(credential):
		return operator(), nil
	case !g.Limited():
		return Principal{}, fmt.Errorf("%w: no such key", ErrRefused)
	}
	return g.current().identify(credential, g.cfg.now())
}

func operator() Principal { return NewPrincipal("operator", Search, Interact, Explain, Operate) }

func (g *Guard) isOperator(credential string) bool {
	if g.operator == nil || credential == "" {
		return false
	}
	d := digestOf(credential)
	return subtle.ConstantTimeCompare(d[:], g.operator[:]) == 1
}

// maxCredential bounds what is looked at. Tokens are much shorter.
const maxCredential = 8 << 10

var errTooLong = fmt.Errorf("%w: it is too long", ErrRefused)

// credentialOf returns what the headers of a request show, or "". To show two different things, or one
// that cannot be one, is an error that wraps ErrRefused.
func credentialOf(h http.Header) (string, error) {
	var found string
	for _, v := range h.Values("Authorization") {
		scheme, token, _ := strings.Cut(v, " ")
		if token = strings.Trim(token, " "); !strings.EqualFold(scheme, "Bearer") || token == "" {
			return "", fmt.Errorf("%w: Authorization must be Bearer and a credential", ErrRefused)
		}
		if found != "" && found != token {
			return "", fmt.Errorf("%w: more than one was sent", ErrRefused)
		}
		found = token
	}
	for _, v := range h.Values("X-Api-Key") {
		if found != "" && found != v {
			return "", fmt.Errorf("%w: more than one was sent", ErrRefused)
		}
		found = v
	}
	if len(found) > maxCredential {
		return "", errTooLong
	}
	return found, nil
}

// current returns the grants, read again if the file has changed or was not taken.
func (g *Guard) current() *grants {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if now.Sub(g.looked) < g.cfg.LookEvery {
		return g.grants
	}
	g.looked = now
	state, err := stateOf(g.cfg.File)
	if err == nil && state == g.state && g.refused == "" {
		return g.grants
	}
	var read *grants
	if err == nil {
		read, state, err = readGrants(g.cfg.File)
	}
	if err != nil {
		if state != g.state || err.Error() != g.refused {
			g.log.Error("access file not taken; the old one stays in force", "err", err)
		}
		g.state, g.refused = state, err.Error()
		g.m.reloads.WithLabelValues("refused").Inc()
		return g.grants
	}
	g.log.Info("access file read again", "keys", len(read.keys))
	g.m.reloads.WithLabelValues("taken").Inc()
	g.grants, g.state, g.refused = read, state, ""
	return g.grants
}

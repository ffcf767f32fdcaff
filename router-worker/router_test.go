package router_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// model guesses by a function and counts how often it was asked.
type model struct {
	guess func(text string) router.Guess
	calls atomic.Int32
}

func (m *model) Guess(text string) router.Guess { m.calls.Add(1); return m.guess(text) }
func (m *model) Version() string                { return "m1" }

func sure(route string) *model {
	return &model{guess: func(string) router.Guess { return router.Guess{Route: route, Confidence: 0.9} }}
}

func newRouter(t testing.TB, m router.Model) *router.Router {
	t.Helper()
	manifest, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	return withPorts(t, manifest, router.Ports{Student: m})
}

func withPorts(t testing.TB, manifest *routes.Manifest, ports router.Ports) *router.Router {
	t.Helper()
	r, err := router.New(router.DefaultConfig(), manifest, ports, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func query(text string) schemas.PublicQuery {
	return schemas.PublicQuery{Text: text, Market: "US", Deadline: time.Now().Add(time.Minute)}
}

func TestSecondEqualQueryComesFromCache(t *testing.T) {
	m := sure("similar_artists")
	r := newRouter(t, m)
	first := r.Decide(t.Context(), query("Artists like  Khruangbin"))
	second := r.Decide(t.Context(), query("artists LIKE khruangbin"))
	if first.Source != schemas.SourceStudent || second.Source != schemas.SourceCache || m.calls.Load() != 1 {
		t.Errorf("sources %s and %s, %d guesses", first.Source, second.Source, m.calls.Load())
	}
	first.Source, first.TookMS, first.Tiers = second.Source, second.TookMS, second.Tiers
	if !reflect.DeepEqual(first, second) {
		t.Errorf("cached decision differs:\n%+v\n%+v", first, second)
	}
	if err := second.Validate(); err != nil {
		t.Error(err)
	}
}

func TestFallback(t *testing.T) {
	for name, g := range map[string]router.Guess{
		"unsure":        {Route: "new_releases", Confidence: 0.1},
		"unknown route": {Route: "teleport", Confidence: 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := &model{guess: func(string) router.Guess { return g }}
			r := newRouter(t, m)
			for range 2 {
				d := r.Decide(t.Context(), query("hm"))
				if d.Route != "search" || d.Source != schemas.SourceFallback || !d.Degraded || d.Validate() != nil {
					t.Errorf("%+v", d)
				}
			}
			if m.calls.Load() != 2 {
				t.Error("a fallback was cached as good")
			}
		})
	}
}

func TestExpiredQueryIsNotDecided(t *testing.T) {
	m := sure("new_releases")
	q := query("latest albums by lady gaga")
	q.Deadline = time.Now().Add(-time.Second)
	if d := newRouter(t, m).Decide(t.Context(), q); d.Source != schemas.SourceFallback || m.calls.Load() != 0 {
		t.Errorf("source %s, %d guesses", d.Source, m.calls.Load())
	}
}

func TestPrecomputedBeatsStudent(t *testing.T) {
	m := sure("search")
	r := newRouter(t, m)
	d := r.Decide(t.Context(), query("true crime"))
	d.Confidence = 0.77
	rec := router.Ahead("True Crime", d, time.Now(), time.Hour)
	if err := rec.Validate(); err != nil {
		t.Fatal(err)
	}
	r.Precompute(rec)
	if got := r.Decide(t.Context(), query("true CRIME")); got.Source != schemas.SourcePrecomputed || got.Confidence != 0.77 {
		t.Errorf("%+v", got)
	}
	r.Withdraw(rec.RouteKey)
	if got := r.Decide(t.Context(), query("true crime")); got.Source == schemas.SourcePrecomputed {
		t.Error("withdrawn decision was used")
	}
	rec.ExpiresAt = time.Now().Add(-time.Second)
	r.Precompute(rec)
	if got := r.Decide(t.Context(), query("true crime")); got.Source == schemas.SourcePrecomputed {
		t.Error("expired decision was used")
	}
	rec.Decision.ManifestVersion, rec.ExpiresAt = "another", time.Now().Add(time.Hour)
	r.Precompute(rec)
	if got := r.Decide(t.Context(), query("true crime")); got.Source == schemas.SourcePrecomputed {
		t.Error("decision of another manifest was used")
	}
}

func TestRouteThatIsNotOfferedFallsBack(t *testing.T) {
	manifest, err := routes.Parse("m.yaml", []byte(`
name: m
fallback: a
parameters: {}
layouts: {l: {sections: s}}
routes:
  - {name: a, for: a, examples: [x], layout: l, calls: [{tool: t, section: s, title: S, component: c, limit: 1, deadline_ms: 1}]}
  - {name: b, for: b, examples: [x], layout: l, calls: [{tool: t, section: s, title: S, component: c, limit: 1, deadline_ms: 1}], enabled: {markets: [SE]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	r := withPorts(t, manifest, router.Ports{Student: sure("b")})
	us, se := query("x"), query("x")
	se.Market = "SE"
	for range 2 { // decided, then cached
		if d := r.Decide(t.Context(), us); d.Route != "a" {
			t.Errorf("US: %s", d.Route)
		}
		if d := r.Decide(t.Context(), se); d.Route != "b" {
			t.Errorf("SE: %s", d.Route)
		}
	}
}

// published is a router.Decisions that keeps the last decision or refuses it.
type published struct {
	d   schemas.RouteDecision
	err error
}

func (p *published) Publish(_ context.Context, d schemas.RouteDecision) error { p.d = d; return p.err }

func TestStagePassesUserThroughUnseen(t *testing.T) {
	const canary = "canary-feature"
	var asked []string
	m := &model{guess: func(text string) router.Guess {
		asked = append(asked, text)
		return router.Guess{Route: "search", Confidence: 1}
	}}
	var out published
	stage := newRouter(t, m).Stage(&out, nil)
	q := schemas.Query{PublicQuery: query("lady gaga"), User: &schemas.User{ID: canary, Features: map[string]string{"taste": canary}}}
	if err := stage(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if out.d.User == nil || out.d.User.ID != canary {
		t.Error("the user was lost on the way")
	}
	if s := fmt.Sprintf("%q %+v", asked, out.d.Decision); strings.Contains(s, canary) {
		t.Error("the user reached the model or the decision")
	}
	out.err = errors.New("broker is away")
	if err := stage(t.Context(), q); !errors.Is(err, out.err) {
		t.Errorf("err = %v: an unpublished decision must be retried", err)
	}
}

func TestNormaliseIsIdempotent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom(nil, unicode.Cherokee, unicode.Greek, unicode.Mn))).Draw(rt, "s")
		once := router.Normalise(s)
		if twice := router.Normalise(once); twice != once {
			rt.Fatalf("%q, then %q", once, twice)
		}
	})
}

func TestNormaliseFoldsEqualSearches(t *testing.T) {
	for a, b := range map[string]string{
		"Lady Gaga": "lady  gaga", "ＡＢＢＡ": "abba", " radiohead\t": "radiohead", "STRASSE": "straße", "Beyonce\u0301": "beyoncé",
		"blink\u200b182": "blink182", "ᎠᎡ": "ꭰꭱ", "É": "é", "line\nbreak": "line break",
	} {
		if router.Normalise(a) != router.Normalise(b) {
			t.Errorf("%q and %q are equal searches: %q, %q", a, b, router.Normalise(a), router.Normalise(b))
		}
	}
}

// Names and wishes that a careless normaliser makes equal.
func TestNormaliseKeepsDifferentSearchesApart(t *testing.T) {
	pairs := strings.Split(strings.TrimSpace(different), "\n")
	if len(pairs) < 50 {
		t.Fatalf("only %d pairs", len(pairs))
	}
	for _, p := range pairs {
		a, b, ok := strings.Cut(p, " <> ")
		if !ok {
			t.Fatalf("bad line %q", p)
		}
		if router.Normalise(a) == router.Normalise(b) {
			t.Errorf("%q and %q became %q", a, b, router.Normalise(a))
		}
	}
}

const different = `
!!! <> ???
AC/DC <> ACDC
P!nk <> Pink
¥$ <> $
+44 <> 44
songs like adele <> songs by adele
80s pop <> 90s pop
the the <> the
the who <> who
a-ha <> aha
x <> ×
blink-182 <> blink 182
1975 <> the 1975
Björk <> Bjork
Beyoncé <> Beyonce
Sigur Rós <> Sigur Ros
Mö <> Mo
Motörhead <> Motorhead
not jazz <> jazz
music with lyrics <> music without lyrics
R.E.M. <> rem
N.W.A <> nwa
tr/st <> trst
M.I.A. <> mia
fun. <> fun
Panic! at the Disco <> panic at the disco
Therapy? <> therapy
Wham! <> wham
Godspeed You! Black Emperor <> Godspeed You Black Emperor!
The Beatles 1 <> The Beatles 2
led zeppelin iv <> led zeppelin iii
track 1 <> track 10
what's going on <> whats going on
don't <> dont
a tribe called quest <> tribe called quest
+ <> -
÷ <> =
x & y <> x and y
k.flay <> k flay
will.i.am <> william
deadmau5 <> deadmaus
ke$ha <> kesha
A$AP Rocky <> ASAP Rocky
2pac <> 2 pac
50 cent <> 5 cent
MGMT <> M.G.M.T.
over 1 hour <> under 1 hour
new order <> new orders
i <> ı
señorita <> senorita
coeur <> cœur
(sandy) alex g <> alex g
the xx <> xx
"heroes" <> heroes
`

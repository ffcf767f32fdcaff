package day

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// size is how large a day is.
type size struct {
	queries int
	effect  float64 // of the treatment on the success rate, relative
	kills   int
	// snapshots and publishes are how often the consumer does that.
	snapshots, publishes time.Duration
	life                 time.Duration // of a consumer from when it works, at most
	// restarts makes the brokers restart after a kill: they forget the dead consumer at once,
	// and nobody has to wait until its session has timed out.
	restarts bool
}

// The day is one of the past, so that nothing can pass that looks at today's clock.
var dayStart = time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)

const (
	perClient = 8 // searches, on average
	trial     = "day"
	control   = "control"
	treatment = "treatment"
)

// section is one that a route has.
type section struct{ id, component, tool string }

// route is what pages of a route look like, and how often they are a success without the
// treatment.
type route struct {
	name     string
	success  float64
	sections []section
}

func routes() []route {
	return []route{
		{"search", 0.42, []section{{"results", "list", "search"}, {"artists", "carousel", "similar_artists"}}},
		{"personalized_recs", 0.30, []section{{"for_you", "carousel", "personalized_recs"}, {"playlists", "list", "search"}, {"dj", "answer", "dj"}}},
		{"new_releases", 0.36, []section{{"latest", "carousel", "new_releases"}, {"date", "answer", "release_info"}, {"single", "list", "search"}}},
	}
}

// search is one query of the day. Times are Unix milliseconds. There are millions of
// searches and events, so that they hold no pointers.
type search struct {
	at     int64
	luck   uint64 // everything else follows from it
	client int32
	words  [2]int16
	route  uint8
	form   form
}

// form is what a text is made of.
type form uint8

const (
	whole   form = iota
	begun        // on the way to the whole text
	renewed      // the whole text and a word more
)

func (s search) text() string {
	text := fmt.Sprintf("word%d thing%d", s.words[0], s.words[1])
	switch s.form {
	case begun:
		return text[:strings.IndexByte(text, ' ')+2]
	case renewed:
		return text + " live"
	default:
		return text
	}
}

// delivery is one event on its way to the edge.
type delivery struct {
	id                 int64
	stamp, sent, taken int64 // by the client's clock, the same, by the edge's
	search             int32 // index; nobody's
	ordinal, played    int32
	section            int8 // of the route; or one of those below
	action             action
}

const (
	nobodys   = -1 // search
	noSection = -1
	elsewhere = -2 // a section that no page has
)

type action uint8

const (
	impressed action = iota
	viewed
	clicked
	streamed
	liked
)

func (a action) String() string {
	return [...]string{schemas.ActionImpression, schemas.ActionView, schemas.ActionClick, schemas.ActionStream, "like"}[a]
}

// world is everything that happens.
type world struct {
	size     size
	routes   []route
	searches []search
	events   []delivery
}

func newWorld(s size) *world {
	w := &world{size: s, routes: routes()}
	rng := rand.New(rand.NewPCG(7, 7))
	for len(w.searches) < s.queries {
		w.ask(rng)
	}
	for i := range w.searches {
		w.react(i, rand.New(rand.NewPCG(w.searches[i].luck, 1)))
	}
	return w
}

// ask adds a search, and at times what the client typed before it or asked after it.
func (w *world) ask(rng *rand.Rand) {
	one := search{
		at: dayStart.UnixMilli() + int64(momentOfDay(rng)*86_400_000), client: int32(rng.IntN(w.size.queries/perClient + 1)),
		route: uint8(rng.IntN(3)), luck: rng.Uint64(), words: [2]int16{int16(rng.IntN(2000)), int16(rng.IntN(2000))},
	}
	w.searches = append(w.searches, one)
	if rng.IntN(25) == 0 { // on the way to it
		typed := one
		typed.at, typed.luck, typed.form = one.at-1+int64(-rng.IntN(1800)), rng.Uint64(), begun
		w.searches = append(w.searches, typed)
	}
	if rng.IntN(16) == 0 { // not what was wanted
		again := one
		again.at, again.luck, again.form = one.at+10_000+int64(rng.IntN(400_000)), rng.Uint64(), renewed
		w.searches = append(w.searches, again)
	}
}

// momentOfDay is a share of the day: few search at night, most in the evening.
func momentOfDay(rng *rand.Rand) float64 {
	for {
		at := rng.Float64() * 0.995
		if load := 0.55 - 0.45*math.Cos(2*math.Pi*(at-0.16)); rng.Float64() < load {
			return at
		}
	}
}

func (s search) treated() bool { return mixed(uint64(s.client), 3)&1 == 1 }

func (s search) arm() string {
	if s.treated() {
		return treatment
	}
	return control
}

// skew is how wrong the client's clock is: one of ten is wrong by up to hours.
func (s search) skew() int64 {
	if s.client%10 != 0 {
		return 0
	}
	return int64(mixed(uint64(s.client), 5)%14_400_000) - 7_200_000
}

// mixed is a number that looks random (splitmix64).
func mixed(n, salt uint64) uint64 {
	z := (n + salt) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// react adds what came of a search.
func (w *world) react(i int, rng *rand.Rand) {
	s := w.searches[i]
	r := w.routes[s.route]
	for n := range r.sections {
		if rng.Float64() < 0.85 {
			w.send(rng, i, delivery{action: impressed, section: int8(n), stamp: s.at + 400 + int64(300*n)})
		}
	}
	p := r.success
	if s.treated() {
		p *= 1 + w.size.effect
	}
	at := s.at + 2000 + int64(rng.IntN(60_000))
	sec := int8(min(int(rng.ExpFloat64()), len(r.sections)-1))
	hit := delivery{action: clicked, section: sec, ordinal: int32(1 + rng.IntN(10)), stamp: at}
	heard := hit
	heard.action, heard.played, heard.stamp = streamed, int32(30_000+rng.IntN(150_000)), at+180_000
	switch luck := rng.Float64(); {
	case luck < p*0.6:
		w.send(rng, i, hit)
	case luck < p:
		w.send(rng, i, hit)
		w.send(rng, i, heard)
	case luck > 0.85: // heard, but not for long
		heard.played %= 30_000
		w.send(rng, i, heard)
	}
	switch rng.IntN(400) {
	case 0, 1, 2:
		w.send(rng, i, delivery{action: liked, section: noSection, stamp: at})
	case 3, 4:
		hit.section = elsewhere
		w.send(rng, i, hit)
	case 5, 6, 7:
		hit.stamp = s.at + 31*60_000 + int64(rng.IntN(600_000))
		w.send(rng, i, hit)
	case 8, 9, 10, 11: // nobody's
		w.send(rng, nobodys, delivery{action: viewed, section: noSection, stamp: at})
	case 12:
		if rng.IntN(8) == 0 { // a bot
			for range 70 {
				w.send(rng, i, hit)
			}
		}
	}
}

// send delivers an event, which has its true time as its stamp: mostly at once, at times as
// late as a day or later, at times twice.
func (w *world) send(rng *rand.Rand, i int, d delivery) {
	d.search, d.id = int32(i), int64(rng.Uint64()>>1)
	skew := int64(0)
	if i >= 0 {
		skew = w.searches[i].skew()
	}
	sent := d.stamp + int64(rng.IntN(5000))
	switch luck := rng.IntN(200); {
	case luck < 14:
		sent += int64(rng.IntN(84_000_000)) // up to 23 h 20 min
	case luck == 14:
		sent += 87_000_000 + int64(rng.IntN(6_000_000)) // too late
	}
	d.stamp += skew
	unsaid := rng.IntN(20) == 0
	w.deliver(d, sent, skew, unsaid)
	if rng.IntN(20) == 0 {
		w.deliver(d, sent+1000+int64(rng.IntN(600_000)), skew, unsaid)
	}
}

func (w *world) deliver(d delivery, sent, skew int64, unsaid bool) {
	d.taken = sent + 50
	if !unsaid {
		d.sent = sent + skew
	}
	w.events = append(w.events, d)
}

// record is a page or an event, as its topic has it.
type record struct {
	at    int64 // time of the record
	index int32
	page  bool
}

// records returns what is to be written, in order.
func (w *world) records() []record {
	all := make([]record, 0, len(w.searches)+len(w.searches)/50+len(w.events))
	for i, s := range w.searches {
		at := s.at + 200
		if s.luck%100 == 0 {
			at += int64(s.luck>>8) % 600_000 // after its first events
		}
		all = append(all, record{at, int32(i), true})
		if s.luck%101 == 0 {
			all = append(all, record{at + 5000, int32(i), true}) // a crash replay
		}
	}
	for i, e := range w.events {
		all = append(all, record{e.taken, int32(i), false})
	}
	slices.SortStableFunc(all, func(a, b record) int { return int(a.at - b.at) })
	return all
}

package generate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// world is an invented catalogue. It works every entry out when it is asked for it, from
// the seed and the entry's number: all that it holds is how many tracks each artist has.
//
// Artists come in blocks that hold all scenes in proportion, so an artist's scene follows
// from its number. Within a scene, its rank in popularity does too: a permutation of the
// blocks that can be inverted. So listeners can draw an artist of a scene by rank.
type world struct {
	*data
	seed    uint64
	asOf    time.Time
	artists int
	blocks  int
	step    int // rank of block k: k·step mod blocks
	back    int // its inverse
	tracks  []uint32
}

// What is drawn for an entry is drawn from a stream of its own.
const (
	streamArtist uint64 = iota + 1
	streamAlbums
	streamTracks
	streamCount
	streamShow
	streamPlaylist
	streamUser
	streamOdd
)

func (w *world) rng(stream, number uint64) *rand.Rand {
	return rand.New(rand.NewPCG(w.seed*0x9E3779B97F4A7C15+stream, number))
}

// newWorld lays out artists and deals so many tracks to them.
func newWorld(artists, tracks int, seed uint64, asOf time.Time) (*world, error) {
	d, err := loadData()
	if err != nil {
		return nil, err
	}
	block := len(d.pattern)
	w := &world{data: d, seed: seed, asOf: asOf, artists: artists, blocks: (artists + block - 1) / block}
	w.step, w.back = permutation(w.blocks)
	w.deal(tracks)
	return w, nil
}

// permutation returns a factor that is coprime to n, near the golden section of it, and
// its inverse modulo n.
func permutation(n int) (step, back int) {
	for step = max(1, int(float64(n)*0.618)); gcd(step, n) != 1; {
		step++
	}
	for back = 1; n > 1 && back*step%n != 1; {
		back++
	}
	return step, back
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// deal shares the tracks out in proportion to weights that are log-normal and, gently,
// greater for popular artists.
func (w *world) deal(tracks int) {
	total := 0.0
	for i := range w.artists {
		total += w.share(i)
	}
	w.tracks = make([]uint32, w.artists)
	sum, dealt := 0.0, 0
	for i := range w.artists {
		sum += w.share(i)
		upTo := int(float64(tracks) * sum / total)
		if i == w.artists-1 {
			upTo = tracks
		}
		w.tracks[i] = uint32(upTo - dealt)
		dealt = upTo
	}
}

func (w *world) share(i int) float64 {
	return math.Exp(w.rng(streamCount, uint64(i)).NormFloat64()) * (0.4 + float64(w.popularity(i))/40)
}

// scene returns the scene of an artist, and its rank there from 0 on.
func (w *world) scene(i int) (scene, rank int) {
	block, at := i/len(w.pattern), i%len(w.pattern)
	scene = w.pattern[at]
	places := w.scenes[scene].places
	for j, place := range places {
		if place == at {
			return scene, block*w.step%w.blocks*len(places) + j
		}
	}
	return scene, 0
}

// ranked is the inverse of scene. Of the last block, which may not be full, it may name an
// artist that does not exist; it then returns one that does.
func (w *world) ranked(scene, rank int) int {
	places := w.scenes[scene].places
	block := rank / len(places) % w.blocks * w.back % w.blocks
	i := block*len(w.pattern) + places[rank%len(places)]
	if i >= w.artists {
		i %= w.artists
	}
	return i
}

// draw returns an artist of a scene, rather one of those on top: the logarithm of the rank
// is u^1.5 of its greatest value, for u even in 0 to 1. With u alone the chance would be in
// proportion to 1/rank; scenes differ in size, which flattens that over all artists.
func (w *world) draw(rng *rand.Rand, scene int) int {
	n := w.blocks * len(w.scenes[scene].places)
	return w.ranked(scene, min(n-1, int(math.Pow(float64(n+1), math.Pow(rng.Float64(), 1.5)))-1))
}

// popularity returns 1 to 100, evenly over the logarithm of the rank among all artists.
func (w *world) popularity(i int) int {
	scene, rank := w.scene(i)
	all := float64(rank+1) * float64(len(w.pattern)) / float64(w.scenes[scene].weight)
	p := 1 + 99*(1-math.Log(max(1, all/8))/math.Log(float64(w.artists+1)))
	return min(100, max(1, int(p+0.5)))
}

// tongueOf returns the language of an artist.
func (w *world) tongueOf(i int) string {
	s, _ := w.scene(i)
	list := w.scenes[s].tongues
	if rng := w.rng(streamOdd, uint64(i)); rng.IntN(4) == 0 {
		return pick(rng, list)
	}
	return list[0]
}

func (w *world) artistKey(i int) string { return fmt.Sprintf("g%d", i) }

func (w *world) artistName(i int) string { return w.nameWith(i, w.rng(streamArtist, uint64(i))) }

func (w *world) nameWith(i int, rng *rand.Rand) string { return w.tongues[w.tongueOf(i)].artist(rng) }

// artist returns an artist as a row.
func (w *world) artist(i int) catalog.ArtistRow {
	rng := w.rng(streamArtist, uint64(i))
	number, _ := w.scene(i)
	s := w.scenes[number]
	row := catalog.ArtistRow{
		Key: w.artistKey(i), Name: w.nameWith(i, rng), Country: pick(rng, s.countries), Languages: []string{w.tongueOf(i)},
		Genres: some(rng, s.genres), Moods: some(rng, s.moods), Popularity: w.popularity(i),
	}
	if len(s.related) > 0 && rng.IntN(3) == 0 {
		row.Genres = appendNew(row.Genres, w.scenes[pick(rng, s.related)].genres[0])
	}
	if rng.IntN(5) == 0 {
		row.Aliases = []string{alias(rng, row.Name)}
	}
	for range rng.IntN(4) {
		if other := w.draw(rng, number); other != i {
			row.Like = appendNew(row.Like, w.artistName(other))
		}
	}
	return row
}

// some returns the first of a list and most of the others.
func some(rng *rand.Rand, list []string) []string {
	out := []string{list[0]}
	for _, s := range list[1:] {
		if rng.IntN(3) > 0 {
			out = append(out, s)
		}
	}
	return out
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// alias returns another way to write a name.
func alias(rng *rand.Rand, name string) string {
	words := strings.Fields(name)
	switch {
	case len(words) > 1 && rng.IntN(2) == 0:
		var b strings.Builder
		for _, word := range words {
			b.WriteString(string([]rune(word)[:1]))
		}
		return strings.ToUpper(b.String())
	case len(words) > 1:
		return strings.Join(words, "")
	default:
		return "The " + name
	}
}

// release is an album with the numbers of its tracks.
type release struct {
	number   int
	title    string
	kind     catalog.Kind
	released catalog.Date
	day      time.Time // to which released is less exact
	with     int       // another artist of equal right, -1 for none
	from, to int       // tracks of the artist
}

// releases calls f with the releases of an artist, oldest first.
func (w *world) releases(i int, f func(release) error) error {
	rng := w.rng(streamAlbums, uint64(i))
	number, _ := w.scene(i)
	total := int(w.tracks[i])
	day, gap := w.career(rng, w.scenes[number], total)
	t := w.tongues[w.tongueOf(i)]
	for n, from := 0, 0; from < total; n++ {
		r := release{number: n, title: t.title(rng), from: from, day: day, with: -1}
		var size int
		r.kind, size = kindAndSize(rng)
		r.to = min(total, from+size)
		if rng.IntN(25) == 0 {
			r.with = w.draw(rng, number)
		}
		if r.with == i {
			r.with = -1
		}
		r.released = precision(rng, day, w.asOf)
		if err := f(r); err != nil {
			return err
		}
		from, day = r.to, day.AddDate(0, 0, 20+int(rng.ExpFloat64()*float64(gap)))
		if last := w.asOf.AddDate(0, 0, 60); day.After(last) {
			day = w.asOf.AddDate(0, 0, -rng.IntN(400))
		}
	}
	return nil
}

// career returns when an artist began and the days between its releases. A third of the
// artists are still at work, so that their last release lies near the end.
func (w *world) career(rng *rand.Rand, s scene, tracks int) (time.Time, int) {
	to := min(s.to, w.asOf.Year())
	year := s.from + rng.IntN(max(1, to-s.from+1))
	begin := time.Date(year, time.Month(1+rng.IntN(12)), 1+rng.IntN(28), 0, 0, 0, 0, time.UTC)
	if begin.After(w.asOf) {
		begin = w.asOf.AddDate(0, 0, -rng.IntN(700))
	}
	albums := max(1, tracks/6)
	if rng.IntN(3) == 0 {
		return begin, int(w.asOf.Sub(begin).Hours()/24) / albums
	}
	return begin, 200 + rng.IntN(500)
}

func kindAndSize(rng *rand.Rand) (catalog.Kind, int) {
	switch n := rng.IntN(100); {
	case n < 46:
		return catalog.KindAlbum, 8 + rng.IntN(7)
	case n < 76:
		return catalog.KindSingle, 1 + rng.IntN(2)
	case n < 89:
		return catalog.KindEP, 4 + rng.IntN(3)
	case n < 95:
		return catalog.KindLive, 9 + rng.IntN(9)
	default:
		return catalog.KindCompilation, 12 + rng.IntN(10)
	}
}

// precision forgets the day or month of some dates, rather of old ones.
func precision(rng *rand.Rand, day, asOf time.Time) catalog.Date {
	form, n := time.DateOnly, rng.IntN(100)
	if old := asOf.Year() - day.Year(); n < 2+min(old, 50)/2 {
		form = "2006"
	} else if n < 4+min(old, 50) {
		form = "2006-01"
	}
	d, err := catalog.ParseDate(day.Format(form))
	if err != nil {
		return 0
	}
	return d
}

func (w *world) albumKey(i, album int) string { return fmt.Sprintf("g%d-%d", i, album) }

func (w *world) trackKey(i, track int) string { return fmt.Sprintf("g%d-%d", i, track) }

// albumRow returns a release as a row.
func (w *world) albumRow(i int, r release) catalog.AlbumRow {
	row := catalog.AlbumRow{
		Key: w.albumKey(i, r.number), Title: r.title, Artists: []string{w.artistKey(i)}, Kind: r.kind, Released: r.released,
		Popularity: max(1, w.popularity(i)-r.number%17),
	}
	if r.with >= 0 {
		row.Artists = append(row.Artists, w.artistKey(r.with))
		row.Credit = w.artistName(i) + " & " + w.artistName(r.with)
	}
	return row
}

// trackRow returns a track of a release as a row.
func (w *world) trackRow(i int, r release, n int) catalog.TrackRow {
	rng := w.rng(streamTracks, uint64(i)<<20|uint64(n))
	row := catalog.TrackRow{
		Key: w.trackKey(i, n), Title: w.tongues[w.tongueOf(i)].title(rng), Album: w.albumKey(i, r.number),
		Seconds:    95 + int(min(900, math.Exp(4.6+0.45*rng.NormFloat64()))),
		Popularity: max(1, w.popularity(i)-int(rng.ExpFloat64()*9)-(n-r.from)),
	}
	if r.kind == catalog.KindSingle && n == r.from {
		row.Title = r.title
	}
	if rng.IntN(9) == 0 {
		scene, _ := w.scene(i)
		if guest := w.draw(rng, scene); guest != i {
			row.Featured = []string{w.artistName(guest)}
		}
	}
	return row
}

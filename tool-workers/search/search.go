// Package search finds what a text names: artists, albums, tracks, playlists, shows and
// episodes, by names and other spellings, beginnings of words, typos, and "title by
// artist".
//
// A text is read in several ways ([looks]), the most literal first; the first reading that
// finds something counts. What is found is ranked by how its name relates to the text and
// by popularity. A text that names nothing gets what is related to what is in it: an artist,
// playlists, podcasts.
package search

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Params are the parameters of search.
type Params struct {
	Text        string   `param:"text" doc:"the name or words to look up"`
	EntityTypes []string `param:"entity_types" doc:"kinds of result; all when left out" enum:"track,album,artist,playlist,show,episode"`
	Genre       string   `param:"genre" doc:"of playlists"`
	Mood        string   `param:"mood" doc:"of playlists"`
	Activity    string   `param:"activity" doc:"what playlists are for"`
	EraFrom     int      `param:"era_from" doc:"first year of the era of playlists" min:"1500" max:"2100"`
	EraTo       int      `param:"era_to" doc:"last year of the era of playlists" min:"1500" max:"2100"`
	Language    string   `param:"language" doc:"of playlists, as an ISO 639-1 code or its English name"`
}

// engine is what searches.
type engine struct {
	c      *catalog.Catalog
	finder *taste.Finder
	index  *textIndex
	spell  spellings
	number numbering
	ofKind map[schemas.ItemType]*roaring.Bitmap // numbers
	guests map[string][]int                     // folded name → tracks with that guest
}

// New returns the tool over the catalogue of f, with an index that it builds.
func New(f *taste.Finder) (tools.Tool, error) {
	var index bytes.Buffer
	if err := Build(f.Catalog(), &index); err != nil {
		return nil, err
	}
	return open(f, index.Bytes())
}

// Open returns the tool over the catalogue of f, with the index in a file that [Build]
// wrote. Its errors wrap [ErrBadIndex] when the file is of another catalogue.
func Open(f *taste.Finder, name string) (tools.Tool, error) {
	index, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	t, err := open(f, index)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

func open(f *taste.Finder, index []byte) (tools.Tool, error) {
	c := f.Catalog()
	t := &engine{c: c, finder: f, number: number(c), ofKind: map[schemas.ItemType]*roaring.Bitmap{}, guests: map[string][]int{}}
	for _, kind := range kinds() {
		t.ofKind[kind] = roaring.New()
	}
	for i := range uint32(len(t.number)) {
		t.ofKind[t.number.ref(i).Type].Add(i)
	}
	for track := range c.Tracks() {
		for _, guest := range track.Featured() {
			name := catalog.Fold(guest)
			t.guests[name] = append(t.guests[name], track.Index())
		}
	}
	var err error
	if t.spell, err = newSpellings(); err != nil {
		return nil, err
	}
	if t.index, err = readIndex(index, c.Version); err != nil {
		return nil, err
	}
	return tools.Typed("search", tools.Spec{
		Version: "2.0.0", For: "look up named things by name, words, beginnings and misspellings, and playlists by what they are for",
		Example:  tools.Example{Query: "bohemian rapsody quen", Params: schemas.Params{"text": "bohemian rapsody quen"}},
		CacheFor: 10 * time.Minute, Results: kinds(),
	}, t.run)
}

// run looks the text up; where only playlists are wanted it goes by what they are for.
func (t *engine) run(ctx context.Context, call tools.Call[Params]) (tools.Result, error) {
	p := call.Params
	w := t.finder.Wish(taste.WishParams{
		Genre: p.Genre, Mood: p.Mood, Activity: p.Activity, EraFrom: p.EraFrom, EraTo: p.EraTo, Language: p.Language,
	})
	if only(p.EntityTypes, catalog.TypePlaylist) && !w.Empty() {
		return tools.Result{Items: t.finder.Items(t.finder.Playlists(w, p.Text, call.Limit))}, nil
	}
	if only(p.EntityTypes, catalog.TypeShow) && t.isTopic(p.Text) {
		return tools.Result{Items: t.finder.Items(t.finder.Shows(taste.ShowWish{Topic: p.Text}, taste.Profile{}, call.Limit))}, nil
	}
	items, err := t.find(ctx, p.Text, p.EntityTypes, call.Limit)
	if err == nil && len(items) == 0 {
		items = t.instead(p.Text, p.EntityTypes, call.Limit)
	}
	return tools.Result{Items: items}, err
}

// isTopic reports whether a text is a topic of podcasts, and the title of none.
func (t *engine) isTopic(text string) bool {
	if t.finder.Taxonomy().Topics.Term(text) == "" {
		return false
	}
	show, ok := t.c.ShowIn(text)
	return !ok || catalog.Fold(show.Title()) != catalog.Fold(text)
}

func only(types []string, t schemas.ItemType) bool { return len(types) == 1 && types[0] == string(t) }

// find returns what the text names. A reading that finds a whole name ends the search; one
// that finds parts of names is compared with the misspelling that the text may be.
func (t *engine) find(ctx context.Context, text string, types []string, limit int) ([]schemas.Item, error) {
	var hits []hit
	for _, l := range looks(text) {
		if artist, ok := t.tracksOf(l, types); ok {
			return t.recent(artist, limit), nil
		}
		if len(hits) > 0 && !l.whole || ctx.Err() != nil {
			break
		}
		more, err := t.look(l, types)
		if err != nil {
			return nil, err
		}
		hits = append(hits, more...)
		if l.whole && len(more) > 0 {
			if more, err = t.look(t.corrected(more), types); err != nil {
				return nil, err
			}
			hits = append(hits, more...)
		}
		if slices.ContainsFunc(hits, func(h hit) bool { return h.whole }) {
			break
		}
	}
	return t.items(hits, limit, len(types) == 0), ctx.Err()
}

// corrected reads the name that a misspelled text most likely is.
func (t *engine) corrected(hits []hit) look {
	best := slices.MaxFunc(hits, func(a, b hit) int { return cmp.Compare(a.score, b.score) })
	l := read(words(best.entry.names[0]))
	l.corrected = true
	return l
}

// tracksOf returns the artist whose tracks are meant: tracks are wanted, the text is the
// artist's name, and no track of that name is much better known.
func (t *engine) tracksOf(l look, types []string) (artist catalog.Artist, ok bool) {
	const much = 10
	if !only(types, catalog.TypeTrack) || l.typos {
		return artist, false
	}
	if artist, ok = t.c.Named(l.text); !ok {
		return artist, false
	}
	namesakes, err := t.index.names.having(l.text)
	if err != nil {
		return artist, true
	}
	namesakes.And(t.ofKind[catalog.TypeTrack])
	return artist, namesakes.IsEmpty() || t.c.Track(t.number.ref(namesakes.Minimum()).Index).Popularity() <= artist.Popularity()+much
}

// maxRanked bounds how many entries are looked at closely: the most popular, and whatever
// has the very name.
const maxRanked = 300

// hit is an entry that answers a reading.
type hit struct {
	entry entry
	look  look
	score float64
	whole bool // the text is its name
}

// look returns what answers one reading of a text, in no order.
func (t *engine) look(l look, types []string) ([]hit, error) {
	sets, err := t.candidates(l)
	if err != nil {
		return nil, err
	}
	var wanted *roaring.Bitmap // nil for all types
	if len(types) > 0 {
		wanted = roaring.New()
		for _, name := range types {
			if of, ok := t.ofKind[schemas.ItemType(name)]; ok {
				wanted.Or(of)
			}
		}
	}
	var hits []hit
	seen := roaring.New()
	for _, set := range sets {
		if wanted != nil {
			set = roaring.And(set, wanted)
		}
		ranked := 0
		for it := set.Iterator(); it.HasNext() && ranked < maxRanked; ranked++ {
			i := it.Next()
			if !seen.CheckedAdd(i) {
				continue
			}
			e := entryOf(t.c, t.number.ref(i))
			if score, fit := e.score(l); score > 0 {
				hits = append(hits, hit{e, l, score, fit >= fitSqueeze*fitAlias})
			}
		}
	}
	return hits, nil
}

// items returns the best hits, best first, a recording once. Where a page is for all types,
// none of them takes more than half of it while others have hits, unless the text is their
// very name.
func (t *engine) items(hits []hit, limit int, all bool) []schemas.Item {
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.entry.popularity, a.entry.popularity))
	})
	share := limit
	if all {
		share = (limit + 1) / 2
	}
	var items, crowded []schemas.Item // crowded: of types that have their share
	have, ofType := map[string]bool{}, map[schemas.ItemType]int{}
	for _, h := range hits {
		if len(items) == limit {
			break
		}
		item := t.item(h.look, h.entry)
		key := catalog.Recording(item)
		if have[key] || have[item.ID] {
			continue
		}
		have[key], have[item.ID] = true, true
		item.Score = taste.Round(h.score)
		if ofType[item.Type]++; ofType[item.Type] > share && !h.whole {
			crowded = append(crowded, item)
			continue
		}
		items = append(items, item)
	}
	items = append(items, crowded[:min(len(crowded), limit-len(items))]...)
	slices.SortStableFunc(items, func(a, b schemas.Item) int { return cmp.Compare(b.Score, a.Score) })
	return items
}

// item says how an entry was found, or when it came out, where that is worth saying.
func (t *engine) item(l look, e entry) schemas.Item {
	item := t.c.Item(e.ref)
	if item.Why != "" {
		return item
	}
	switch e.ref.Type {
	case catalog.TypeArtist:
		item.Why = t.alias(l, e)
	case catalog.TypeAlbum:
		item.Why = t.c.Album(e.ref.Index).Released().Ago(t.c.AsOf)
	case catalog.TypeTrack:
		item.Why = t.c.Track(e.ref.Index).Released().Ago(t.c.AsOf)
	case catalog.TypeEpisode:
		item.Why = t.c.Episode(e.ref.Index).Released().Ago(t.c.AsOf)
	}
	return item
}

// alias names the other name of an artist that the text is, unless it is the same but for
// spaces.
func (t *engine) alias(l look, e entry) string {
	i := slices.Index(e.names, l.text)
	if i < 1 || squeeze(e.names[i]) == squeeze(e.names[0]) {
		return ""
	}
	return "also known as " + t.c.Artist(e.ref.Index).Aliases()[i-1]
}

// instead answers a text that names nothing by what is in it: an artist within a longer
// text, a genre for playlists, a topic for shows.
func (t *engine) instead(text string, types []string, limit int) []schemas.Item {
	switch {
	case only(types, catalog.TypeTrack):
		if artist, ok := t.c.ArtistIn(text); ok {
			return t.recent(artist, limit)
		}
	case only(types, catalog.TypeArtist):
		if artist, ok := t.c.ArtistIn(text); ok {
			return t.finder.Items([]taste.Pick{{Ref: artist.Ref(), Score: 0.5}})
		}
	case only(types, catalog.TypeShow):
		return t.finder.Items(t.finder.Shows(taste.ShowWish{Text: text}, taste.Profile{}, limit))
	case only(types, catalog.TypePlaylist):
		return t.finder.Items(t.finder.Playlists(taste.Wish{}, text, limit))
	case len(types) == 0:
		return t.related(text, limit)
	}
	return nil
}

// related returns what a text that names nothing has to do with: the artist within it and
// some of their tracks, playlists and podcasts about what it says. Where it says a genre,
// playlists come first.
func (t *engine) related(text string, limit int) []schemas.Item {
	half, tax := (limit+1)/2, t.finder.Taxonomy()
	items := t.finder.Items(t.finder.Playlists(taste.Wish{}, text, half))
	if artist, ok := t.c.ArtistIn(text); ok {
		by := append(t.finder.Items([]taste.Pick{{Ref: artist.Ref()}}), t.recent(artist, half)...)
		if items = append(by, items...); len(tax.Genres.In(text)) > 0 {
			items = append(items[len(by):], by...)
		}
	}
	if len(tax.Topics.In(text)) > 0 { // else a word of its description is no reason to show a podcast
		items = append(items, t.finder.Items(t.finder.Shows(taste.ShowWish{Text: text}, taste.Profile{}, half))...)
	}
	items = items[:min(limit, len(items))]
	for i := range items {
		items[i].Score = taste.Round(1 / float64(i+2)) // less than that of what is named
	}
	return items
}

// recent returns the tracks of an artist, and those it is a guest on, newest first and of
// one day the most popular first.
func (t *engine) recent(artist catalog.Artist, limit int) []schemas.Item {
	var tracks []catalog.Track
	for _, album := range artist.Albums() {
		for _, i := range t.c.Album(int(album)).Tracks() {
			tracks = append(tracks, t.c.Track(int(i)))
		}
	}
	for _, i := range artist.Singles() {
		tracks = append(tracks, t.c.Track(int(i)))
	}
	for _, i := range t.guests[catalog.Fold(artist.Name())] {
		tracks = append(tracks, t.c.Track(i))
	}
	slices.SortStableFunc(tracks, func(x, y catalog.Track) int {
		return cmp.Or(cmp.Compare(y.Released(), x.Released()), cmp.Compare(y.Popularity(), x.Popularity()))
	})
	items := make([]schemas.Item, 0, limit)
	have := map[string]bool{}
	for _, track := range tracks {
		if len(items) == limit {
			break
		}
		item := t.c.Item(track.Ref())
		if key := catalog.Recording(item); !have[key] {
			have[key] = true
			item.Score, item.Why = taste.Round(1/float64(len(items)+1)), track.Released().Ago(t.c.AsOf)
			items = append(items, item)
		}
	}
	return items
}

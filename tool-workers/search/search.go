// Package search finds what a text names: artists, albums, tracks, playlists, shows and
// episodes, by names and other spellings, beginnings of words, typos, and "title by
// artist".
//
// A text is read in several ways ([looks]), the most literal first; the first reading that
// finds something counts. What is found is ranked by how its name relates to the text and
// by popularity. A text that names nothing finds nothing.
package search

import (
	"cmp"
	"context"
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Tool is search.
type Tool struct {
	c       *catalog.Catalog
	finder  *taste.Finder
	index   *textIndex
	entries []entry            // most popular first
	groups  [][]int32          // entries of each group of the index
	exact   map[string][]int32 // folded name → entries
	guests  map[string][]int   // folded name → tracks with that guest
}

// New returns the tool over the catalogue of f.
func New(f *taste.Finder) (*Tool, error) {
	c := f.Catalog()
	t := &Tool{c: c, finder: f, exact: map[string][]int32{}, guests: map[string][]int{}}
	all, groups := entries(c)
	texts, members := groupTexts(all, groups)
	t.entries, t.groups = all, members
	for i, e := range t.entries {
		for _, name := range e.names {
			t.exact[name] = append(t.exact[name], int32(i))
		}
	}
	for track := range c.Tracks() {
		for _, guest := range track.Featured() {
			t.guests[catalog.Fold(guest)] = append(t.guests[catalog.Fold(guest)], track.Index())
		}
	}
	var err error
	t.index, err = newTextIndex(texts)
	return t, err
}

// Name implements [tools.Tool].
func (*Tool) Name() string { return "search" }

// Run implements [tools.Tool]. Its parameters are text, entity_types, and, for playlists,
// genre, mood and activity.
func (t *Tool) Run(ctx context.Context, req schemas.ToolRequest) (tools.Result, error) {
	text, types := req.Params.Text("text"), req.Params.List("entity_types")
	if w := t.finder.Wish(req.Params); only(types, catalog.TypePlaylist) && !w.Empty() {
		return tools.Result{Items: t.finder.Items(t.finder.Playlists(w, text, req.Limit))}, nil
	}
	items, err := t.find(ctx, text, types, req.Limit)
	if err == nil && len(items) == 0 {
		items = t.instead(text, types, req.Limit)
	}
	return tools.Result{Items: items}, err
}

func only(types []string, t schemas.ItemType) bool { return len(types) == 1 && types[0] == string(t) }

// find returns what the text names.
func (t *Tool) find(ctx context.Context, text string, types []string, limit int) ([]schemas.Item, error) {
	for _, l := range looks(text) {
		if artist, ok := t.tracksOf(l, types); ok {
			return t.recent(artist, limit), nil
		}
		groups, err := t.index.find(ctx, l)
		if err != nil {
			return nil, err
		}
		if items := t.rank(l, t.members(l, groups, types), limit); len(items) > 0 {
			return items, nil
		}
	}
	return nil, nil
}

// members returns the entries of groups that are of a wanted type, most popular first.
func (t *Tool) members(l look, groups []int32, types []string) []int32 {
	var out []int32
	for _, g := range groups {
		for _, i := range t.groups[g] {
			e := &t.entries[i]
			if (len(types) == 0 || slices.Contains(types, string(e.ref.Type))) && e.mayHold(l) {
				out = append(out, i)
			}
		}
	}
	slices.Sort(out)
	return out
}

// tracksOf returns the artist whose tracks are meant: tracks are wanted, the text is the
// artist's name, and no track of that name is much better known.
func (t *Tool) tracksOf(l look, types []string) (artist catalog.Artist, ok bool) {
	const much = 10
	if !only(types, catalog.TypeTrack) || l.typos {
		return artist, false
	}
	if artist, ok = t.c.Named(l.text); !ok {
		return artist, false
	}
	return artist, !slices.ContainsFunc(t.exact[l.text], func(i int32) bool {
		e := t.entries[i]
		return e.ref.Type == catalog.TypeTrack && e.popularity > artist.Popularity()+much
	})
}

// maxRanked bounds how many entries are looked at closely: the most popular, and whatever
// has the very name.
const maxRanked = 600

func (t *Tool) rank(l look, found []int32, limit int) []schemas.Item {
	if len(found) > maxRanked {
		rest := found[maxRanked:]
		found = found[:maxRanked]
		for _, i := range t.exact[l.text] {
			if _, ok := slices.BinarySearch(rest, i); ok {
				found = append(found, i)
			}
		}
	}
	type hit struct {
		entry int32
		score float64
	}
	hits := make([]hit, 0, len(found))
	for _, i := range found {
		if score := t.entries[i].score(l); score > 0 {
			hits = append(hits, hit{i, score})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.entry, b.entry))
	})
	items := make([]schemas.Item, 0, min(limit, len(hits)))
	have := map[string]bool{}
	for _, h := range hits {
		if len(items) == limit {
			break
		}
		item := t.item(l, t.entries[h.entry])
		if key := catalog.Recording(item); !have[key] {
			have[key] = true
			item.Score = taste.Round(h.score)
			items = append(items, item)
		}
	}
	return items
}

// item says how an entry was found, or when it came out, where that is worth saying.
func (t *Tool) item(l look, e entry) schemas.Item {
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
func (t *Tool) alias(l look, e entry) string {
	i := slices.Index(e.names, l.text)
	if i < 1 || squeeze(e.names[i]) == squeeze(e.names[0]) {
		return ""
	}
	return "also known as " + t.c.Artist(e.ref.Index).Aliases()[i-1]
}

// instead answers a text that names nothing by what is in it: an artist within a longer
// text, a genre for playlists, a topic for shows.
func (t *Tool) instead(text string, types []string, limit int) []schemas.Item {
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
	}
	return nil
}

// recent returns the tracks of an artist, and those it is a guest on, newest first and of
// one day the most popular first.
func (t *Tool) recent(artist catalog.Artist, limit int) []schemas.Item {
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

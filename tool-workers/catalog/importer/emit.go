package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// bits is a set of small numbers.
type bits []uint64

func (b bits) has(n int32) bool { return b[n/64]&(1<<(n%64)) != 0 }

func (b bits) set(n int32) { b[n/64] |= 1 << (n % 64) }

// placed is a track on its way into the order of albums.
type placed struct {
	source int
	track  track
}

func (*placed) tag() tag { return tagPlaced }

func (r *placed) code(c *coder) {
	c.int(&r.source)
	r.track.code(c)
}

// Reasons for which the assembly rejects a row.
var (
	errTwice         = errors.New("its key is taken")
	errUnknownArtist = errors.New("unknown artist")
	errUnknownAlbum  = errors.New("unknown album")
	errUnknownShow   = errors.New("unknown show")
	errUnknownTrack  = errors.New("unknown track")
	errOrphan        = errors.New("its show was rejected")
)

// tracksPerPart is how many tracks are sorted in memory at once.
const tracksPerPart = 100_000

// emit hands the rows to the target.
func (a *assembly) emit(ctx context.Context) error {
	a.popular = a.audiences.popularity()
	a.report.Entries = map[string]int64{}
	for k := range itemKinds {
		a.accepted[k] = make(bits, a.index.of(k).len()/64+1)
	}
	for _, step := range []struct {
		tag tag
		row func(record) (offer, error)
	}{{tagArtist, a.artist}, {tagAlbum, a.album}} {
		if err := a.emitAll(ctx, step.tag, step.row); err != nil {
			return err
		}
	}
	if err := a.emitTracks(ctx); err != nil {
		return err
	}
	for _, step := range []struct {
		tag tag
		row func(record) (offer, error)
	}{{tagShow, a.show}, {tagEpisode, a.episode}, {tagPlaylist, a.playlist}} {
		if err := a.emitAll(ctx, step.tag, step.row); err != nil {
			return err
		}
	}
	return nil
}

// offer is a row that is ready for the target.
type offer struct {
	item item
	add  func() error
}

// feedAt is a feed by its place in the source of feeds.
type feedAt struct {
	source *staged
	line   int64
}

// emitAll hands out the rows of a type. With a show that is refused go the episodes of its
// feed: they would become those of whichever show has its key.
func (a *assembly) emitAll(ctx context.Context, t tag, row func(record) (offer, error)) error {
	return a.each(ctx, t, func(s *staged, e entry) error {
		feed, before := feedAt{s, e.line}, a.refused[s]
		o, err := row(e.rec)
		if err == nil && t == tagEpisode && a.orphans[feed] {
			err = errOrphan
		}
		if err != nil {
			err = a.refuse(s, e.line, err)
		} else {
			err = a.give(s, e.line, o)
		}
		if t == tagShow && s.source.kind == kindFeeds && a.refused[s] > before {
			a.orphans[feed] = true
		}
		return err
	})
}

// give hands a row to the target, unless its key was there already.
func (a *assembly) give(s *staged, line int64, o offer) error {
	if a.accepted[o.item.kind].has(o.item.number) {
		return a.refuse(s, line, errTwice)
	}
	if a.sent++; a.sent%reportEvery == 0 {
		a.progress(Step{Name: "catalogue", Done: a.sent, Total: a.total(), Unit: "rows"})
	}
	err := o.add()
	if errors.Is(err, catalog.ErrFull) {
		return err
	}
	if err != nil {
		return a.refuse(s, line, err)
	}
	a.accepted[o.item.kind].set(o.item.number)
	a.report.Entries[o.item.kind.String()]++
	return nil
}

func (a *assembly) total() int64 {
	n := int64(0)
	for k := range itemKinds {
		n += int64(a.index.of(k).len())
	}
	return n
}

// popularity returns the one that a source gave, or else the one that was worked out.
func (a *assembly) popularity(given int, it item) int {
	if given > 0 {
		return given
	}
	return int(a.popular[it.kind][it.number])
}

func (a *assembly) artist(r record) (offer, error) {
	row := r.(*artist).ArtistRow // only artists are asked for
	n, _ := a.index.artists.find(row.Key)
	it := item{isArtist, n}
	row.Popularity = a.popularity(row.Popularity, it)
	if len(row.Languages) == 0 {
		row.Languages = a.spoken(n, row.Country)
	}
	return offer{it, func() error { return a.target.Catalogue.AddArtist(row) }}, nil
}

// spoken returns the language of an artist's releases or, if none is known, of its country.
func (a *assembly) spoken(n int32, country string) []string {
	lang := countryLanguage(country)
	if m := a.index.spoken[n]; m.votes > 0 {
		lang = string(m.word[:])
	}
	if lang == "" {
		return nil
	}
	return []string{lang}
}

func (a *assembly) album(r record) (offer, error) {
	row := r.(*album).AlbumRow // only albums are asked for
	var err error
	if row.Artists, err = a.artistKeys(row.Artists); err != nil {
		return offer{}, err
	}
	n, _ := a.index.albums.find(row.Key)
	it := item{isAlbum, n}
	row.Popularity = a.popularity(row.Popularity, it)
	return offer{it, func() error { return a.target.Catalogue.AddAlbum(row) }}, nil
}

// artistKeys returns the keys of artists that are named by key, id or name.
func (a *assembly) artistKeys(refs []string) ([]string, error) {
	out := make([]string, len(refs))
	for i, ref := range refs {
		n := a.index.artist(ref)
		if n == none || !a.accepted[isArtist].has(n) {
			return nil, fmt.Errorf("%w: %s", errUnknownArtist, ref)
		}
		out[i] = a.index.artists.key(n)
	}
	return out, nil
}

// emitTracks hands the tracks out album by album, in the order of the albums and of their
// discs. Those that are on no album come last, as they were read.
func (a *assembly) emitTracks(ctx context.Context) error {
	tracks, albums := int64(a.index.tracks.len()), int64(a.index.albums.len())
	var err error
	if a.placing, err = newSpill(a.path("tracks"), tracks+tracksPerPart, tracksPerPart); err != nil {
		return err
	}
	numbers := map[*staged]int{}
	for i, s := range a.sources {
		numbers[s] = i
	}
	last := int64(a.placing.parts() - 1) // for those on no album
	err = a.each(ctx, tagTrack, func(s *staged, e entry) error {
		p := placed{numbers[s], *e.rec.(*track)} // only tracks are asked for
		album, err := a.place(&p.track)
		if err != nil {
			return a.refuse(s, e.line, err)
		}
		part := last
		if album != none {
			part = int64(album) * last / albums
		}
		return a.placing.add(int(part), e.line, &p)
	})
	if err != nil {
		return err
	}
	for part := range int(last) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.emitSorted(part); err != nil {
			return err
		}
	}
	for e, err := range a.placing.read(int(last)) {
		if err == nil {
			err = a.giveTrack(e)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// place resolves the references of a track and returns its album.
func (a *assembly) place(t *track) (int32, error) {
	n, _ := a.index.tracks.find(t.Key)
	album := a.index.trackAlbum[n]
	if t.Album != "" && (album == none || !a.accepted[isAlbum].has(album)) {
		return none, fmt.Errorf("%w: %s", errUnknownAlbum, t.Album)
	}
	var err error
	if t.Artists, err = a.artistKeys(t.Artists); err != nil {
		return none, err
	}
	t.Popularity = a.popularity(t.Popularity, item{isTrack, n})
	if album == none || !a.accepted[isAlbum].has(album) {
		return none, nil
	}
	t.Album, t.Released, t.number = a.index.albums.key(album), 0, int(a.index.trackPlace[n].number)
	if t.Credit == "" && slices.Equal(a.index.trackArtists.at(n), a.index.albumArtists.at(album)) {
		t.Artists = nil
	}
	return album, nil
}

func (a *assembly) emitSorted(part int) error {
	type placedEntry struct {
		entry
		album  int32
		number int
	}
	var list []placedEntry
	for e, err := range a.placing.read(part) {
		if err != nil {
			return err
		}
		t := e.rec.(*placed).track // the spill holds nothing else
		album, _ := a.index.albums.find(t.Album)
		list = append(list, placedEntry{e, album, t.number})
	}
	slices.SortStableFunc(list, func(x, y placedEntry) int {
		return cmp.Or(cmp.Compare(x.album, y.album), cmp.Compare(x.number, y.number))
	})
	for _, p := range list {
		if err := a.giveTrack(p.entry); err != nil {
			return err
		}
	}
	return nil
}

func (a *assembly) giveTrack(e entry) error {
	p := e.rec.(*placed) // the spill holds nothing else
	n, _ := a.index.tracks.find(p.track.Key)
	return a.give(a.sources[p.source], e.line, offer{item{isTrack, n}, func() error {
		return a.target.Catalogue.AddTrack(p.track.TrackRow)
	}})
}

func (a *assembly) show(r record) (offer, error) {
	row := r.(*show).ShowRow // only shows are asked for
	n, _ := a.index.shows.find(row.Key)
	it := item{isShow, n}
	row.Popularity = a.popularity(row.Popularity, it)
	return offer{it, func() error { return a.target.Catalogue.AddShow(row) }}, nil
}

func (a *assembly) episode(r record) (offer, error) {
	row := r.(*episode).EpisodeRow // only episodes are asked for
	of := a.index.show(row.Show)
	if of == none || !a.accepted[isShow].has(of) {
		return offer{}, fmt.Errorf("%w: %s", errUnknownShow, row.Show)
	}
	row.Show = a.index.shows.key(of)
	n, _ := a.index.episodes.find(row.Key)
	return offer{item{isEpisode, n}, func() error { return a.target.Catalogue.AddEpisode(row) }}, nil
}

func (a *assembly) playlist(r record) (offer, error) {
	row := r.(*playlist).PlaylistRow // only playlists are asked for
	var err error
	if row.Artists, err = a.artistKeys(row.Artists); err != nil {
		return offer{}, err
	}
	for i, ref := range row.Tracks {
		n, ok := a.index.tracks.find(strings.TrimPrefix(ref, "track:"))
		if !ok || !a.accepted[isTrack].has(n) {
			return offer{}, fmt.Errorf("%w: %s", errUnknownTrack, ref)
		}
		row.Tracks[i] = a.index.tracks.key(n)
	}
	n, _ := a.index.playlists.find(row.Key)
	it := item{isPlaylist, n}
	row.Popularity = a.popularity(row.Popularity, it)
	return offer{it, func() error { return a.target.Catalogue.AddPlaylist(row) }}, nil
}

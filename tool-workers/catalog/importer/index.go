package importer

import (
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// none stands for the number of an entry that is not there.
const none = int32(-1)

// index knows every entry by number: which key it has, and which others it refers to. It
// holds what is needed to resolve references and to count listeners, no names.
type index struct {
	artists, albums, tracks, shows, episodes, playlists *numbering

	names        map[digest]int32 // folded artist name → artist
	albumArtists lists
	trackArtists lists
	trackAlbum   []int32
	trackPlace   []place
	episodeShow  []int32
	known        [3][]int32 // artists, albums, tracks: how well, where nobody listened
	albumKind    []catalog.Kind
	spoken       []majority // by artist: the language of its releases
}

// place is where a track is on its album, and how good a choice that album is.
type place struct {
	rank   uint8
	date   catalog.Date
	number int32
}

func newIndex() *index {
	return &index{
		artists: newNumbering(), albums: newNumbering(), tracks: newNumbering(),
		shows: newNumbering(), episodes: newNumbering(), playlists: newNumbering(), names: map[digest]int32{},
	}
}

// lists is a list of numbers for each entry, end to end.
type lists struct {
	ends  []uint32
	items []int32
}

func (l *lists) add(items []int32) {
	l.items = append(l.items, items...)
	l.ends = append(l.ends, uint32(len(l.items)))
}

func (l *lists) at(i int32) []int32 {
	from := uint32(0)
	if i > 0 {
		from = l.ends[i-1]
	}
	return l.items[from:l.ends[i]]
}

// majority finds the word that more than half of the votes are for (Boyer and Moore 1981).
type majority struct {
	word  [2]byte
	votes int32
}

func (m *majority) vote(word string) {
	w := [2]byte{word[0], word[1]}
	switch {
	case m.votes == 0:
		m.word, m.votes = w, 1
	case m.word == w:
		m.votes++
	default:
		m.votes--
	}
}

// add takes a row up. The rows that it refers to must have been added before.
func (x *index) add(r record) {
	switch r := r.(type) {
	case *artist:
		x.addArtist(r)
	case *album:
		x.addAlbum(r)
	case *track:
		x.addTrack(r)
	case *release:
		x.addRelease(r)
	case *show:
		x.shows.add(r.Key)
	case *episode:
		if _, fresh := x.episodes.add(r.Key); fresh {
			x.episodeShow = append(x.episodeShow, x.show(r.Show))
		}
	case *playlist:
		x.playlists.add(r.Key)
	}
}

func (x *index) addArtist(r *artist) {
	n, fresh := x.artists.add(r.Key)
	if !fresh {
		return
	}
	x.known[0] = append(x.known[0], int32(r.evidence))
	x.spoken = append(x.spoken, majority{})
	name := nameDigest(r.Name)
	if other, taken := x.names[name]; !taken || r.evidence > int(x.known[0][other]) {
		x.names[name] = n
	}
}

func (x *index) addAlbum(r *album) {
	if _, fresh := x.albums.add(r.Key); !fresh {
		return
	}
	artists := x.findArtists(r.Artists)
	x.albumArtists.add(artists)
	for _, a := range artists {
		x.known[0][a]++
	}
	x.known[1] = append(x.known[1], int32(r.evidence))
	x.albumKind = append(x.albumKind, r.Kind)
}

func (x *index) addTrack(r *track) {
	if _, fresh := x.tracks.add(r.Key); !fresh {
		return
	}
	album := none
	if r.Album != "" {
		album = x.album(r.Album, r.Artists)
	}
	artists := x.findArtists(r.Artists)
	if len(r.Artists) == 0 && album != none {
		artists = x.albumArtists.at(album)
	}
	x.trackArtists.add(artists)
	x.trackAlbum = append(x.trackAlbum, album)
	x.trackPlace = append(x.trackPlace, place{number: int32(r.disc<<17 | r.number)})
	x.known[2] = append(x.known[2], int32(r.evidence))
}

// addRelease puts recordings on the album of which it is an edition. A recording that is on
// several goes to the most telling one: an album before an EP, a single, a live album and a
// compilation, official before not, and of equals the earliest.
func (x *index) addRelease(r *release) {
	album, ok := x.albums.find(r.album)
	if !ok {
		return
	}
	x.known[1][album]++
	if r.language != "" {
		for _, a := range x.albumArtists.at(album) {
			x.spoken[a].vote(r.language)
		}
	}
	p := place{rank: kindRank(x.albumKind[album]), date: r.date}
	if !r.official {
		p.rank += 8
	}
	if p.date == 0 {
		p.date = ^p.date
	}
	for i, key := range r.recordings {
		t, ok := x.tracks.find(key)
		if !ok {
			continue
		}
		x.known[2][t]++
		p.number = int32(i + 1)
		if x.trackAlbum[t] == none || p.before(x.trackPlace[t]) {
			x.trackAlbum[t], x.trackPlace[t] = album, p
		}
	}
}

func (p place) before(other place) bool {
	if p.rank != other.rank {
		return p.rank < other.rank
	}
	return p.date < other.date
}

func kindRank(k catalog.Kind) uint8 {
	switch k {
	case catalog.KindAlbum:
		return 0
	case catalog.KindEP:
		return 1
	case catalog.KindSingle:
		return 2
	case catalog.KindLive:
		return 3
	default:
		return 4
	}
}

func nameDigest(name string) digest { return digestOf("name " + catalog.Fold(name)) }

// artist resolves a key, an id or a name. Of artists with one name it returns the one that
// most people rated, then the first.
func (x *index) artist(ref string) int32 {
	if n, ok := x.artists.find(strings.TrimPrefix(ref, "artist:")); ok {
		return n
	}
	if strings.HasPrefix(ref, mbPrefix) {
		return none
	}
	if n, ok := x.names[nameDigest(strings.TrimPrefix(ref, "artist:"))]; ok {
		return n
	}
	return none
}

func (x *index) findArtists(refs []string) []int32 {
	out := make([]int32, 0, len(refs))
	for _, ref := range refs {
		if n := x.artist(ref); n != none {
			out = append(out, n)
		}
	}
	return out
}

// album resolves a key or an id or, of an album without one, a title.
func (x *index) album(ref string, artists []string) int32 {
	if n, ok := x.albums.find(strings.TrimPrefix(ref, "album:")); ok {
		return n
	}
	if len(artists) > 0 {
		if n, ok := x.albums.find(keyOf(artists[0], ref)); ok {
			return n
		}
	}
	return none
}

func (x *index) show(ref string) int32 {
	if n, ok := x.shows.find(strings.TrimPrefix(ref, "show:")); ok {
		return n
	}
	if n, ok := x.shows.find(keyOf(ref)); ok {
		return n
	}
	return none
}

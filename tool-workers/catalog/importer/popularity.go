package importer

import (
	"maps"
	"math"
	"slices"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// item is an entry of any type.
type item struct {
	kind   itemKind
	number int32
}

// itemKind is the type of an entry. The order is that of ids, and part of the spill format.
type itemKind uint8

const (
	isArtist itemKind = iota
	isAlbum
	isTrack
	isShow
	isEpisode
	isPlaylist
	itemKinds
)

func (k itemKind) String() string {
	return [...]string{
		string(catalog.TypeArtist), string(catalog.TypeAlbum), string(catalog.TypeTrack),
		string(catalog.TypeShow), string(catalog.TypeEpisode), string(catalog.TypePlaylist),
	}[k]
}

// audiences counts, for each entry, the people who listened to it or to something of it.
type audiences struct {
	index  *index
	counts [itemKinds][]int32
	any    bool
	heard  [itemKinds][]int32 // of the current listener
}

func newAudiences(x *index) *audiences {
	a := &audiences{index: x}
	for k := range itemKinds {
		a.counts[k] = make([]int32, x.of(k).len())
	}
	return a
}

// of returns the numbering of a type.
func (x *index) of(k itemKind) *numbering {
	return [...]*numbering{x.artists, x.albums, x.tracks, x.shows, x.episodes, x.playlists}[k]
}

// listener counts one person once for each entry: who plays a track is a listener of its
// album and its artists too, who plays an episode of its show.
func (a *audiences) listener(items []item) {
	for k := range a.heard {
		a.heard[k] = a.heard[k][:0]
	}
	for _, it := range items {
		a.heard[it.kind] = append(a.heard[it.kind], it.number)
		switch it.kind {
		case isTrack:
			if album := a.index.trackAlbum[it.number]; album != none {
				a.heard[isAlbum] = append(a.heard[isAlbum], album)
			}
			a.heard[isArtist] = append(a.heard[isArtist], a.index.trackArtists.at(it.number)...)
		case isAlbum:
			a.heard[isArtist] = append(a.heard[isArtist], a.index.albumArtists.at(it.number)...)
		case isEpisode:
			if show := a.index.episodeShow[it.number]; show != none {
				a.heard[isShow] = append(a.heard[isShow], show)
			}
		}
	}
	for k := range a.heard {
		slices.Sort(a.heard[k])
		for _, n := range slices.Compact(a.heard[k]) {
			a.counts[k][n]++
			a.any = true
		}
	}
}

// popularity returns that of every entry, by type. Without any listeners it goes by what
// the sources say: ratings and the number of releases.
func (a *audiences) popularity() [itemKinds][]uint8 {
	var out [itemKinds][]uint8
	for k := range itemKinds {
		counts := a.counts[k]
		if !a.any && k <= isTrack {
			counts = a.index.known[k]
		}
		out[k] = percentiles(counts)
	}
	return out
}

// percentiles turns counts into popularities: of n entries with a count, the one at rank r
// (1 for the greatest; equal counts share the best rank) gets
//
//	1 + 99·(1 − ln r / ln(n+1))
//
// rounded; an entry without a count gets 1. Audiences fall off roughly as 1/r (Zipf), so
// the logarithm of the rank goes down evenly with the logarithm of the audience.
func percentiles(counts []int32) []uint8 {
	sizes := map[int32]int{} // count → how many have it
	n := 0
	for _, c := range counts {
		if c > 0 {
			sizes[c]++
			n++
		}
	}
	of := make(map[int32]uint8, len(sizes))
	rank := 1
	for _, c := range slices.Backward(slices.Sorted(maps.Keys(sizes))) {
		of[c] = uint8(math.Round(1 + 99*(1-math.Log(float64(rank))/math.Log(float64(n+1)))))
		rank += sizes[c]
	}
	out := make([]uint8, len(counts))
	for i, c := range counts {
		out[i] = max(1, of[c])
	}
	return out
}

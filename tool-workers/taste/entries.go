package taste

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// candidate is an entry of an artist that matches. Most are dropped at once.
type candidate struct {
	index    int
	released catalog.Date
	score    float64
	misses   []string // what was overlooked of the release
}

// entries returns the best that an artist that matches has of one type, a few more than
// may be shown.
func (s *musicSearch) entries(l loosening, m match, t schemas.ItemType) []Pick {
	s.scratch = s.scratch[:0]
	for rank, i := range s.f.c.Artist(m.artist).Albums() {
		album := s.f.c.Album(int(i))
		fit, misses, ok := s.matchRelease(l, album.Released())
		if !ok {
			continue
		}
		at := candidate{album.Index(), album.Released(), m.score * fit, misses}
		switch t {
		case catalog.TypeTrack:
			s.addTracks(at, m.artist, album.Tracks())
		case catalog.TypeAlbum:
			s.addAlbum(at, album, rank)
		default: // the artist, once, for its newest release that fits
			at.index = m.artist
			s.scratch = append(s.scratch, at)
			return s.picks(&m, t)
		}
	}
	if t == catalog.TypeTrack {
		s.addSingles(l, m)
	}
	slices.SortFunc(s.scratch, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.index, b.index))
	})
	s.scratch = s.scratch[:min(len(s.scratch), 2*perArtist)]
	return s.picks(&m, t)
}

// addTracks adds tracks of a release, those that are played most of the artist's first.
func (s *musicSearch) addTracks(at candidate, artist int, tracks []uint32) {
	most, release := float64(max(1, s.f.c.Artist(artist).Popularity())), at.score
	for _, t := range tracks {
		played := 0.6 + 0.4*float64(s.f.c.Track(int(t)).Popularity())/most
		at.index, at.score = int(t), release*played
		s.scratch = append(s.scratch, at)
	}
}

// addSingles adds tracks that are on no release.
func (s *musicSearch) addSingles(l loosening, m match) {
	for _, t := range s.f.c.Artist(m.artist).Singles() {
		released := s.f.c.Track(int(t)).Released()
		if fit, misses, ok := s.matchRelease(l, released); ok {
			s.addTracks(candidate{0, released, m.score * fit, misses}, m.artist, []uint32{t})
		}
	}
}

// addAlbum leaves singles out unless news are wanted.
func (s *musicSearch) addAlbum(at candidate, album catalog.Album, rank int) {
	if album.Kind() == catalog.KindSingle && s.w.Weeks == 0 {
		return
	}
	at.score *= 1 - 0.02*float64(min(rank, 10))
	s.scratch = append(s.scratch, at)
}

func (s *musicSearch) picks(m *match, t schemas.ItemType) []Pick {
	out := make([]Pick, len(s.scratch))
	for i, x := range s.scratch {
		ref := catalog.Ref{Type: t, Index: x.index}
		out[i] = Pick{Ref: ref, Artist: m.artist, Score: x.score * s.p.fit(ref, s.f.c.ID(ref)), found: &finding{m, x.misses, x.released}}
	}
	return out
}

// finding is how a pick was found. Reasons are written last, for the picks that stay.
type finding struct {
	*match
	missesHere []string
	released   catalog.Date
}

// matchRelease checks years and weeks. What is newer fits better when news are wanted.
func (s *musicSearch) matchRelease(l loosening, released catalog.Date) (fit float64, misses []string, ok bool) {
	now, fit := s.f.c.AsOf, 1.0
	if w := s.w; w.From+w.To > 0 {
		year := released.Year()
		if !between(year, w.From, w.To, 0) {
			if l.years == 0 || !between(year, w.From, w.To, l.years) {
				return 0, nil, false
			}
			fit, misses = 0.5, append(misses, "not "+era(w.From, w.To))
		}
	}
	if s.w.Weeks == 0 {
		return fit, misses, !released.After(now)
	}
	if !released.Within(s.w.Weeks, now) {
		if !released.Within(s.w.Weeks*l.weeks, now) {
			return 0, nil, false
		}
		misses = append(misses, "nothing newer fits")
	}
	age := now.Sub(released.Time()) / (24 * time.Hour)
	return fit / (1 + float64(age)/float64(28*s.w.Weeks)), misses, true
}

// between reports whether a year lies in an era that may be open, give or take slack.
func between(year, from, to, slack int) bool {
	return year != 0 && (from == 0 || year >= from-slack) && (to == 0 || year <= to+slack)
}

// why gives the reason for a pick: what it is, when it came out if that was asked, and
// what was overlooked.
func (s *musicSearch) why(m *finding) string {
	reason := m.what
	if s.w.Weeks > 0 {
		reason = Join(reason, ", ", m.released.Ago(s.f.c.AsOf))
	} else if s.w.From+s.w.To > 0 {
		reason = Join(reason, " ", fmt.Sprintf("from %d", m.released.Year()))
	}
	if all := slices.Concat(m.misses, m.missesHere); len(all) > 0 {
		reason = Join(reason, "; ", strings.Join(all, ", "))
	}
	return reason
}

// Package generate invents catalogues and their listeners, of any size, to test and load
// the tools with: names, facts and tastes are made up, their proportions are not. Popularity
// falls off as the inverse of the rank (Zipf), the size of an artist's work is log-normal,
// dates are known to the day, month or year, a part of the releases is recent or announced,
// and a listener keeps to a few scenes.
//
// A scene is artists that share genres, moods, languages and listeners. Equal parameters
// give equal output. Nothing is kept but a number for each artist, so ten million tracks
// need some megabytes.
package generate

import (
	"errors"
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// MusicSink takes rows of music; *catalog.Builder is one. Its errors end the generation.
type MusicSink interface {
	AddArtist(r catalog.ArtistRow) error
	AddAlbum(r catalog.AlbumRow) error
	AddTrack(r catalog.TrackRow) error
}

// TalkSink takes the other rows.
type TalkSink interface {
	AddShow(r catalog.ShowRow) error
	AddEpisode(r catalog.EpisodeRow) error
	AddPlaylist(r catalog.PlaylistRow) error
}

// Sink takes rows of all types.
type Sink interface {
	MusicSink
	TalkSink
}

// Sizes says how much to invent.
type Sizes struct {
	Tracks    int
	Artists   int // 0: one for every twelve tracks
	Shows     int
	Episodes  int // of all shows
	Playlists int
	AsOf      time.Time // the day that counts as today; zero: 28 June 2025
}

// maxTracks bounds a catalogue.
const maxTracks = 100_000_000

// Validate returns every problem.
func (s Sizes) Validate() error {
	var errs []error
	for _, size := range []struct {
		name string
		n    int
	}{{"tracks", s.Tracks}, {"artists", s.Artists}, {"shows", s.Shows}, {"episodes", s.Episodes}, {"playlists", s.Playlists}} {
		if size.n < 0 || size.n > maxTracks {
			errs = append(errs, fmt.Errorf("%s %d: want 0 to %d", size.name, size.n, maxTracks))
		}
	}
	if s.Tracks == 0 {
		errs = append(errs, errors.New("no tracks"))
	}
	if s.Episodes > 0 && s.Shows == 0 {
		errs = append(errs, errors.New("episodes without shows"))
	}
	return errors.Join(errs...)
}

func (s Sizes) world(seed uint64) (*world, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("sizes: %w", err)
	}
	if s.Artists == 0 {
		s.Artists = max(1, s.Tracks/12)
	}
	if s.AsOf.IsZero() {
		s.AsOf = time.Date(2025, time.June, 28, 0, 0, 0, 0, time.UTC)
	}
	return newWorld(s.Artists, s.Tracks, seed, s.AsOf)
}

// Catalogue gives the rows of an invented catalogue to sink, artists before albums before
// tracks, then shows, episodes and playlists. It stops at the sink's first error.
func Catalogue(sink Sink, sizes Sizes, seed uint64) error {
	w, err := sizes.world(seed)
	if err != nil {
		return err
	}
	for i := range w.artists {
		if err := sink.AddArtist(w.artist(i)); err != nil {
			return fmt.Errorf("artist %d: %w", i, err)
		}
	}
	if err := w.giveAlbums(sink); err != nil {
		return err
	}
	if err := w.giveTracks(sink); err != nil {
		return err
	}
	return w.giveTalk(sink, sizes)
}

func (w *world) giveAlbums(sink MusicSink) error {
	for i := range w.artists {
		err := w.releases(i, func(r release) error { return sink.AddAlbum(w.albumRow(i, r)) })
		if err != nil {
			return fmt.Errorf("albums of artist %d: %w", i, err)
		}
	}
	return nil
}

func (w *world) giveTracks(sink MusicSink) error {
	for i := range w.artists {
		err := w.releases(i, func(r release) error {
			for n := r.from; n < r.to; n++ {
				if err := sink.AddTrack(w.trackRow(i, r, n)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("tracks of artist %d: %w", i, err)
		}
	}
	return nil
}

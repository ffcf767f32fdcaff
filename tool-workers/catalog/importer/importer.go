// Package importer turns the data that people have of music and podcasts into rows of a
// catalogue: MusicBrainz JSON dumps, ListenBrainz listens, podcast feeds, OPML and CSV.
//
// A [source] is a file, or the list of feeds. It is read unit by unit (a line, a CSV
// record, a feed); each becomes records, is skipped for a reason that is counted, or is a
// reject with a line and a reason. Reading is called staging: records go to segments in the
// work folder, with a checkpoint after each, so that an import which was stopped goes on
// where it was. When all sources are staged, the assembly numbers the entries, resolves
// references and listens, works out popularity from the listeners, and hands the rows to
// the [Target], what others refer to first. Equal sources give equal rows in equal order,
// however often the import was stopped.
package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// MusicSink takes rows of music. An error refuses the row, which is then a reject; only
// [catalog.ErrFull] ends the import. *catalog.Builder is one.
type MusicSink interface {
	AddArtist(r catalog.ArtistRow) error
	AddAlbum(r catalog.AlbumRow) error
	AddTrack(r catalog.TrackRow) error
}

// TalkSink takes the other rows, as a MusicSink does.
type TalkSink interface {
	AddShow(r catalog.ShowRow) error
	AddEpisode(r catalog.EpisodeRow) error
	AddPlaylist(r catalog.PlaylistRow) error
}

// Sink takes rows of all types. It may keep what it is given.
type Sink interface {
	MusicSink
	TalkSink
}

// Interaction takes what a user did with an item of the catalogue, given by its id: how
// often, and when last (the zero time where no source says). A user and item come once; a
// user's items come together. Its error ends the import.
type Interaction func(user, item string, weight float64, at time.Time) error

// Target is where an import goes to.
type Target struct {
	Catalogue   Sink
	Interaction Interaction  // nil: listens count for popularity alone
	Publish     func() error // called last, and only if all went well; nil for nothing
}

// Step is how far an import has come with a part of its work.
type Step struct {
	Name  string // a source, or "catalogue"
	Done  int64
	Total int64 // 0 for unknown
	Unit  string
}

// Progress is told of steps, from the goroutine that called [Run]. It may be nil.
type Progress func(Step)

// errTooManyRejects marks a source of which too much was rejected.
var errTooManyRejects = errors.New("too many rejects")

// Run imports the sources of cfg into the target. A Run that was stopped, by ctx or by
// force, is continued by another with the same work folder; two at once in one folder are
// not allowed. The report is complete as far as Run came, also with an error. When an error
// comes back, nothing was published, and what the target holds is of no value.
func Run(ctx context.Context, cfg Config, to Target, progress Progress) (Report, error) {
	if err := cfg.Validate(); err != nil {
		return Report{}, fmt.Errorf("import: %w", err)
	}
	if progress == nil {
		progress = func(Step) {}
	}
	a := &assembly{cfg: cfg, target: to, progress: progress}
	err := a.run(ctx)
	if err == nil && to.Publish != nil {
		err = to.Publish()
	}
	if err == nil {
		err = os.RemoveAll(a.path("staged")) // the next import begins anew
	}
	report, closed := a.finish()
	if err = errors.Join(err, closed, a.lock.release()); err != nil {
		err = fmt.Errorf("import: %w", err)
	}
	return report, err
}

// assembly is one run.
type assembly struct {
	cfg       Config
	target    Target
	progress  Progress
	lock      *workLock // nil until the folder is locked
	sources   []*staged
	index     *index
	audiences *audiences
	popular   [itemKinds][]uint8
	accepted  [itemKinds]bits
	plays     *spill // nil until it is made
	placing   *spill
	rejects   *rejects
	skipped   map[*staged]map[string]int64 // beyond what the checkpoints count
	refused   map[*staged]int64
	orphans   map[feedAt]bool // feeds whose shows were refused
	report    Report
	sent      int64 // rows to the target
}

func (a *assembly) path(name string) string { return filepath.Join(a.cfg.Work, name) }

func (a *assembly) run(ctx context.Context) error {
	words, err := newWords()
	if err != nil {
		return fmt.Errorf("load the taxonomy: %w", err)
	}
	sources, err := plan(a.cfg, words)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.cfg.Work, 0o755); err != nil {
		return err
	}
	if a.lock, err = lockWork(a.cfg.Work); err != nil {
		return err
	}
	if a.rejects, err = newRejects(a.path("rejects.csv")); err != nil {
		return err
	}
	a.skipped, a.refused, a.orphans = map[*staged]map[string]int64{}, map[*staged]int64{}, map[feedAt]bool{}
	if err := a.stage(ctx, sources); err != nil {
		return err
	}
	defer a.closeSpills()
	for _, step := range []func(context.Context) error{
		a.listRejects, a.checkShares, a.number, a.gather, a.addUp, a.emit, a.handOut, a.checkShares,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *assembly) closeSpills() {
	for _, s := range []*spill{a.plays, a.placing} {
		if s != nil {
			s.close()
		}
	}
}

// stage reads what is not staged yet, source by source.
func (a *assembly) stage(ctx context.Context, sources []source) error {
	for _, src := range sources {
		s := &staged{source: src, dir: a.path(filepath.Join("staged", src.id()))}
		a.sources = append(a.sources, s)
		a.skipped[s] = map[string]int64{}
		if err := s.resume(ctx); err != nil {
			return fmt.Errorf("resume %s: %w", src.name, err)
		}
		unit := "bytes"
		if src.kind == kindFeeds {
			unit = "feeds"
		}
		err := s.stage(ctx, func(done int64) { a.progress(Step{src.name, done, src.size, unit}) })
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls f with every staged record of a type, source by source.
func (a *assembly) each(ctx context.Context, t tag, f func(s *staged, e entry) error) error {
	for _, s := range a.sources {
		if !s.source.kind.holds(t) {
			continue
		}
		if err := s.each(ctx, t, func(e entry) error { return f(s, e) }); err != nil {
			return err
		}
	}
	return nil
}

// each calls f with every record of a type that is staged of the source.
func (s *staged) each(ctx context.Context, t tag, f func(entry) error) error {
	for n := range s.state.Segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		for e, err := range readSegment(s.segment(n), t) {
			if err == nil {
				err = f(e)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// holds reports whether there may be records of a type in a source.
func (k kind) holds(t tag) bool {
	switch t {
	case tagArtist:
		return k == kindMBArtist || k == kindArtists
	case tagAlbum:
		return k == kindMBReleaseGroup || k == kindAlbums
	case tagRelease:
		return k == kindMBRelease
	case tagTrack:
		return k == kindMBRecording || k == kindTracks
	case tagShow:
		return k == kindFeeds || k == kindShows
	case tagEpisode:
		return k == kindFeeds || k == kindEpisodes
	case tagPlaylist:
		return k == kindPlaylists
	case tagPlay:
		return k == kindListens || k == kindInteractions
	default:
		return true
	}
}

// listRejects writes down what staging rejected.
func (a *assembly) listRejects(ctx context.Context) error {
	for _, s := range a.sources {
		if s.state.Rejects == 0 {
			continue
		}
		err := s.each(ctx, tagReject, func(e entry) error {
			r := e.rec.(*reject) // only rejects are asked for
			return a.rejects.add(Reject{orElse(r.of, s.source.name), e.line, r.reason})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// refuse rejects a staged record.
func (a *assembly) refuse(s *staged, line int64, reason error) error {
	a.refused[s]++
	return a.rejects.add(Reject{s.source.nameAt(line), line, reason.Error()})
}

// checkShares returns an error for each source of which too much was rejected.
func (a *assembly) checkShares(context.Context) error {
	var errs []error
	for _, s := range a.sources {
		bad, all := s.state.Rejects+a.refused[s], s.state.Rows+s.state.Rejects
		if all == 0 || float64(bad) <= a.cfg.MaxRejects*float64(all) {
			continue
		}
		if s.source.kind == kindFeeds { // what could not be fetched may be there the next time
			errs = append(errs, os.RemoveAll(s.dir))
		}
		errs = append(errs, fmt.Errorf("%w: %d of %d in %s, see %s", errTooManyRejects, bad, all, s.source.name, a.rejects.name))
	}
	return errors.Join(errs...)
}

// number takes up every entry, and then which release has which recording.
func (a *assembly) number(ctx context.Context) error {
	a.index = newIndex()
	for _, t := range []tag{tagArtist, tagAlbum, tagTrack, tagRelease, tagShow, tagEpisode, tagPlaylist} {
		err := a.each(ctx, t, func(_ *staged, e entry) error {
			a.index.add(e.rec)
			return nil
		})
		if err != nil {
			return err
		}
	}
	a.audiences = newAudiences(a.index)
	return nil
}

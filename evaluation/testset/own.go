package testset

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

//go:embed data/*.txt
var data embed.FS

// OwnAsOf is the day on which the cases of [Own] are asked, the day of the sample catalogue.
const OwnAsOf = "2025-06-28"

// Own returns the cases that come with this package: written by hand, named after artists
// and shows of the sample catalogue for the most part, with gold and needs. An error is a
// mistake in the embedded files.
func Own() ([]Case, error) {
	s, err := newSource(data)
	if err != nil {
		return nil, err
	}
	var masked, keys []string
	var out []Case
	var errs []error
	for _, u := range UseCases() {
		lines, err := s.lines(u)
		errs = append(errs, err)
		for _, l := range lines {
			for _, w := range l.wordings {
				c, err := s.newCase(u, l, w)
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %q: %w", u, w.query, err))
					continue
				}
				out, masked, keys = append(out, c), append(masked, w.masked), append(keys, Normalise(w.query))
			}
		}
	}
	for i, cluster := range Clusters(masked, keys) {
		out[i].Cluster, out[i].Split = cluster, splitOf(cluster)
	}
	return out, errors.Join(append(errs, Validate(out))...)
}

// source is what cases are made from.
type source struct {
	dir      fs.FS
	artists  map[string][]string // genres, newest release, newest album
	shows    map[string][]string // topics
	wishes   map[string][]string // genres, genres to avoid, words
	profiles []listener
	asOf     time.Time
}

// listener is a profile with the market that it is in.
type listener struct {
	market string
	Profile
}

func newSource(files fs.FS) (*source, error) {
	dir, err := fs.Sub(files, "data")
	if err != nil {
		return nil, fmt.Errorf("own cases: %w", err)
	}
	s := &source{dir: dir}
	s.asOf, err = time.Parse(time.DateOnly, OwnAsOf)
	errs := []error{err}
	for _, t := range []struct {
		name   string
		fields int
		to     *map[string][]string
	}{{"artists", 4, &s.artists}, {"shows", 2, &s.shows}, {"wishes", 4, &s.wishes}} {
		*t.to, err = s.rows(t.name, t.fields)
		errs = append(errs, err)
	}
	errs = append(errs, s.readProfiles())
	return s, errors.Join(errs...)
}

func (s *source) read(name string) (string, error) {
	text, err := fs.ReadFile(s.dir, name+".txt")
	if err != nil {
		return "", fmt.Errorf("own cases: %w", err)
	}
	return string(text), nil
}

func (s *source) rows(name string, fields int) (map[string][]string, error) {
	text, err := s.read(name)
	if err != nil {
		return nil, err
	}
	return readRows(name, text, fields)
}

func (s *source) lines(u UseCase) ([]line, error) {
	text, err := s.read(string(u))
	if err != nil {
		return nil, err
	}
	return readLines(string(u), text, keysOf(u))
}

func (s *source) readProfiles() error {
	rows, err := s.rows("profiles", 5)
	for id, f := range rows {
		p := listener{market: f[0], Profile: Profile{ID: id, Features: map[string]string{
			"languages": f[1], "favorite_genres": f[2], "favorite_artists": f[3],
		}}}
		p.Likes = append(splitList(f[3], ";"), splitList(f[2], ";")...)
		s.profiles = append(s.profiles, p)
	}
	slices.SortFunc(s.profiles, func(a, b listener) int { return strings.Compare(a.ID, b.ID) })
	return err
}

// prefix begins the ids of the cases of a use case.
func prefix(u UseCase) string {
	var b strings.Builder
	for part := range strings.SplitSeq(string(u), "_") {
		b.WriteString(part[:1])
	}
	return b.String()
}

// idOf names a query within its use case, the same as long as its words are.
func idOf(u UseCase, query string) (string, [sha256.Size]byte) {
	sum := sha256.Sum256([]byte(string(u) + "\x00" + Normalise(query)))
	return prefix(u) + "-" + hex.EncodeToString(sum[:4]), sum
}

// newCase makes a case of a wording. Every third is asked by somebody known.
func (s *source) newCase(u UseCase, l line, w wording) (Case, error) {
	id, sum := idOf(u, w.query)
	c := Case{ID: id, Query: w.query, UseCase: u, AsOf: OwnAsOf, Origin: Written}
	markets := []string{"US", "US", "US", "GB", "GB", "CA", "AU", "IE"}
	c.Market = markets[int(sum[4])%len(markets)]
	if sum[5]%3 == 0 {
		who := s.profiles[int(sum[6])%len(s.profiles)]
		c.Market, c.Profile = who.market, &who.Profile
	}
	var err error
	switch u {
	case SimilarArtists:
		err = s.similar(&c, l, w)
	case NewReleases:
		err = s.fresh(&c, l, w)
	case BroadMusic:
		err = s.music(&c, l, w)
	case BroadPodcast:
		err = s.podcast(&c, l, w)
	case Navigational:
		err = s.navigational(&c, l, w)
	case MultiIntent:
		err = s.several(&c, l)
	case OutOfScope:
		c.Needs = &Needs{Nothing: true}
		c.Gold = routesOf(l, "out_of_scope")
	}
	return c, err
}

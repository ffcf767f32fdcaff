package importer

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/language"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// The types below are the part of a MusicBrainz entity that the catalogue has a use for, as
// the JSON dumps and the web service write it. Any field may be null or missing.

type mbEntity struct {
	ID             string       `json:"id"`
	Title          string       `json:"title"`
	Disambiguation string       `json:"disambiguation"`
	Genres         []mbTag      `json:"genres"`
	Tags           []mbTag      `json:"tags"`
	Relations      []mbRelation `json:"relations"`
	Rating         struct {
		Votes int `json:"votes-count"`
	} `json:"rating"`
	Credit []mbCredit `json:"artist-credit"`
}

type mbTag struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

type mbRelation struct {
	Type  string `json:"type"`
	Ended bool   `json:"ended"`
	URL   struct {
		Resource string `json:"resource"`
	} `json:"url"`
}

type mbCredit struct {
	Name   string `json:"name"`
	Join   string `json:"joinphrase"`
	Artist struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"artist"`
}

type mbArtist struct {
	mbEntity
	Name     string `json:"name"`
	SortName string `json:"sort-name"`
	Type     string `json:"type"`
	Country  string `json:"country"`
	Area     struct {
		Countries []string `json:"iso-3166-1-codes"`
	} `json:"area"`
	Aliases []struct {
		Name string `json:"name"`
	} `json:"aliases"`
}

type mbReleaseGroup struct {
	mbEntity
	Primary   string   `json:"primary-type"`
	Secondary []string `json:"secondary-types"`
	First     string   `json:"first-release-date"`
}

type mbRecording struct {
	mbEntity
	First  string  `json:"first-release-date"`
	Length float64 `json:"length"` // milliseconds
	Video  bool    `json:"video"`
}

type mbRelease struct {
	ID    string `json:"id"`
	Group struct {
		ID string `json:"id"`
	} `json:"release-group"`
	Status string `json:"status"`
	Date   string `json:"date"`
	Text   struct {
		Language string `json:"language"`
	} `json:"text-representation"`
	Media []struct {
		Tracks []struct {
			Recording struct {
				ID    string `json:"id"`
				Video bool   `json:"video"`
			} `json:"recording"`
		} `json:"tracks"`
	} `json:"media"`
}

// Reasons for which a line of a dump is no row.
var (
	errNoID     = errors.New("no id, or one that is no MBID")
	errNoName   = errors.New("no name")
	errNoTitle  = errors.New("no title")
	errNoCredit = errors.New("no artist credit")
	errNoGroup  = errors.New("no release group")
)

const (
	skipVideo = skip("a video")
	skipEmpty = skip("a release without recordings")
)

// mbParser reads the lines of MusicBrainz JSON dumps.
type mbParser struct{ words *words }

func (p mbParser) artist(u unit, emit func(record) error) error {
	in, err := decodeLine[mbArtist](u.data)
	if err != nil {
		return err
	}
	key, err := mbKey(in.ID)
	if err != nil {
		return err
	}
	if strings.TrimSpace(in.Name) == "" {
		return errNoName
	}
	genres, moods, tags := p.tagWords(in.Genres, in.Tags)
	return emit(&artist{
		ArtistRow: catalog.ArtistRow{
			Key: key, Name: strings.TrimSpace(in.Name), Aliases: in.aliases(), Note: in.Disambiguation,
			Country: country(in.Country, in.Area.Countries), Genres: genres, Moods: moods, Tags: tags,
			Links: links(in.Relations),
		},
		evidence: in.Rating.Votes,
	})
}

func (p mbParser) releaseGroup(u unit, emit func(record) error) error {
	in, err := decodeLine[mbReleaseGroup](u.data)
	if err != nil {
		return err
	}
	key, err := in.check()
	if err != nil {
		return err
	}
	c := readCredit(in.Credit)
	if len(c.artists) == 0 {
		return errNoCredit
	}
	genres, _, _ := p.tagWords(in.Genres, in.Tags)
	return emit(&album{
		AlbumRow: catalog.AlbumRow{
			Key: key, Title: strings.TrimSpace(in.Title), Artists: c.artists, Credit: c.full, Note: in.Disambiguation,
			Kind: releaseKind(in.Primary, in.Secondary), Released: partialDate(in.First), Genres: genres,
			Links: links(in.Relations),
		},
		evidence: in.Rating.Votes,
	})
}

func (p mbParser) recording(u unit, emit func(record) error) error {
	in, err := decodeLine[mbRecording](u.data)
	if err != nil {
		return err
	}
	key, err := in.check()
	if err != nil {
		return err
	}
	if in.Video {
		return skipVideo
	}
	c := readCredit(in.Credit)
	if len(c.artists) == 0 {
		return errNoCredit
	}
	return emit(&track{
		TrackRow: catalog.TrackRow{
			Key: key, Title: strings.TrimSpace(in.Title), Artists: c.artists, Credit: c.main, Featured: c.featured,
			Released: partialDate(in.First), Seconds: seconds(in.Length / 1000),
		},
		evidence: in.Rating.Votes,
	})
}

func (mbParser) release(u unit, emit func(record) error) error {
	in, err := decodeLine[mbRelease](u.data)
	if err != nil {
		return err
	}
	if _, err := mbKey(in.ID); err != nil {
		return err
	}
	group, err := mbKey(in.Group.ID)
	if err != nil {
		return errNoGroup
	}
	r := release{album: group, official: in.Status == "Official", date: partialDate(in.Date), language: isoLanguage(in.Text.Language)}
	for _, medium := range in.Media {
		for _, t := range medium.Tracks {
			if key, err := mbKey(t.Recording.ID); err == nil && !t.Recording.Video {
				r.recordings = append(r.recordings, key)
			}
		}
	}
	if len(r.recordings) == 0 {
		return skipEmpty
	}
	return emit(&r)
}

// check returns the key of an entity that has a title.
func (e mbEntity) check() (string, error) {
	key, err := mbKey(e.ID)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(e.Title) == "" {
		return "", errNoTitle
	}
	return key, nil
}

// mbKey returns the key of an MBID.
func mbKey(id string) (string, error) {
	if _, ok := parseUUID(id); !ok {
		return "", errNoID
	}
	return mbPrefix + strings.ToLower(id), nil
}

// Bounds of what an artist or album takes along.
const (
	maxGenres  = 8
	maxTags    = 12
	maxAliases = 24
	maxLinks   = 6
)

// tagWords sorts the words that people voted for into genres, moods and other tags, each
// by votes.
func (p mbParser) tagWords(genres, tags []mbTag) (g, moods, rest []string) {
	g = each(byVotes(genres), p.words.genre)
	known := len(g) > 0
	for _, tag := range byVotes(tags) {
		genre, mood := p.words.genre(tag), p.words.mood(tag)
		switch {
		case slices.Contains(g, genre):
		case mood != "":
			if !slices.Contains(moods, mood) {
				moods = append(moods, mood)
			}
		case !known && p.words.tax.Genres.Term(genre) != "": // dumps before 2018 have no genres
			g = append(g, genre)
		case len(rest) < maxTags:
			rest = append(rest, strings.ToLower(strings.TrimSpace(tag)))
		}
	}
	return g[:min(len(g), maxGenres)], moods, rest
}

func byVotes(tags []mbTag) []string {
	tags = slices.DeleteFunc(tags, func(t mbTag) bool { return t.Name == "" || t.Count < 0 })
	slices.SortStableFunc(tags, func(a, b mbTag) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.Name
	}
	return names
}

// aliases returns the other names of an artist. The sort name of one whose name is not in
// Latin letters is its transliteration, "Utada, Hikaru"; it counts as an alias.
func (a mbArtist) aliases() []string {
	seen := []string{a.Name}
	add := func(name string) {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(seen, name) && len(seen) <= maxAliases {
			seen = append(seen, name)
		}
	}
	if !isLatin(a.Name) && isLatin(a.SortName) {
		last, first, ok := strings.Cut(a.SortName, ", ")
		if ok && a.Type == "Person" && !strings.Contains(first, ",") {
			add(first + " " + last)
		} else {
			add(a.SortName)
		}
	}
	for _, alias := range a.Aliases {
		add(alias.Name)
	}
	return slices.Clone(seen[1:])
}

func isLatin(s string) bool {
	for _, r := range s {
		if unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) {
			return false
		}
	}
	return true
}

// country returns an ISO 3166-1 code. MusicBrainz has codes of its own for what is no
// country ("XW", worldwide); they are not taken over.
func country(own string, area []string) string {
	for _, code := range append([]string{own}, area...) {
		if len(code) == 2 && code[0] != 'X' && strings.ToUpper(code) == code {
			return code
		}
	}
	return ""
}

// isoLanguage returns the ISO 639-1 code of an ISO 639-3 code or BCP 47 tag, "" where there
// is none.
func isoLanguage(code string) string {
	base, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(code), "_", "-"), "-")
	lang, err := language.ParseBase(base)
	if err != nil || len(lang.String()) != 2 {
		return ""
	}
	return lang.String()
}

// links returns the addresses of an entity that are still good, the official one first.
func links(relations []mbRelation) []string {
	var out []string
	for _, official := range []bool{true, false} {
		for _, r := range relations {
			if r.Ended || r.URL.Resource == "" || (r.Type == "official homepage") != official {
				continue
			}
			if url := r.URL.Resource; isHTTP(url) && len(out) < maxLinks && !slices.Contains(out, url) {
				out = append(out, url)
			}
		}
	}
	return out
}

func isHTTP(url string) bool {
	return strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")
}

// releaseKind maps MusicBrainz's types. A secondary type says more than a primary one.
func releaseKind(primary string, secondary []string) catalog.Kind {
	switch {
	case slices.Contains(secondary, "Live"):
		return catalog.KindLive
	case slices.Contains(secondary, "Compilation"), slices.Contains(secondary, "DJ-mix"):
		return catalog.KindCompilation
	case primary == "EP":
		return catalog.KindEP
	case primary == "Single":
		return catalog.KindSingle
	default:
		return catalog.KindAlbum
	}
}

// seconds rounds a length. What nobody can have measured is unknown.
func seconds(s float64) int {
	const day = 24 * 60 * 60
	if !(s > 0 && s <= 7*day) {
		return 0
	}
	return max(1, int(s+0.5))
}

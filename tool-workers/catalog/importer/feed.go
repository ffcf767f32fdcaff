package importer

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mmcdole/gofeed"
	ext "github.com/mmcdole/gofeed/extensions"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// feedParser reads RSS, Atom and JSON feeds. One feed is one unit: a show and its episodes.
type feedParser struct{ words *words }

// Bounds of what a show or episode takes along, in runes.
const (
	maxDescription = 600
	maxTitle       = 300
)

// markup matches tags and comments of HTML.
var markup = regexp.MustCompile(`(?s)<!--.*?-->|<[^>]*>`)

// errNoFeed marks a document that is no feed.
var errNoFeed = errors.New("no feed")

func (p feedParser) parse(u unit, emit func(record) error) error {
	feed, err := gofeed.NewParser().Parse(bytes.NewReader(u.data))
	if err != nil {
		return fmt.Errorf("%w: %w", errNoFeed, err)
	}
	title := plainText(feed.Title, maxTitle)
	if title == "" {
		return fmt.Errorf("%w: %w", errNoFeed, errNoTitle)
	}
	it := feed.ITunesExt
	if it == nil {
		it = &ext.ITunesFeedExtension{}
	}
	key := feedKey(feed, u.key)
	s := show{catalog.ShowRow{
		Key: key, Title: title, Publisher: plainText(orElse(it.Author, author(feed.Authors)), maxTitle),
		Description: plainText(orElse(feed.Description, it.Summary), maxDescription), Language: isoLanguage(feed.Language),
		Country: feedCountry(feed.Language), Topics: p.topics(feed, it), Links: addresses(feed.Link),
	}}
	s.Audience = audience(it, s.Topics)
	if err := emit(&s); err != nil {
		return err
	}
	for i, item := range feed.Items {
		r, err := p.episode(key, item)
		if err != nil {
			err = emit(&reject{of: u.name, reason: fmt.Sprintf("episode %d: %v", i+1, err)})
		} else {
			err = emit(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p feedParser) episode(show string, item *gofeed.Item) (record, error) {
	title := plainText(item.Title, maxTitle)
	if title == "" {
		return nil, errNoTitle
	}
	it := item.ITunesExt
	if it == nil {
		it = &ext.ITunesItemExtension{}
	}
	r := &episode{catalog.EpisodeRow{
		Title: title, Show: show, Number: episodeNumber(it.Episode), Topic: p.knownTopic(item.Categories),
		Description: plainText(orElse(item.Description, orElse(it.Summary, it.Subtitle)), maxDescription),
		Seconds:     duration(it.Duration), Links: addresses(item.Link),
	}}
	if at := item.PublishedParsed; at != nil && at.Year() > 1900 && at.Year() < 2200 {
		r.Released = catalog.Day(*at)
	}
	r.Key = show + "-" + shortHash(orElse(item.GUID, title+"\n"+r.Released.String()))
	if len(item.Enclosures) > 0 && len(r.Links) == 0 {
		r.Links = addresses(item.Enclosures[0].URL)
	}
	return r, nil
}

// feedKey names a show by what the feed says of itself, so that it keeps its id wherever
// it is read from: its podcast:guid, or its own address. One that says neither is known by
// where it is read from or, where that is not told, by its link and title.
func feedKey(feed *gofeed.Feed, from string) string {
	if guid := feed.Extensions["podcast"]["guid"]; len(guid) > 0 && strings.TrimSpace(guid[0].Value) != "" {
		return "feed-" + shortHash(strings.TrimSpace(guid[0].Value))
	}
	return "feed-" + shortHash(orElse(feed.FeedLink, orElse(from, feed.Link+"\n"+feed.Title)))
}

// topics returns the categories of a show, the narrower of each before the wider.
func (p feedParser) topics(feed *gofeed.Feed, it *ext.ITunesFeedExtension) []string {
	var names []string
	for _, c := range it.Categories {
		if c == nil {
			continue
		}
		if c.Subcategory != nil {
			names = append(names, c.Subcategory.Text)
		}
		names = append(names, c.Text)
	}
	if len(names) == 0 {
		names = feed.Categories
	}
	topics := each(names, p.words.topic)
	return topics[:min(len(topics), maxGenres)]
}

// knownTopic returns the first category that the taxonomy has.
func (p feedParser) knownTopic(categories []string) string {
	for _, c := range categories {
		if term := p.words.tax.Topics.Term(c); term != "" {
			return term
		}
	}
	return ""
}

func audience(it *ext.ITunesFeedExtension, topics []string) string {
	for _, c := range it.Categories {
		if c != nil && strings.HasPrefix(c.Text, "Kids") {
			return "kids"
		}
	}
	for _, t := range topics {
		if strings.Contains(t, "language learning") {
			return "learners"
		}
	}
	switch strings.ToLower(it.Explicit) {
	case "yes", "true", "explicit":
		return "adults"
	default:
		return "general"
	}
}

// feedCountry returns DE of "de-DE".
func feedCountry(tag string) string {
	_, region, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	if len(region) != 2 {
		return ""
	}
	return country(strings.ToUpper(region), nil)
}

func author(people []*gofeed.Person) string {
	for _, p := range people {
		if p != nil && p.Name != "" {
			return p.Name
		}
	}
	return ""
}

func addresses(link string) []string {
	if link = strings.TrimSpace(link); isHTTP(link) {
		return []string{link}
	}
	return nil
}

func episodeNumber(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > 1e6 {
		return 0
	}
	return n
}

// duration reads HH:MM:SS, MM:SS or seconds, and returns 0 for anything else.
func duration(s string) int {
	total := 0.0
	for part := range strings.SplitSeq(strings.TrimSpace(s), ":") {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil || n < 0 {
			return 0
		}
		total = total*60 + n
	}
	return seconds(total)
}

// plainText returns text without markup, on one line, at most so many runes long.
func plainText(s string, most int) string {
	s = markup.ReplaceAllString(strings.ToValidUTF8(s, ""), " ")
	s = strings.Join(strings.Fields(html.UnescapeString(s)), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	s = string([]rune(s)[:most-1])
	if cut := strings.LastIndexByte(s, ' '); cut > len(s)/2 {
		s = s[:cut]
	}
	return s + "…"
}

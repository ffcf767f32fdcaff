package llmjudge

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/dates"
	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/internal/llm"
)

// Bounds of what a model reads.
const (
	maxItems    = 60  // of a page
	maxField    = 100 // characters of a title or a card
	maxText     = 400 // characters of a text of the page
	maxList     = 6   // artists, genres
	maxLikes    = 40
	maxFeatures = 20
	maxQuery    = 256
)

// turnVersion is that of the form of the user turn. It is part of the ID of a judge.
const turnVersion = 1

// look returns a page as the model reads it: of each section the first items, the sections
// in an order that depends on the page and the seed alone.
func (c Config) look(p judge.Page) view {
	v := view{Page: judge.Page{Notice: p.Notice, Sections: slices.Clone(p.Sections)}, titles: c.Titles, cards: c.Cards}
	for i := range v.Sections {
		items := v.Sections[i].Items
		v.Sections[i].Items = items[:min(len(items), c.Items)]
	}
	data, _ := json.Marshal(p) // of strings: it cannot go wrong
	sum := sha256.Sum256(data)
	r := rand.New(rand.NewPCG(c.Seed, binary.LittleEndian.Uint64(sum[:])))
	r.Shuffle(len(v.Sections), func(i, j int) { v.Sections[i], v.Sections[j] = v.Sections[j], v.Sections[i] })
	return v.cut(maxItems)
}

// view is a page as the model reads it.
type view struct {
	judge.Page
	titles, cards bool
}

func (v view) items() int {
	n := 0
	for _, s := range v.Sections {
		n += len(s.Items)
	}
	return n
}

// cut leaves n items: the first of every section, then the second, and so on. Sections
// that have neither items nor a text after that are gone.
func (v view) cut(n int) view {
	keep := make([]int, len(v.Sections))
	for left := n; left > 0; {
		before := left
		for i, s := range v.Sections {
			if left > 0 && keep[i] < len(s.Items) {
				keep[i]++
				left--
			}
		}
		if left == before {
			break // there are no more
		}
	}
	sections := make([]judge.Section, 0, len(v.Sections))
	for i, s := range v.Sections {
		s.Items = s.Items[:keep[i]]
		if len(s.Items) > 0 || s.Text != "" {
			sections = append(sections, s)
		}
	}
	v.Sections = sections
	return v
}

// id returns the id of the item with a number, which begin at 1.
func (v view) id(n int) (string, bool) {
	for _, s := range v.Sections {
		if n >= 1 && n <= len(s.Items) {
			return s.Items[n-1].ID, true
		}
		n -= len(s.Items)
	}
	return "", false
}

// turn is the user turn: one object, whose strings are data.
type turn struct {
	Query    string    `json:"q"`
	Market   string    `json:"market,omitempty"`
	Today    string    `json:"today"`
	Listener *listener `json:"listener,omitempty"`
	Page     *pageView `json:"page,omitempty"`   // of an absolute question
	First    *pageView `json:"first,omitempty"`  // of a pair
	Second   *pageView `json:"second,omitempty"` // of a pair
	Attempt  int       `json:"attempt,omitempty"`
	Mistake  string    `json:"mistake,omitempty"` // of the attempt before
}

type (
	listener struct {
		Likes    []string          `json:"likes,omitempty"`
		Features map[string]string `json:"features,omitempty"`
	}
	pageView struct {
		Notice   string        `json:"notice,omitempty"`
		Dates    freshness     `json:"dates"`
		Sections []sectionView `json:"sections"`
	}
	sectionView struct {
		Section string     `json:"section"` // a letter
		Title   string     `json:"title,omitempty"`
		Text    string     `json:"text,omitempty"`
		Items   []itemView `json:"items,omitempty"`
	}
	itemView struct {
		N         int      `json:"n"`
		Type      string   `json:"type"`
		Title     string   `json:"title"`
		Artists   []string `json:"artists,omitempty"`
		Genres    []string `json:"genres,omitempty"`
		Released  string   `json:"released,omitempty"`
		Listeners string   `json:"listeners,omitempty"` // the card
	}
)

// pageTurn is the turn of an absolute question.
func pageTurn(s judge.Subject, v view, d freshness) turn {
	t := askedBy(s)
	t.Page = v.show(d)
	return t
}

// askedBy is who asks what, where and when.
func askedBy(s judge.Subject) turn {
	t := turn{Query: llm.Clean(s.Case.Query, maxQuery), Market: llm.Clean(s.Case.Market, maxField), Today: s.Today}
	p := s.Case.Profile
	if p == nil {
		return t
	}
	t.Listener = &listener{Likes: cleanAll(p.Likes, maxLikes), Features: map[string]string{}}
	keys := slices.Sorted(maps.Keys(p.Features))
	for _, key := range keys[:min(len(keys), maxFeatures)] {
		t.Listener.Features[llm.Clean(key, maxField)] = llm.Clean(p.Features[key], maxField)
	}
	return t
}

// show returns the page with numbers and letters.
func (v view) show(d freshness) *pageView {
	out := &pageView{Notice: llm.Clean(v.Notice, maxText), Dates: d, Sections: []sectionView{}}
	n := 0
	for i, s := range v.Sections {
		section := sectionView{Section: letter(i), Text: llm.Clean(s.Text, maxText)}
		if v.titles {
			section.Title = llm.Clean(s.Title, maxField)
		}
		for _, it := range s.Items {
			n++
			section.Items = append(section.Items, v.showItem(n, it))
		}
		out.Sections = append(out.Sections, section)
	}
	return out
}

func (v view) showItem(n int, it judge.Item) itemView {
	out := itemView{
		N: n, Type: llm.Clean(it.Type, maxField), Title: llm.Clean(it.Title, maxField), Artists: cleanAll(it.Artists, maxList),
		Genres: cleanAll(it.Genres, maxList), Released: llm.Clean(it.ReleaseDate, maxField),
	}
	if v.cards {
		out.Listeners = llm.Clean(it.Card, maxField)
	}
	return out
}

func cleanAll(texts []string, most int) []string {
	var out []string
	for _, text := range texts[:min(len(texts), most)] {
		out = append(out, llm.Clean(text, maxField))
	}
	return out
}

// letter names a section: A to Z, then AA.
func letter(i int) string { return strings.Repeat(string(rune('A'+i%26)), 1+i/26) }

// freshness is how new the items of a page are.
type freshness struct {
	Items int `json:"items"`
	Dated int `json:"dated"` // items with a release date
	Weeks int `json:"weeks"`
	New   int `json:"within_weeks"` // of the dated ones, released in the last so many weeks or to come

	ids []string // of the new ones
}

// count counts how new the items of a page are. A date without a day is the first day that
// it may be, so nothing passes for newer than it is known to be.
func (f Fresh) count(v view, today string) (freshness, error) {
	now, err := time.Parse(time.DateOnly, today)
	if err != nil {
		return freshness{}, fmt.Errorf("today: %w", err)
	}
	const week = 7 * 24 * time.Hour
	since := now.Add(-time.Duration(f.Weeks) * week)
	d := freshness{Weeks: f.Weeks, Items: v.items()}
	for _, s := range v.Sections {
		for _, it := range s.Items {
			at, _, ok := dates.Days(it.ReleaseDate)
			if !ok {
				continue
			}
			d.Dated++
			if !at.Before(since) {
				d.New++
				d.ids = append(d.ids, it.ID)
			}
		}
	}
	return d, nil
}

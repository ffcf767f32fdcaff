package adapter

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidwall/gjson"

	"github.com/parallel-fusion/pfr/schemas"
)

// Mapping says where items are in an answer. Its values are gjson paths, such as
// results.items or artists.#.name; "" means that there is no such field.
type Mapping struct {
	List        string `yaml:"list,omitempty"` // the list of items; "" is the answer itself
	ID          string `yaml:"id,omitempty"`   // text or number; the type is put before it
	Type        string `yaml:"type,omitempty"` // of each item; one of the tool's results
	Title       string `yaml:"title,omitempty"`
	Subtitle    string `yaml:"subtitle,omitempty"`
	Artists     string `yaml:"artists,omitempty"` // a text or a list of them
	Genres      string `yaml:"genres,omitempty"`  // likewise
	ReleaseDate string `yaml:"release_date,omitempty"`
	Score       string `yaml:"score,omitempty"` // without it, the order of the list counts
	Why         string `yaml:"why,omitempty"`
	Text        string `yaml:"text,omitempty"` // of the whole answer
}

// maxPathBytes bounds a path.
const maxPathBytes = 256

// Validate reports every problem at once.
func (m Mapping) Validate() error {
	var errs []error
	if m.Text == "" && (m.ID == "" || m.Title == "") {
		errs = append(errs, errors.New("needs id and title, or text"))
	}
	for _, path := range m.Paths() {
		// A modifier can do more than look, and a literal makes things up.
		if len(path) > maxPathBytes || strings.ContainsAny(path, "@!") {
			errs = append(errs, fmt.Errorf("%.64q: must be a path of at most %d bytes without modifiers", path, maxPathBytes))
		}
	}
	return errors.Join(errs...)
}

// Paths are the paths of fields within an item.
func (m Mapping) Paths() []string {
	return slices.DeleteFunc([]string{
		m.ID, m.Type, m.Title, m.Subtitle, m.Artists, m.Genres, m.ReleaseDate, m.Score, m.Why,
	}, func(p string) bool { return p == "" })
}

// Reader reads answers by a [Mapping]. It is safe for concurrent use.
type Reader struct {
	mapping Mapping
	types   []schemas.ItemType
	dropped *prometheus.CounterVec
}

// NewReader returns a Reader for a tool with these results. It counts what it drops.
func NewReader(m Mapping, cfg Config, reg prometheus.Registerer) (*Reader, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	if m.ID != "" && len(cfg.Results) == 0 {
		return nil, errors.New("results: must name the types of the items")
	}
	return &Reader{mapping: m, types: cfg.Results, dropped: newMetrics(reg, cfg.Name)}, nil
}

// Read returns the items of an answer, which is valid JSON, and its text. What is no item,
// or comes again, is dropped and counted. A list that is not there is an empty one; a value
// of another kind in its place is an error.
func (r *Reader) Read(answer []byte, limit int) (items []schemas.Item, text string, err error) {
	if r.mapping.Text != "" {
		text = Plain(gjson.GetBytes(answer, r.mapping.Text).String(), schemas.MaxSectionText)
	}
	if r.mapping.ID == "" {
		return nil, text, nil
	}
	list := gjson.ParseBytes(answer)
	if r.mapping.List != "" {
		list = list.Get(r.mapping.List)
	}
	if !list.IsArray() && list.Type != gjson.Null {
		return nil, "", errors.New("answer: there is no list where the items should be")
	}
	seen := map[string]bool{}
	list.ForEach(func(_, entry gjson.Result) bool {
		item, fault := r.item(entry, len(items))
		if fault == "" && seen[item.ID] {
			fault = dropTwice
		}
		if fault != "" {
			r.dropped.WithLabelValues(fault).Inc()
			return true
		}
		seen[item.ID] = true
		items = append(items, item)
		return len(items) < limit
	})
	return items, text, nil
}

// item reads one entry, or says why it is none. before is how many items there are.
func (r *Reader) item(entry gjson.Result, before int) (schemas.Item, string) {
	m := r.mapping
	get := func(path string) gjson.Result {
		if path == "" {
			return gjson.Result{}
		}
		return entry.Get(path)
	}
	item := schemas.Item{
		Type: r.types[0], Title: plainValue(get(m.Title)), Subtitle: plainValue(get(m.Subtitle)),
		Artists: plainList(get(m.Artists)), Genres: plainList(get(m.Genres)),
		ReleaseDate: date(get(m.ReleaseDate)), Why: plainValue(get(m.Why)),
		Score: 1 / float64(before+1),
	}
	if m.Type != "" {
		item.Type = schemas.ItemType(get(m.Type).String())
		if !slices.Contains(r.types, item.Type) {
			return item, dropType
		}
	}
	if item.Title == "" {
		return item, dropTitle
	}
	if item.ID = identity(item.Type, get(m.ID)); item.ID == "" {
		return item, dropID
	}
	if m.Score != "" {
		score := get(m.Score)
		if score.Type != gjson.Number || math.IsInf(score.Num, 0) || math.IsNaN(score.Num) {
			return item, dropScore
		}
		item.Score = score.Num
	}
	if !valid(item) {
		return item, dropInvalid
	}
	return item, ""
}

// identity returns the catalogue id for a value, or "".
func identity(t schemas.ItemType, v gjson.Result) string {
	if v.Type != gjson.String && v.Type != gjson.Number {
		return ""
	}
	id := v.String()
	if v.Type == gjson.Number {
		id = v.Raw // 64 bits do not fit a float
	}
	id = strings.TrimPrefix(id, string(t)+":")
	if id == "" || strings.ContainsFunc(id, notInID) {
		return ""
	}
	return string(t) + ":" + id
}

// notInID refuses what has a meaning in a page, a shell or an address beside its own.
func notInID(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar || strings.ContainsRune("<>\"'`\\{}|^", r)
}

// valid checks an item as part of a whole message, which is how the schema does it.
func valid(item schemas.Item) bool {
	return schemas.ToolResponse{
		SchemaVersion: schemas.Version, CorrelationID: "00000000-0000-7000-8000-000000000000", Section: "any", Items: []schemas.Item{item},
	}.Validate() == nil
}

func plainValue(v gjson.Result) string {
	if v.Type != gjson.String && v.Type != gjson.Number {
		return ""
	}
	return Plain(v.String(), schemas.MaxTitleBytes)
}

func plainList(v gjson.Result) []string {
	if !v.IsArray() {
		if s := plainValue(v); s != "" {
			return []string{s}
		}
		return nil
	}
	var out []string
	v.ForEach(func(_, e gjson.Result) bool {
		if s := plainValue(e); s != "" {
			out = append(out, s)
		}
		return len(out) < schemas.MaxItemNames
	})
	return out
}

// date reads YYYY, YYYY-MM, YYYY-MM-DD or a time that begins with the last. Anything else
// is no date.
func date(v gjson.Result) string {
	if v.Type != gjson.String && v.Type != gjson.Number {
		return ""
	}
	s := v.String()
	if len(s) > len(time.DateOnly) && s[len(time.DateOnly)] == 'T' {
		s = s[:len(time.DateOnly)]
	}
	if !valid(schemas.Item{ID: "a:a", Type: "a", Title: "a", ReleaseDate: s}) {
		return ""
	}
	return s
}

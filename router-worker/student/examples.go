package student

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// Example is a query with the routes that suit it.
type Example struct {
	Query  string         // may hold slots, such as {artist}
	Routes []string       // any of them is right; the first suits best
	Params schemas.Params // nil: nobody has said
	Source string         // the public set it is from; empty for our own
	Wish   bool           // of a file of wishes: see [TrainConfig.Wishes]
}

// ReadExamples reads lines of query, routes and parameters, separated by tabs: routes by
// commas, parameters as a JSON object. Parameters may be missing.
func ReadExamples(data string) ([]Example, error) {
	var out []Example
	for n, line := range strings.Split(data, "\n") {
		if line == "" {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) < 2 || len(fields) > 3 || fields[0] == "" || fields[1] == "" {
			return nil, fmt.Errorf("line %d: want query, routes, parameters", n+1)
		}
		e := Example{Query: fields[0], Routes: strings.Split(fields[1], ",")}
		if len(fields) == 3 && fields[2] != "{}" {
			if err := json.Unmarshal([]byte(fields[2]), &e.Params); err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// TrainingData is what a model learns from.
type TrainingData struct {
	Examples  []Example
	Gazetteer Gazetteer // fills the slots, and is known while reading
	Routes    []string  // of the manifest
	Hash      string    // identifies the data of this repository
	Public    string    // identifies the public examples; empty: there are none
}

// WithPublic returns d with public queries to learn from, which hash identifies.
func (d TrainingData) WithPublic(train []Example, hash string) TrainingData {
	d.Examples = append(slices.Clone(d.Examples), train...)
	d.Public = hash
	return d
}

// ReadTrainingData reads a folder: every *.tsv is examples, but for names.tsv, which is
// the gazetteer (kind, text, canonical spelling and popularity), and world.tsv and holdout.tsv, which are
// not read.
func ReadTrainingData(dir fs.FS, routes []string) (TrainingData, error) {
	files, err := fs.Glob(dir, "*.tsv")
	if err != nil {
		return TrainingData{}, fmt.Errorf("training data: %w", err)
	}
	d := TrainingData{Routes: routes}
	all := []byte(strings.Join(routes, ",") + lexicon + worldNames + everydayWords)
	for _, name := range files {
		if name == holdoutFile || name == worldFile {
			continue
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return TrainingData{}, fmt.Errorf("training data: %w", err)
		}
		all = append(append(all, name...), data...)
		if name == namesFile {
			d.Gazetteer, err = readNames(string(data))
		} else {
			var more []Example
			more, err = ReadExamples(string(data))
			for i := range more {
				more[i].Wish = strings.HasPrefix(name, wishesPrefix)
			}
			d.Examples = append(d.Examples, more...)
		}
		if err != nil {
			return TrainingData{}, fmt.Errorf("training data %s: %w", name, err)
		}
	}
	d.Hash = shortHash(all)
	return d, nil
}

const (
	namesFile   = "names.tsv"
	holdoutFile = "holdout.tsv"
	worldFile   = "world.tsv"

	wishesPrefix = "wishes_"
)

func readNames(data string) (Gazetteer, error) {
	var g Gazetteer
	for n, line := range strings.Split(strings.TrimSuffix(data, "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			return g, fmt.Errorf("line %d: want kind, text, canonical, popularity", n+1)
		}
		popularity, err := strconv.Atoi(f[3])
		list := g.list(f[0])
		if err != nil || list == nil {
			return g, fmt.Errorf("line %d: %q", n+1, line)
		}
		*list = append(*list, Name{f[1], f[2], popularity})
	}
	return g, nil
}

// list returns the names that a slot stands for, or nil.
func (g *Gazetteer) list(slot string) *[]Name {
	switch slot {
	case "artist":
		return &g.Artists
	case "album":
		return &g.Albums
	case "track":
		return &g.Tracks
	case "show":
		return &g.Shows
	case "playlist":
		return &g.Playlists
	case "genre":
		return &g.Genres
	}
	return nil
}

// slots holds the names that may stand in a query's slots.
type slots map[string][]Name

// newSlots joins the names of a catalogue with those that everybody knows.
func newSlots(g Gazetteer, world map[string][]Name) slots {
	s := slots{}
	for _, slot := range []string{"artist", "album", "track", "show", "playlist", "genre"} {
		s[slot] = slices.Clone(*g.list(slot))
	}
	for slot, names := range world {
		for _, n := range names {
			n.Popularity = 60
			s[slot] = append(s[slot], n)
		}
	}
	return s
}

// fill replaces the slots of a query by names, popular ones more often, and by made-up
// names with the probability madeUp.
func (s slots) fill(query string, madeUp float64, rng *rand.Rand) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(query, "{")
		slot, after, closed := strings.Cut(rest, "}")
		list := s[slot]
		if !ok || !closed || len(list) == 0 {
			b.WriteString(query)
			return b.String()
		}
		b.WriteString(before)
		one, two := list[rng.IntN(len(list))], list[rng.IntN(len(list))]
		switch {
		case slot != "genre" && rng.Float64() < madeUp:
			b.WriteString(mate(one.Text, two.Text, rng))
		case one.Popularity >= two.Popularity:
			b.WriteString(one.typed(rng))
		default:
			b.WriteString(two.typed(rng))
		}
		query = after
	}
}

// typed returns a name as people type it: often without its article.
func (n Name) typed(rng *rand.Rand) string {
	if short, ok := strings.CutPrefix(n.Text, "The "); ok && rng.IntN(2) == 0 {
		return short
	}
	return n.Text
}

// mate makes a name up from the words of two.
func mate(one, two string, rng *rand.Rand) string {
	a, b := strings.Fields(one), strings.Fields(two)
	i, j := rng.IntN(len(a)), rng.IntN(len(b))
	switch {
	case len(a)+len(b) == 2 || rng.IntN(3) == 0: // one new word
		x, y := []rune(a[i]), []rune(b[j])
		return string(x[:(len(x)+1)/2]) + string(y[len(y)/2:])
	case rng.IntN(2) == 0:
		return a[i] + " " + b[j]
	}
	return strings.Join(append(a[:i+1:i+1], b[j:]...), " ")
}

func hasSlot(query string) bool { return strings.Contains(query, "{") }

// isSlot reports whether a query is nothing but a slot.
func isSlot(query string) bool {
	return strings.HasPrefix(query, "{") && strings.IndexByte(query, '}') == len(query)-1
}

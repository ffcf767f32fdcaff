package generate

import (
	"bufio"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed scenes.txt
var scenesText string

//go:embed names.txt
var namesText string

//go:embed talk.txt
var talkText string

// scene is artists that sound alike and are heard by the same people.
type scene struct {
	genres    []string // the first is the main one
	moods     []string
	tongues   []string // languages of its artists, the usual one first
	countries []string
	from, to  int // years in which its artists begin
	weight    int
	places    []int // its places in a block of artists
	related   []int // scenes that share a genre
}

// talk is what shows of one topic are like.
type talk struct {
	topic, other string
	weight       int
}

// data is what the text files beside this one hold.
type data struct {
	scenes  []scene
	pattern []int // place in a block of artists → scene
	tongues map[string]*tongue
	talks   []talk
}

func loadData() (*data, error) {
	d := &data{tongues: map[string]*tongue{}}
	for _, part := range []struct {
		name, text string
		line       func(string) error
	}{
		{"scenes.txt", scenesText, d.addScene}, {"names.txt", namesText, d.addNames}, {"talk.txt", talkText, d.addTalk},
	} {
		if err := eachLine(part.text, part.line); err != nil {
			return nil, fmt.Errorf("%s:%w", part.name, err)
		}
	}
	return d, d.connect()
}

func eachLine(text string, f func(string) error) error {
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := f(line); err != nil {
			return fmt.Errorf("%d: %w", n, err)
		}
	}
	return lines.Err()
}

// addScene reads "weight | genres | moods | languages | countries | from | to".
func (d *data) addScene(line string) error {
	f := strings.Split(line, "|")
	if len(f) != 7 {
		return fmt.Errorf("want 7 fields, got %d", len(f))
	}
	var numbers [3]int
	for i, at := range []int{0, 5, 6} {
		n, err := strconv.Atoi(strings.TrimSpace(f[at]))
		if err != nil {
			return fmt.Errorf("field %d: %w", at+1, err)
		}
		numbers[i] = n
	}
	d.scenes = append(d.scenes, scene{
		weight: numbers[0], genres: list(f[1]), moods: list(f[2]), tongues: list(f[3]), countries: list(f[4]),
		from: numbers[1], to: numbers[2],
	})
	return nil
}

// addNames reads "language kind: word; word".
func (d *data) addNames(line string) error {
	head, words, ok := strings.Cut(line, ":")
	lang, kind, both := strings.Cut(head, " ")
	if !ok || !both {
		return fmt.Errorf("%q: want a language, a kind and words", line)
	}
	if d.tongues[lang] == nil {
		d.tongues[lang] = &tongue{}
	}
	return d.tongues[lang].add(strings.TrimSpace(kind), list(words))
}

// addTalk reads "weight | topic | other topic".
func (d *data) addTalk(line string) error {
	f := strings.Split(line, "|")
	if len(f) != 3 {
		return fmt.Errorf("want 3 fields, got %d", len(f))
	}
	weight, err := strconv.Atoi(strings.TrimSpace(f[0]))
	if err != nil {
		return fmt.Errorf("weight: %w", err)
	}
	d.talks = append(d.talks, talk{strings.TrimSpace(f[1]), strings.TrimSpace(f[2]), weight})
	return nil
}

// connect lays the scenes out in a block, spread evenly, and finds related ones.
func (d *data) connect() error {
	total := 0
	for i, s := range d.scenes {
		total += s.weight
		for _, lang := range s.tongues {
			if d.tongues[lang] == nil {
				return fmt.Errorf("scene %s: no names in %q", s.genres[0], lang)
			}
		}
		for j, other := range d.scenes {
			if i != j && slices.ContainsFunc(s.genres, func(g string) bool { return slices.Contains(other.genres, g) }) {
				d.scenes[i].related = append(d.scenes[i].related, j)
			}
		}
	}
	credit := make([]int, len(d.scenes))
	for at := range total {
		best := 0
		for i, s := range d.scenes {
			credit[i] += s.weight
			if credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= total
		d.pattern = append(d.pattern, best)
		d.scenes[best].places = append(d.scenes[best].places, at)
	}
	return nil
}

func list(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ";") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

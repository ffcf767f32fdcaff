// Package taxonomy knows the words people use for what they want to hear: genres, moods,
// activities and podcast topics, their other names, and which holds which.
//
// The words are in text files beside this one. A term is known by its folded form
// ([catalog.Fold]), so "Hip-Hop", "hip hop" and "hiphop" are one genre.
package taxonomy

import (
	"bufio"
	"embed"
	"fmt"
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

//go:embed genres.txt moods.txt activities.txt topics.txt
var files embed.FS

// Taxonomy is everything the files say. It is read-only once loaded.
type Taxonomy struct {
	Genres *Tree
	Topics *Tree

	moods      map[string]string // folded word → mood
	close      map[string][]string
	activities map[string]*Activity // by folded word
}

// Activity is something to do while listening.
type Activity struct {
	Name   string
	Moods  []string // that suit it, best first
	Genres []string
	Avoid  []string // genres that do not suit it
}

// Load reads the embedded files. An error is a mistake in one of them.
func Load() (*Taxonomy, error) {
	t := &Taxonomy{moods: map[string]string{}, close: map[string][]string{}, activities: map[string]*Activity{}}
	var err error
	if t.Genres, err = readTree("genres.txt"); err != nil {
		return nil, err
	}
	if t.Topics, err = readTree("topics.txt"); err != nil {
		return nil, err
	}
	if err := eachLine("moods.txt", t.addMood); err != nil {
		return nil, err
	}
	return t, eachLine("activities.txt", t.addActivity)
}

// Mood returns the mood that a word stands for, "" when it is none.
func (t *Taxonomy) Mood(word string) string { return t.moods[catalog.Fold(word)] }

// Close returns the moods that come near to one, nearest first.
func (t *Taxonomy) Close(mood string) []string { return t.close[mood] }

// Activity returns the activity that a word stands for.
func (t *Taxonomy) Activity(word string) (*Activity, bool) {
	a, ok := t.activities[catalog.Fold(word)]
	return a, ok
}

func (t *Taxonomy) addMood(line string) error {
	left, near, _ := strings.Cut(line, "~")
	mood, names := cutNames(left)
	t.close[mood] = list(near)
	for _, name := range append(names, mood) {
		t.moods[catalog.Fold(name)] = mood
	}
	return nil
}

func (t *Taxonomy) addActivity(line string) error {
	f := strings.Split(line, "|")
	if len(f) != 4 {
		return fmt.Errorf("%q: want 4 fields", f[0])
	}
	name, names := cutNames(f[0])
	a := &Activity{Name: name, Moods: list(f[1]), Genres: list(f[2]), Avoid: list(f[3])}
	for _, n := range append(names, name) {
		t.activities[catalog.Fold(n)] = a
	}
	return nil
}

// eachLine calls add with every line that is not a comment, its indentation kept.
func eachLine(file string, add func(line string) error) error {
	f, err := files.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := add(line); err != nil {
			return fmt.Errorf("%s:%d: %w", file, n, err)
		}
	}
	return lines.Err()
}

// cutNames splits "name = other; other".
func cutNames(s string) (name string, others []string) {
	name, rest, _ := strings.Cut(s, "=")
	return strings.TrimSpace(name), list(rest)
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

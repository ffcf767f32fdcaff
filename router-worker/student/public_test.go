package student

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// The requests of MusicRecoNER (Epure and Hennequin 2023) were written by people who ask
// others for music: how often is the artist one of those that they name?
func TestPublicArtists(t *testing.T) {
	dir := os.Getenv("PFR_QUERY_DATA")
	if dir == "" {
		t.Skip("PFR_QUERY_DATA is not set: the public query sets are not here")
	}
	typed := map[string]string{} // by the text that the mentions are cut from
	for _, row := range readCSV(t, filepath.Join(dir, "musicreconer", "queries.csv")) {
		typed[row[0]] = row[1]
	}
	artists, works := map[string][]string{}, map[string]bool{}
	for _, row := range readCSV(t, filepath.Join(dir, "musicreconer", "ground-truth_linked.csv")) {
		if text := typed[row[2]]; row[1] == "Artist" {
			artists[text] = append(artists[text], row[0])
		} else {
			works[text] = true
		}
	}
	s := openStudent(t)
	found, right := 0, 0
	for text, names := range artists {
		got := s.artistOf(text)
		if got == "" {
			continue
		}
		found++
		if slices.ContainsFunc(names, func(name string) bool { return s.same(got, name) }) {
			right++
		}
	}
	invented, none := 0, 0
	for _, text := range typed {
		if len(artists[text]) == 0 && !works[text] {
			none++
			if s.artistOf(text) != "" {
				invented++
			}
		}
	}
	interval := stats.Wilson(right, len(artists))
	t.Logf("of %d requests that name an artist, %d got one and %d a right one: %.3f (95 %% %.3f to %.3f); %d of %d that name nothing got one", len(artists), found, right, float64(right)/float64(len(artists)), interval.Low, interval.High, invented, none)
	if float64(right) < 0.65*float64(len(artists)) {
		t.Error("fewer than 65 %")
	}
}

// artistOf reads a text as a wish for similar artists.
func (s *Student) artistOf(text string) string {
	var a annotation
	s.view.annotate(&a, s.clip(text))
	name, _ := s.view.params("similar_artists", &a)["artist"].(string)
	return name
}

// same reports whether an artist is the one that a mention names. Mentions have lost the
// apostrophe of the possessive.
func (s *Student) same(artist, mention string) bool {
	for _, m := range []string{mention, strings.TrimSuffix(mention, "s")} {
		if p := s.view.index.lookup(tokenize(nil, m)); p != nil && p.value(kindArtist) == artist {
			return true
		}
		if strings.TrimPrefix(fold(artist), "the ") == strings.TrimPrefix(fold(m), "the ") {
			return true
		}
	}
	return false
}

// readCSV returns the rows of a file without its head.
func readCSV(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

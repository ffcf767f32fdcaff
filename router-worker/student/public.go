package student

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed" // the labels
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// labelFile has routes for queries of public sets. The queries themselves are not part of
// this repository: a label names its query by place and hash.
//
//go:embed data/public/labels.tsv
var labelFile string

// Label says which routes suit one query of a public set.
type Label struct {
	Source string // musicreconer, slurp or snips
	ID     string // a row from 0, a SLURP id, or intent/row
	Hash   string // the first 12 hex digits of the SHA-256 of the query
	Routes []string
	Train  bool // else it is for tests alone
}

// String returns the line that [ReadLabels] reads.
func (l Label) String() string {
	split := "test"
	if l.Train {
		split = "train"
	}
	return strings.Join([]string{l.Source, l.ID, l.Hash, strings.Join(l.Routes, ","), split}, "\t")
}

// Sources lists the public sets.
func Sources() []string { return []string{"musicreconer", "slurp", "snips"} }

// ErrPublic says that a public set and its labels do not match.
var ErrPublic = errors.New("public queries and labels differ")

// Labels returns the labels of the repository and their hash.
func Labels() ([]Label, string, error) {
	list, err := ReadLabels(labelFile)
	return list, shortHash([]byte(labelFile)), err
}

// ReadLabels reads lines of source, id, hash, routes and split, separated by tabs.
func ReadLabels(data string) ([]Label, error) {
	var out []Label
	for n, line := range strings.Split(strings.TrimSuffix(data, "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 5 || len(f[2]) != hashDigits || f[4] != "train" && f[4] != "test" {
			return nil, fmt.Errorf("labels line %d: want source, id, hash, routes, split", n+1)
		}
		out = append(out, Label{f[0], f[1], f[2], strings.Split(f[3], ","), f[4] == "train"})
	}
	return out, nil
}

const hashDigits = 12

// ReadPublic finds the queries of labels in the folder of public sets, and returns those to
// learn from and those to test on. If some are missing or differ from what was labelled,
// the error wraps [ErrPublic] and names them.
func ReadPublic(dir fs.FS, labels []Label) (train, test []Example, err error) {
	all, err := readLabelled(dir, labels)
	if err != nil {
		return nil, nil, err
	}
	for i, e := range all {
		if labels[i].Train {
			train = append(train, e)
		} else {
			test = append(test, e)
		}
	}
	return train, test, nil
}

// readLabelled returns the queries of labels in their order.
func readLabelled(dir fs.FS, labels []Label) ([]Example, error) {
	texts := map[string]map[string]string{}
	for _, source := range Sources() {
		found, err := readSource(dir, source)
		if err != nil {
			return nil, err
		}
		texts[source] = found
	}
	var out []Example
	var bad []string
	for _, l := range labels {
		text, ok := texts[l.Source][l.ID]
		if !ok || textHash(text) != l.Hash {
			bad = append(bad, l.Source+" "+l.ID)
		}
		out = append(out, Example{Query: text, Routes: l.Routes, Source: l.Source})
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("%w: %d of %d, such as %s", ErrPublic, len(bad), len(labels), strings.Join(bad[:min(len(bad), 5)], ", "))
	}
	return out, nil
}

func textHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:hashDigits]
}

// readSource returns the texts of a public set by id.
func readSource(dir fs.FS, source string) (map[string]string, error) {
	texts := map[string]string{}
	var err error
	switch source {
	case "musicreconer":
		err = readRequests(dir, texts)
	case "slurp":
		err = errors.Join(readSlurp(dir, "slurp/media.devel.jsonl", texts), readSlurp(dir, "slurp/other.devel.jsonl", texts))
	case "snips":
		for _, intent := range snipsIntents() {
			err = errors.Join(err, readSnips(dir, intent, texts))
		}
	}
	return texts, err
}

// readRequests reads MusicRecoNER: the column `original`, by row.
func readRequests(dir fs.FS, texts map[string]string) error {
	raw, err := fs.ReadFile(dir, "musicreconer/queries.csv")
	if err != nil {
		return fmt.Errorf("public queries: %w", err)
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil || len(rows) == 0 {
		return fmt.Errorf("musicreconer: %d rows: %w", len(rows), err)
	}
	column := slices.Index(rows[0], "original")
	if column < 0 {
		return fmt.Errorf("%w: musicreconer has no column original", ErrPublic)
	}
	for i, row := range rows[1:] {
		texts[strconv.Itoa(i)] = row[column]
	}
	return nil
}

// readSlurp reads the sentences of a file, by SLURP id.
func readSlurp(dir fs.FS, file string, texts map[string]string) error {
	raw, err := fs.ReadFile(dir, file)
	if err != nil {
		return fmt.Errorf("public queries: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		var row struct {
			ID   int    `json:"id"`
			Text string `json:"text"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		texts[strconv.Itoa(row.ID)] = row.Text
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// snipsIntents lists the intents that have labels.
func snipsIntents() []string {
	return []string{"PlayMusic", "SearchCreativeWork", "AddToPlaylist", "RateBook", "SearchScreeningEvent"}
}

// readSnips reads the validate file of an intent, by intent/row.
func readSnips(dir fs.FS, intent string, texts map[string]string) error {
	file := "snips/validate_" + intent + ".json"
	raw, err := fs.ReadFile(dir, file)
	if err != nil {
		return fmt.Errorf("public queries: %w", err)
	}
	var doc map[string][]struct {
		Data []struct {
			Text string `json:"text"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for i, q := range doc[intent] {
		var b strings.Builder
		for _, part := range q.Data {
			b.WriteString(part.Text)
		}
		texts[intent+"/"+strconv.Itoa(i)] = b.String()
	}
	return nil
}

package posttraining

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/internal/filelock"
	"github.com/parallel-fusion/pfr/internal/journal"
)

// Files of a run.
const (
	fileSettings   = "run.json"
	fileQueries    = "queries.jsonl"
	fileJournal    = "journal.jsonl"
	fileLock       = "lock"
	fileRows       = "rows.jsonl"
	fileHard       = "hard.jsonl"
	fileRejections = "rejections.jsonl"
	fileStats      = "stats.json"
)

// format is the version of the files of a run.
const format = "pfr.post-training/1"

// Settings are what the rows of a run depend on. A folder keeps them: another run cannot go
// on in it.
type Settings struct {
	Format          string   `json:"format"`
	Seed            uint64   `json:"seed"`
	Attempts        int      `json:"attempts"`
	Keep            int      `json:"keep"`
	Teachers        []string `json:"teachers"`
	Gates           []string `json:"gates"`
	Judge           string   `json:"judge"`
	EvaluationJudge string   `json:"evaluation_judge"`
	Form            string   `json:"form"`
	Queries         string   `json:"queries"` // hash of queries.jsonl
}

// ErrOtherRun says that a folder holds a run with other settings.
var ErrOtherRun = errors.New("the folder holds another run")

// Run is an open run. One process has it at a time.
type Run struct {
	cfg      Config
	parts    Parts
	settings Settings
	dir      string
	lock     *filelock.Lock
	journal  *journal.Journal
	queries  []progress
	now      func() time.Time
	log      *slog.Logger
	m        *metrics
}

// Open opens the run in a folder, which it makes, or begins one there. The caller closes it.
// A folder with other settings is an [ErrOtherRun], one that another process has a
// [filelock.ErrLocked].
func Open(cfg Config, parts Parts, log *slog.Logger, reg prometheus.Registerer) (*Run, error) {
	if err := errors.Join(cfg.Validate(), parts.validate(cfg.EvaluationJudge)); err != nil {
		return nil, fmt.Errorf("post-training run: %w", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("post-training run: %w", err)
	}
	lock, err := filelock.Take(filepath.Join(cfg.Dir, fileLock))
	if err != nil {
		return nil, fmt.Errorf("post-training run: %w", err)
	}
	r := &Run{cfg: cfg, parts: parts, dir: cfg.Dir, lock: lock, now: time.Now, log: log, m: newMetrics(reg)}
	if err := r.load(parts.Queries); err != nil {
		return nil, errors.Join(fmt.Errorf("post-training run: %w", err), lock.Release())
	}
	return r, nil
}

// Close lets go of the folder.
func (r *Run) Close() error { return errors.Join(r.journal.Close(), r.lock.Release()) }

// checkQueries reports queries that cannot be sampled for, the first few of them.
func checkQueries(queries []Query) error {
	var errs []error
	seen := make(map[string]bool, len(queries))
	for _, q := range queries {
		switch {
		case q.ID == "" || q.Text == "":
			errs = append(errs, fmt.Errorf("query %q %q: needs an id and a text", q.ID, q.Text))
		case q.Split != testset.Train:
			errs = append(errs, fmt.Errorf("query %s: is of the split %q: only those to train on may be sampled for", q.ID, q.Split))
		case seen[q.ID]:
			errs = append(errs, fmt.Errorf("query %s: is there twice", q.ID))
		}
		seen[q.ID] = true
		if len(errs) == maxProblems {
			break
		}
	}
	if len(queries) == 0 {
		errs = append(errs, errors.New("there are no queries"))
	}
	return errors.Join(errs...)
}

// maxProblems is how many queries an error names.
const maxProblems = 10

// load compares the folder with the settings, or fills it, and reads the journal.
func (r *Run) load(queries []Query) error {
	queries = slices.Clone(queries)
	slices.SortFunc(queries, func(a, b Query) int { return cmp.Compare(a.ID, b.ID) })
	raw, err := lines(queries)
	if err != nil {
		return err
	}
	r.settings = r.cfg.settings(r.parts, raw)
	if err := r.agree(raw); err != nil {
		return err
	}
	var records attempts
	if r.journal, err = journal.Open(filepath.Join(r.dir, fileJournal), r.cfg.SyncEvery, records.add); err != nil {
		return err
	}
	r.queries = byQuery(queries, records.list)
	if err := checkAttempts(r.queries, len(records.list)); err != nil {
		return errors.Join(err, r.journal.Close())
	}
	return nil
}

func (c Config) settings(p Parts, queries []byte) Settings {
	s := Settings{
		Format: format, Seed: c.Seed, Attempts: c.Attempts, Keep: c.Keep,
		Judge: p.Judge.ID(), EvaluationJudge: c.EvaluationJudge, Form: p.Form.Version(), Queries: digest(queries),
		Gates: []string{},
	}
	for _, t := range p.Teachers {
		s.Teachers = append(s.Teachers, t.ID())
	}
	for _, g := range p.Gates {
		s.Gates = append(s.Gates, g.Name)
	}
	return s
}

// agree makes sure that the folder has these settings and queries. The settings are written
// last, so that a folder with settings has all its queries.
func (r *Run) agree(queries []byte) error {
	path := filepath.Join(r.dir, fileSettings)
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err := writeFile(filepath.Join(r.dir, fileQueries), queries); err != nil {
			return err
		}
		settings, err := indented(r.settings)
		if err != nil {
			return err
		}
		return writeFile(path, settings)
	}
	if err != nil {
		return err
	}
	var there Settings
	if err := json.Unmarshal(raw, &there); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if differ := there.differ(r.settings); len(differ) > 0 {
		return fmt.Errorf("%w: %s differ; choose another folder: %s", ErrOtherRun, strings.Join(differ, ", "), r.dir)
	}
	return nil
}

// differ names the settings that differ, with both values where they are short.
func (s Settings) differ(o Settings) []string {
	var out []string
	compare := func(name string, was, is any) {
		a, b := fmt.Sprint(was), fmt.Sprint(is)
		if a != b {
			out = append(out, fmt.Sprintf("%s (%s there, %s now)", name, a, b))
		}
	}
	compare("format", s.Format, o.Format)
	compare("seed", s.Seed, o.Seed)
	compare("attempts", s.Attempts, o.Attempts)
	compare("keep", s.Keep, o.Keep)
	compare("teachers", s.Teachers, o.Teachers)
	compare("gates", s.Gates, o.Gates)
	compare("judge", s.Judge, o.Judge)
	compare("evaluation judge", s.EvaluationJudge, o.EvaluationJudge)
	compare("form", s.Form, o.Form)
	compare("queries", s.Queries, o.Queries)
	return out
}

// checkAttempts makes sure that the journal is one of these queries and has no gaps.
func checkAttempts(queries []progress, records int) error {
	found := 0
	for _, p := range queries {
		found += len(p.attempts) + p.unfinished
		for i, a := range p.attempts {
			if a.Attempt != i+1 {
				return fmt.Errorf("%w: attempt %d of %s is missing", ErrJournal, i+1, p.query.ID)
			}
		}
	}
	if found != records {
		return fmt.Errorf("%w: %d attempts are of queries that the run does not have", ErrJournal, records-found)
	}
	return nil
}

// lines returns values as lines of JSON.
func lines[T any](values []T) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, v := range values {
		if err := enc.Encode(v); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func indented(v any) ([]byte, error) {
	out, err := json.MarshalIndent(v, "", "  ")
	return append(out, '\n'), err
}

// writeFile writes a file as a whole or not at all.
func writeFile(path string, data []byte) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) //nolint:gosec // rows are no secret
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(part, path)
}

// digest names something by its bytes.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

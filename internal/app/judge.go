package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/evaluation/agreement"
	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/judge/llmjudge"
	"github.com/parallel-fusion/pfr/internal/llm"
)

// JudgeConfig configures the language models that judge pages. See [DefaultJudgeConfig].
type JudgeConfig struct {
	// Models judge. With several of them each page is put to all, and the majority decides;
	// an even number that is divided says NO PASS, or tie.
	Models []llm.Config
	Dir    string // where answers are kept
	// Overwrite asks for everything anew.
	Overwrite bool
	MaxUSD    float64 // that this run may spend; 0 is no limit. Models without a price cost nothing
	MaxCalls  int     // of this run; 0 is no limit
	Page      llmjudge.Config
	Retry     judge.Retry
}

// judgeTimeout is the time for one answer. A small model on a slow machine needs it.
const judgeTimeout = 2 * time.Minute

// DefaultJudgeConfig returns the settings without a model. They judge the same page the
// same way, as far as the server does: the temperature is 0.
func DefaultJudgeConfig() JudgeConfig {
	return JudgeConfig{Dir: "judgments", Page: llmjudge.DefaultConfig(), Retry: judge.DefaultRetry()}
}

// JudgeModel returns the settings of a model at a server. The URL and the model are left to
// set.
func JudgeModel() llm.Config {
	c := llm.DefaultConfig()
	c.Timeout = judgeTimeout
	return c
}

// Validate reports every problem at once.
func (c JudgeConfig) Validate() error {
	errs := []error{c.Retry.Validate()}
	if len(c.Models) == 0 {
		errs = append(errs, errors.New("models: there is none"))
	}
	if c.Dir == "" {
		errs = append(errs, errors.New("dir: must say where answers are kept"))
	}
	if c.MaxUSD < 0 || c.MaxCalls < 0 {
		errs = append(errs, errors.New("max_usd and max_calls: must not be negative"))
	}
	for i, m := range c.Models {
		if err := errors.Join(m.Validate(), c.page(m).Validate()); err != nil {
			errs = append(errs, fmt.Errorf("models[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// page returns what a model is asked, with the name that its answers are kept by.
func (c JudgeConfig) page(m llm.Config) llmjudge.Config {
	out := c.Page
	out.Model = m.Model
	out.Settings = fmt.Sprintf("temperature=%g seed=%d effort=%s", m.Temperature, m.Seed, m.ReasoningEffort)
	return out
}

// Judges are language models that judge pages. What they answered before is not asked
// again.
type Judges struct {
	Pages     judge.Absolute
	Pairs     judge.Pairwise
	Allowance *judge.Allowance
	Ledger    *judge.Ledger

	store   *judge.Store
	clients []*llm.Client
}

// OpenJudges returns judges that the caller closes. It does no network.
func OpenJudges(cfg JudgeConfig, log *slog.Logger, reg prometheus.Registerer) (*Judges, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("judge config: %w", err)
	}
	store, err := judge.OpenStore(judge.StoreConfig{Dir: cfg.Dir, Overwrite: cfg.Overwrite})
	if err != nil {
		return nil, err
	}
	out := &Judges{store: store, Allowance: judge.NewAllowance(cfg.MaxUSD, cfg.MaxCalls)}
	if out.Ledger, err = judge.OpenLedger(cfg.Dir); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if err := out.seat(cfg, log, reg); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// seat makes the judges, alone or as panels.
func (j *Judges) seat(cfg JudgeConfig, log *slog.Logger, reg prometheus.Registerer) error {
	var (
		pages []judge.Absolute
		pairs []judge.Pairwise
	)
	for _, m := range cfg.Models {
		client, err := llm.New(m, log, labelled(reg, prometheus.Labels{"model": m.Model, "server": hostOf(m.URL)}))
		if err != nil {
			return err
		}
		j.clients = append(j.clients, client)
		one, err := llmjudge.New(cfg.page(m), client)
		if err != nil {
			return err
		}
		two, err := llmjudge.NewPairs(cfg.page(m), client)
		if err != nil {
			return err
		}
		pages = append(pages, judge.NewCached(judge.NewGuarded(one, j.Ledger, cfg.Retry, j.Allowance), j.store))
		pairs = append(pairs, judge.NewCachedPairs(judge.NewGuardedPairs(two, j.Ledger, cfg.Retry, j.Allowance), j.store))
	}
	if len(pages) == 1 {
		j.Pages, j.Pairs = pages[0], pairs[0]
		return nil
	}
	panel, errPages := judge.NewPanel(pages...)
	panelPairs, errPairs := judge.NewPanelPairs(pairs...)
	// What a panel decides is kept too, so that it can be compared with people.
	j.Pages, j.Pairs = judge.NewCached(panel, j.store), judge.NewCachedPairs(panelPairs, j.store)
	return errors.Join(errPages, errPairs)
}

// Close lets go of the folder of answers. Nothing is being judged.
func (j *Judges) Close() error {
	for _, c := range j.clients {
		c.Close()
	}
	return errors.Join(j.Ledger.Close(), j.store.Close())
}

// Behaviour reads what listeners did, by item, from a folder that [Admin.Export] wrote.
func Behaviour(dir string) (map[string]judge.Behaviour, error) {
	items, err := export.ReadBehaviour(dir)
	out := make(map[string]judge.Behaviour, len(items))
	for id, b := range items {
		out[id] = judge.Behaviour(b)
	}
	return out, err
}

// ReadLabels returns what people said, in files of labels.
func ReadLabels(files []string) ([]agreement.Label, error) {
	var people []agreement.Label
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("labels: %w", err)
		}
		labels, err := agreement.ReadLabels(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		people = append(people, labels...)
	}
	return people, nil
}

// Agreement compares the judges whose answers are kept in a folder with what people said.
// What a judge is worth is in its [agreement.Report.Calibration].
func Agreement(people []agreement.Label, dir string) (agreement.Report, error) {
	judges, err := judgedLabels(dir)
	if err != nil {
		return agreement.Report{}, err
	}
	return agreement.Measure(agreement.DefaultGate(), people, judges)
}

// judgedLabels returns what the judges whose answers are kept in a folder have said, as
// labels whose rater is the judge. A pair counts once it was judged in both orders.
func judgedLabels(dir string) ([]agreement.Label, error) {
	kept, err := judge.ReadStore(dir)
	if err != nil {
		return nil, err
	}
	type order struct{ judge, first, second string }
	choices := map[order]judge.Choice{}
	var out []agreement.Label
	for _, k := range kept {
		l := agreement.Label{Case: k.Case, Item: agreement.Item{Hash: k.Hash, Other: k.Other}, Rater: k.Judge, At: k.At}
		if k.Judgment != nil {
			for _, d := range judge.Dimensions() {
				l.Dimension, l.Label = string(d), agreement.NoPass
				if k.Judgment.Verdicts[d].Pass {
					l.Label = agreement.Pass
				}
				out = append(out, l)
			}
			continue
		}
		choices[order{k.Judge, k.Hash, k.Other}] = k.Preference.Choice
		there, ok := choices[order{k.Judge, k.Other, k.Hash}]
		if !ok {
			continue
		}
		l.Dimension, l.Hash, l.Other = agreement.Pair, k.Other, k.Hash
		l.Label = string(judge.Agreed(there, k.Preference.Choice))
		out = append(out, l)
	}
	return out, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	agree "github.com/parallel-fusion/pfr/evaluation/agreement"
	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/serps"
	"github.com/parallel-fusion/pfr/internal/app"
)

// judging are the flags that choose a judge.
type judging struct {
	JudgeLLM     []string `name:"judge-llm" help:"Language model that judges, at an OpenAI-compatible server, instead of the rules. Several are a panel." placeholder:"URL"`
	JudgeModel   []string `name:"judge-model" help:"Name of the model at each of those servers." placeholder:"NAME"`
	JudgeKeyFile []string `name:"judge-key-file" type:"existingfile" help:"File with the API key of each." placeholder:"FILE"`
	Judgments    string   `help:"Folder in which language models keep their answers (default: judgments in that of the report)." placeholder:"DIR"`
	MaxUSD       float64  `name:"max-usd" help:"What judging may spend; 0: no limit. Prices are those of router.llm.prices."`
	Cards        string   `type:"existingdir" help:"Folder of 'pfr export parquet': language models are told how often listeners clicked and streamed an item where it was shown." placeholder:"DIR"`
	Labels       []string `type:"existingfile" help:"What people said of such pages: the report says how far the language model agrees." placeholder:"FILE"`
}

// settings returns what the flags come to, without models where the rules judge. It finds
// what is wrong with them before any page is made.
func (j judging) settings(p *program, out string) (app.JudgeConfig, error) {
	cfg := app.DefaultJudgeConfig()
	cfg.Dir, cfg.MaxUSD = j.Judgments, j.MaxUSD
	if cfg.Dir == "" {
		cfg.Dir = filepath.Join(out, "judgments")
	}
	all, err := p.settings()
	if err = errors.Join(err, j.check(slices.Collect(maps.Keys(all.Router.LLM.Prices)))); err != nil || len(j.JudgeLLM) == 0 {
		return cfg, err
	}
	for i, url := range j.JudgeLLM {
		m := app.JudgeModel()
		m.URL, m.Model, m.Prices = url, j.JudgeModel[i], all.Router.LLM.Prices
		if i < len(j.JudgeKeyFile) {
			m.KeyFile = j.JudgeKeyFile[i]
		}
		cfg.Models = append(cfg.Models, m)
	}
	return cfg, cfg.Validate()
}

// check reports every flag that does not go with the others. priced are the models whose
// prices are known; default stands for all.
func (j judging) check(priced []string) error {
	var errs []error
	servers := len(j.JudgeLLM)
	if len(j.JudgeModel) != servers {
		errs = append(errs, fmt.Errorf("%d --judge-llm, but %d --judge-model: each server needs the name of its model, since answers are kept by it", servers, len(j.JudgeModel)))
	}
	if len(j.JudgeKeyFile) > servers {
		errs = append(errs, fmt.Errorf("%d --judge-llm, but %d --judge-key-file", servers, len(j.JudgeKeyFile)))
	}
	if servers == 0 && (j.Judgments != "" || j.MaxUSD != 0 || len(j.Labels) > 0 || j.Cards != "") {
		errs = append(errs, errors.New("--judgments, --max-usd, --labels and --cards are about language models: name one with --judge-llm"))
	}
	for _, model := range j.JudgeModel {
		if j.MaxUSD > 0 && !slices.Contains(priced, model) && !slices.Contains(priced, "default") {
			errs = append(errs, fmt.Errorf("--max-usd: nobody knows what %s costs; give its price in router.llm.prices", model))
		}
	}
	return errors.Join(errs...)
}

// behaviour returns what listeners did with items, nothing without --cards.
func (j judging) behaviour() (map[string]judge.Behaviour, error) {
	if j.Cards == "" {
		return nil, nil
	}
	return app.Behaviour(j.Cards)
}

// calibration says how far the judge agrees with people, by what they said.
func (j judging) calibration(people []agree.Label, id, dir string) (string, error) {
	if len(j.JudgeLLM) == 0 {
		return "uncalibrated: rules, compared with no people", nil
	}
	report, err := app.Agreement(people, dir)
	return report.Calibration(id, string(judge.Overall)).Statement(), err
}

// jury is who judges.
type jury struct {
	serps.Panel

	models *app.Judges // nil: the rules judge
}

// openJury returns a jury that the caller closes.
func openJury(cfg app.JudgeConfig, log *slog.Logger) (jury, error) {
	out := jury{Panel: serps.Panel{Run: judge.DefaultRunConfig()}}
	if len(cfg.Models) == 0 {
		r, err := app.RuleJudge()
		out.Pages, out.Pairs = r, r
		return out, err
	}
	var err error
	if out.models, err = app.OpenJudges(cfg, log, nil); err != nil {
		return out, err
	}
	out.Pages, out.Pairs = out.models.Pages, out.models.Pairs
	return out, nil
}

// judge has pages judged, with a bar for those who wait.
func (j jury) judge(ctx context.Context, p *program, pages []serps.Pages) (serps.Judged, error) {
	bar := &progress{out: p.err}
	defer bar.end()
	j.Run.Progress = func(now judge.Progress) { bar.show("judged", int64(now.Done), int64(now.Of)) }
	return serps.Judge(ctx, j.Panel, pages)
}

// close lets go of the folder of answers.
func (j jury) close() error {
	if j.models == nil {
		return nil
	}
	return j.models.Close()
}

// shownFailures bounds how many failures are printed.
const shownFailures = 5

// write says what was asked of language models, what it came to, and what they have not
// answered.
func (j jury) write(w io.Writer, dir string) {
	if j.models == nil {
		return
	}
	usd, calls := j.models.Allowance.Spent()
	fmt.Fprintf(w, "%d questions were asked, for $%.4f; answers are kept in %s\n", calls, usd, dir)
	open := j.models.Ledger.Open()
	if len(open) == 0 {
		return
	}
	fmt.Fprintf(w, "%d questions, of this run and of earlier ones, have no answer; the same command asks those of its pages again:\n", len(open))
	for _, f := range open[:min(shownFailures, len(open))] {
		why, _, _ := strings.Cut(f.Error, "\n")
		fmt.Fprintf(w, "- %s: %s\n", f.Case, why)
	}
	if more := len(open) - shownFailures; more > 0 {
		fmt.Fprintf(w, "- and %d more\n", more)
	}
}

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	agree "github.com/parallel-fusion/pfr/evaluation/agreement"
	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/serps"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/schemas"
)

type evaluateSERPsCmd struct {
	brokers
	Catalog string `type:"existingdir" help:"Folder with the catalogue of the pipeline that is started, instead of the sample." placeholder:"DIR"`

	Cases   string   `type:"existingfile" help:"What is asked (default: the cases that come with pfr)." placeholder:"FILE"`
	Split   string   `enum:"train,development,test" default:"test" help:"Part of the cases: ${enum}."`
	UseCase []string `help:"Only cases of these use cases." placeholder:"NAME"`
	Limit   int      `help:"At most so many cases; 0: all."`

	Candidate string        `enum:"pre-fusion,post-fusion,search" default:"pre-fusion" help:"The mode that is measured: ${enum}."`
	Baseline  string        `enum:"pre-fusion,post-fusion,search" default:"search" help:"The mode that it is measured against: ${enum}."`
	Deadline  time.Duration `default:"5s" help:"Time for a page. It is long, as quality is measured and not speed."`

	judging
	Out     string `default:"serps" help:"Folder for pages, outcomes and reports; pages that are there are judged again instead of being made anew." placeholder:"DIR"`
	Fresh   bool   `help:"Make the pages anew."`
	Gate    bool   `help:"Fail unless the candidate is better than the baseline beyond chance in each of the use cases of the article's Table 2."`
	Against string `type:"existingfile" help:"Fail if the candidate is worse than that of this earlier report beyond chance." placeholder:"FILE"`
}

// table2 are the use cases of the article's Table 2.
func table2() []testset.UseCase {
	return []testset.UseCase{testset.SimilarArtists, testset.NewReleases, testset.BroadMusic, testset.BroadPodcast}
}

// Run collects pages, has them judged, and writes the reports.
func (c *evaluateSERPsCmd) Run(ctx context.Context, p *program) error {
	if c.Candidate == c.Baseline {
		return errors.New("--candidate and --baseline are the same")
	}
	who, err := c.settings(p, c.Out)
	if err != nil {
		return err
	}
	cases, about, err := c.cases()
	if err != nil {
		return err
	}
	with, err := c.companions()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o750); err != nil {
		return err
	}
	of, err := c.provenance(p, about)
	if err != nil {
		return err
	}
	pages, err := c.pages(ctx, p, cases, of)
	if err != nil {
		return err
	}
	pages, about.Cards = serps.WithCards(pages, with.behaviour)
	j, err := openJury(who, p.log)
	if err != nil {
		return err
	}
	if err := with.comparable(j.Pages.ID()); err != nil {
		return errors.Join(fmt.Errorf("--against %s: %w", c.Against, err), j.close())
	}
	judged, stopped := j.judge(ctx, p, pages)
	about.Judge = j.Pages.ID()
	about.Calibration, err = c.calibration(with.people, about.Judge, who.Dir)
	if err := errors.Join(err, j.close()); err != nil {
		return errors.Join(stopped, err)
	}
	report := serps.NewReport(about, judged)
	if report.All.N == 0 {
		return errors.Join(stopped, fmt.Errorf("no case was judged: %s", report.Unjudged[0].Why))
	}
	if err := c.write(report, judged); err != nil {
		return errors.Join(stopped, err)
	}
	if err := report.WriteMarkdown(p.out); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "\nreport.html, report.md and report.json are in %s\n", c.Out)
	j.write(p.out, who.Dir)
	return errors.Join(stopped, c.gates(report, with.earlier))
}

// companions are the files that pages and verdicts are put beside. They are read before any
// page is made: what is wrong with one must not cost a judgment.
type companions struct {
	behaviour map[string]judge.Behaviour // by item
	people    []agree.Label
	earlier   *serps.Report // nil: none
}

func (c *evaluateSERPsCmd) companions() (with companions, err error) {
	if with.behaviour, err = c.behaviour(); err != nil {
		return with, err
	}
	if with.people, err = app.ReadLabels(c.Labels); err != nil {
		return with, err
	}
	if c.Against != "" {
		earlier, err := readReport(c.Against)
		with.earlier = &earlier
		return with, err
	}
	return with, nil
}

// comparable returns an error if what a judge says cannot be compared with the earlier report.
func (w companions) comparable(judge string) error {
	if w.earlier == nil {
		return nil
	}
	return w.earlier.JudgedBy(judge)
}

// cases returns what is asked.
func (c *evaluateSERPsCmd) cases() ([]testset.Case, serps.About, error) {
	all, err := casesOf(c.Cases)
	if err != nil {
		return nil, serps.About{}, err
	}
	cases := slices.DeleteFunc(all, func(one testset.Case) bool {
		return string(one.Split) != c.Split || len(c.UseCase) > 0 && !slices.Contains(c.UseCase, string(one.UseCase))
	})
	if c.Limit > 0 {
		cases = cases[:min(c.Limit, len(cases))]
	}
	if len(cases) == 0 {
		return nil, serps.About{}, fmt.Errorf("no case of the split %s is left", c.Split)
	}
	var b bytes.Buffer
	if err := testset.Write(&b, cases); err != nil {
		return nil, serps.About{}, err
	}
	name := "those that come with pfr"
	if c.Cases != "" {
		name = filepath.Base(c.Cases)
	}
	sum := sha256.Sum256(b.Bytes())
	about := serps.About{Candidate: system(c.Candidate), Baseline: system(c.Baseline), TestSet: fmt.Sprintf("%s, %s, %s", name, c.Split, hex.EncodeToString(sum[:6]))}
	about.Today, err = app.CatalogueDay(c.Catalog)
	return cases, about, err
}

// system is the name of a mode in reports.
func system(mode string) string {
	switch schemas.Mode(mode) {
	case schemas.PostFusion:
		return "PFR, post-fusion"
	case schemas.PlainSearch:
		return "regular search"
	}
	return "PFR"
}

// write writes all files of a report.
func (c *evaluateSERPsCmd) write(r serps.Report, j serps.Judged) error {
	pages := make([]serps.Pages, len(j.Outcomes))
	for i, o := range j.Outcomes {
		pages[i] = o.Pages
	}
	records, err := serps.Records(pages, r.Candidate, r.Baseline)
	if err != nil {
		return err
	}
	var errs []error
	for name, write := range map[string]func(io.Writer) error{
		"records.jsonl":  func(w io.Writer) error { return judge.WriteRecords(w, records) },
		"outcomes.jsonl": func(w io.Writer) error { return serps.WriteOutcomes(w, j.Outcomes) },
		"report.json":    r.Write,
		"report.md":      r.WriteMarkdown,
		"report.html":    serps.Page{Report: r, Outcomes: j.Outcomes}.Write,
	} {
		errs = append(errs, writeFile(filepath.Join(c.Out, name), write))
	}
	return errors.Join(errs...)
}

// writeFile writes a file as a whole or not at all.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".pfr-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // of no effect once it has its name
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func (c *evaluateSERPsCmd) gates(r serps.Report, earlier *serps.Report) error {
	var errs []error
	if c.Gate {
		errs = append(errs, r.Gate(table2()))
	}
	if earlier != nil {
		d, err := serps.Compare(r, *earlier)
		if err == nil {
			err = d.Gate()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

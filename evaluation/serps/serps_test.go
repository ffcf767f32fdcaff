package serps_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/serps"
	"github.com/parallel-fusion/pfr/evaluation/stats"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// system makes pages with one item, whose title says who made it.
type system struct {
	name string
	fail string // on this query
}

func (s system) Name() string { return s.name }

func (s system) Page(_ context.Context, c testset.Case) (schemas.SERP, error) {
	if c.Query == s.fail {
		return schemas.SERP{}, errors.New("no page")
	}
	return schemas.SERP{
		Route: schemas.RouteSummary{Name: string(c.UseCase), Source: schemas.SourceStudent}, Timings: schemas.Timings{TotalMS: 12},
		Sections: []schemas.Section{{Title: "Results", Tool: "search", Items: []schemas.Item{{
			ID: "track:" + s.name, Type: "track", Title: s.name + " <b>" + c.Query, Artists: []string{"Somebody"}, ReleaseDate: "2025-01-01", Score: 1,
		}}}},
	}, nil
}

// cases returns n cases of each use case.
func cases(n int) []testset.Case {
	var out []testset.Case
	for _, u := range []testset.UseCase{testset.NewReleases, testset.SimilarArtists} {
		for i := range n {
			out = append(out, testset.Case{ID: fmt.Sprintf("%s-%d", u, i), Query: fmt.Sprintf("%s number %d", u, i), UseCase: u, Market: "US", Split: testset.Test})
		}
	}
	return out
}

// scripted passes pages by the title of their first item and prefers the one with the
// longer name.
type scripted struct {
	pass  func(s judge.Subject) bool
	first bool // always says first
	fail  string
}

func (scripted) ID() string { return "scripted/1" }

func (j scripted) Judge(_ context.Context, s judge.Subject) (judge.Judgment, error) {
	if s.Case.Query == j.fail {
		return judge.Judgment{}, errors.New("no answer")
	}
	out := judge.Judgment{Judge: j.ID(), Verdicts: map[judge.Dimension]judge.Verdict{}}
	for _, d := range judge.Dimensions() {
		out.Verdicts[d] = judge.Verdict{Pass: j.pass(s), Reason: "because"}
	}
	return out, nil
}

func (j scripted) Prefer(_ context.Context, a, b judge.Subject) (judge.Preference, error) {
	p := judge.Preference{Judge: j.ID(), Choice: judge.Tie}
	switch x, y := j.pass(a), j.pass(b); {
	case j.first, x && !y:
		p.Choice = judge.First
	case y && !x:
		p.Choice = judge.Second
	}
	return p, nil
}

func by(name string) func(judge.Subject) bool {
	return func(s judge.Subject) bool {
		return len(s.Page.Sections) > 0 && strings.HasPrefix(s.Page.Sections[0].Items[0].Title, name)
	}
}

func collect(t *testing.T, n int, candidate, baseline serps.System) []serps.Pages {
	t.Helper()
	cfg := serps.DefaultCollection()
	cfg.Today = "2025-06-28"
	pages, err := serps.Collect(t.Context(), cfg, candidate, baseline, cases(n))
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func report(t *testing.T, j scripted, pages []serps.Pages) (serps.Report, serps.Judged) {
	t.Helper()
	judged, err := serps.Judge(t.Context(), serps.Panel{Pages: j, Pairs: j, Run: judge.DefaultRunConfig()}, pages)
	if err != nil {
		t.Fatal(err)
	}
	about := serps.About{Candidate: "new", Baseline: "old", TestSet: "made up", Today: "2025-06-28", Judge: j.ID(), Calibration: "uncalibrated: made up"}
	return serps.NewReport(about, judged), judged
}

func TestCardsReachTheJudge(t *testing.T) {
	pages := collect(t, 3, system{name: "new"}, system{name: "old"})
	liked := pages[0].Candidate.Page.Sections[0].Items[0].ID
	with, cards := serps.WithCards(pages, map[string]judge.Behaviour{liked: {Shown: 100, Clicked: 50}})
	seen := 0
	for _, p := range with {
		for _, m := range []serps.Made{p.Candidate, p.Baseline} {
			seen += strings.Count(fmt.Sprint(m.Page), "50 % clicked")
		}
	}
	if cards == 0 || seen != cards {
		t.Errorf("%d items have a card and %d are counted", seen, cards)
	}
	if pages[0].Candidate.Page.Cards() != 0 {
		t.Error("the pages that were given have cards")
	}
}

// Cases of one cluster differ in a name alone: ten of them are hardly more than one, and an
// interval must not take them for ten.
func TestClustersAreDrawnTogether(t *testing.T) {
	pages := collect(t, 60, system{name: "new"}, system{name: "old"})
	j := scripted{pass: func(s judge.Subject) bool {
		return by("new")(s) != strings.Contains("0123", s.Case.Query[len(s.Case.Query)-2:len(s.Case.Query)-1])
	}}
	apart, _ := report(t, j, pages)
	for i := range pages {
		pages[i].Case.Cluster = pages[i].Case.ID[:len(pages[i].Case.ID)-1] // tens
	}
	together, _ := report(t, j, pages)
	a, b := apart.All.Overall(), together.All.Overall()
	if a.Difference != b.Difference || a.Groups != 120 || b.Groups != 12 {
		t.Errorf("%d groups apart, %d together, differences %v and %v", a.Groups, b.Groups, a.Difference, b.Difference)
	}
	width := func(p stats.Paired) float64 { return p.DifferenceInterval.High - p.DifferenceInterval.Low }
	if width(b) < 2*width(a) {
		t.Errorf("%d clusters are as sure, %v, as %d cases, %v", b.Groups, width(b), a.Groups, width(a))
	}
	d, err := serps.Compare(together, together)
	if err != nil || d.All.Groups != 12 {
		t.Errorf("a comparison draws %d groups, want the clusters: %v", d.All.Groups, err)
	}
}

// A page that did not come does not pass, whatever a judge says of nothing, and is worse than
// one that did.
func TestMissingPageDoesNotPass(t *testing.T) {
	pages := collect(t, 10, system{name: "new", fail: "similar_artists number 3"}, system{name: "old", fail: "new_releases number 3"})
	r, _ := report(t, scripted{pass: func(judge.Subject) bool { return true }}, pages)
	if o := r.UseCases[0].Overall(); o.A != .9 || o.B != 1 || r.UseCases[0].Losses != 1 || r.UseCases[1].Wins != 1 || r.Missing != (serps.Missing{Candidate: 1, Baseline: 1}) {
		t.Errorf("%+v, missing %+v", r.UseCases[0], r.Missing)
	}
	var md bytes.Buffer
	if err := r.WriteMarkdown(&md); err != nil || !strings.Contains(md.String(), "pages that did not come: 1 of new, 1 of old") {
		t.Errorf("%v\n%s", err, md.String())
	}
}

// A judge that answers for some of the cases alone may have left out the bad ones.
func TestGateWantsJudgments(t *testing.T) {
	pages := collect(t, 40, system{name: "new"}, system{name: "old"})
	r, judged := report(t, scripted{pass: by("new")}, pages)
	if err := r.Gate(useCases); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		judged.Outcomes[i].Unjudged = "no answer"
	}
	left := serps.NewReport(serps.About{}, judged)
	if err := left.Gate(useCases); err == nil || !strings.Contains(err.Error(), "5 of 80 cases were not judged") {
		t.Errorf("gate: %v", err)
	}
	left.Judge = r.Judge
	d, err := serps.Compare(left, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Gate(); err == nil || !strings.Contains(err.Error(), "5 of 80 cases were not judged") {
		t.Errorf("gate of a comparison: %v", err)
	}
}

var useCases = []testset.UseCase{testset.SimilarArtists, testset.NewReleases}

func TestReportSaysWhichIsBetter(t *testing.T) {
	pages := collect(t, 40, system{name: "new"}, system{name: "old"})
	r, _ := report(t, scripted{pass: func(s judge.Subject) bool {
		return by("new")(s) || strings.HasSuffix(s.Case.Query, "0") && s.Case.UseCase == testset.NewReleases // four of them
	}}, pages)
	if err := r.Gate(useCases); err != nil {
		t.Error(err)
	}
	if len(r.UseCases) != 2 || r.UseCases[0].Name != string(testset.SimilarArtists) {
		t.Fatalf("use cases %+v", r.UseCases)
	}
	similar, fresh := r.UseCases[0], r.UseCases[1]
	if o := similar.Overall(); o.A != 1 || o.B != 0 || o.Relative != nil || similar.Wins != 40 || similar.Few {
		t.Errorf("%+v", similar)
	}
	if o := fresh.Overall(); o.B != .1 || *o.Relative != 9 || fresh.Wins != 36 || fresh.Ties != 4 || fresh.Losses != 0 {
		t.Errorf("%+v", fresh)
	}
	if r.Warning != "" {
		t.Errorf("warning %q", r.Warning)
	}
	worse, _ := report(t, scripted{pass: by("old")}, pages)
	if err := worse.Gate(useCases); err == nil || !strings.Contains(err.Error(), "similar_artists: new passes 0.000, old 1.000") {
		t.Errorf("gate: %v", err)
	}
	if err := r.Gate([]testset.UseCase{testset.BroadMusic}); err == nil {
		t.Error("the gate opens without a case")
	}
}

func TestJudgeThatAlwaysSaysFirst(t *testing.T) {
	r, _ := report(t, scripted{first: true, pass: by("new")}, collect(t, 20, system{name: "new"}, system{name: "old"}))
	if r.All.Ties != 40 || r.All.Wins+r.All.Losses != 0 {
		t.Errorf("%d wins, %d ties, %d losses", r.All.Wins, r.All.Ties, r.All.Losses)
	}
	if !strings.Contains(r.Warning, "place of a page") {
		t.Errorf("warning %q", r.Warning)
	}
}

func TestWhatFailsIsSaid(t *testing.T) {
	pages := collect(t, 10, system{name: "new", fail: "similar_artists number 3"}, system{name: "old"})
	r, judged := report(t, scripted{pass: func(s judge.Subject) bool { return len(s.Page.Sections) > 0 }, fail: "new_releases number 5"}, pages)
	if len(r.Unjudged) != 1 || r.Unjudged[0].Case != "new_releases-5" || r.All.N != 19 {
		t.Errorf("%d of 20 judged, left out %+v", r.All.N, r.Unjudged)
	}
	// A page that did not come is a page with nothing.
	if o := r.UseCases[0].Overall(); o.A != .9 || o.B != 1 {
		t.Errorf("%+v", o)
	}
	var html, md bytes.Buffer
	if err := (serps.Page{Report: r, Outcomes: judged.Outcomes}).Write(&html); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"No page: no page", "Not judged: no answer", "new &lt;b&gt;similar_artists number 1"} {
		if !strings.Contains(html.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if want := "not judged: 1 cases, left out: the first, new_releases-5, because no answer"; !strings.Contains(md.String(), want) {
		t.Errorf("%s\nlacks %q", md.String(), want)
	}
}

// Equal outcomes give equal bytes, through files too.
func TestReportIsReproducible(t *testing.T) {
	pages := collect(t, 12, system{name: "new"}, system{name: "old"})
	j := scripted{pass: func(s judge.Subject) bool { return by("new")(s) != strings.HasSuffix(s.Case.Query, "7") }}
	first, _ := report(t, j, pages)
	var file bytes.Buffer
	of := serps.Provenance{Candidate: "new", Baseline: "old", TestSet: "twelve", Today: "2025-06-28", Pipeline: "sample"}
	if err := serps.WritePages(&file, of, pages); err != nil {
		t.Fatal(err)
	}
	had, again, err := serps.ReadPages(&file)
	if err != nil || had != of {
		t.Fatalf("pages of %+v: %v", had, err)
	}
	second, _ := report(t, j, again)
	var a, b bytes.Buffer
	if err := errors.Join(first.Write(&a), second.Write(&b)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the reports differ")
	}
	read, err := serps.Read(&a)
	if err != nil || read.All.N != 24 || len(read.Cases) != 24 {
		t.Errorf("read %d cases: %v", read.All.N, err)
	}
	golden(t, "report.md", first.WriteMarkdown)
}

func TestDiff(t *testing.T) {
	pages := collect(t, 30, system{name: "new"}, system{name: "old"})
	good, _ := report(t, scripted{pass: by("new")}, pages)
	bad, _ := report(t, scripted{pass: func(s judge.Subject) bool {
		return by("new")(s) && (s.Case.UseCase == testset.NewReleases || strings.HasSuffix(s.Case.Query, "1"))
	}}, pages)
	d, err := serps.Compare(bad, good)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Gained) != 0 || len(d.Lost) != 27 {
		t.Errorf("%d gained, %d lost", len(d.Gained), len(d.Lost))
	}
	if err := d.Gate(); err == nil || !strings.Contains(err.Error(), "similar_artists: passes 0.100, was 1.000") || strings.Contains(err.Error(), "new_releases") {
		t.Errorf("gate: %v", err)
	}
	golden(t, "diff.md", d.Write)
	if back, err := serps.Compare(good, bad); err != nil || back.Gate() != nil {
		t.Errorf("better is worse: %v %v", err, back.Gate())
	}
	other := good
	other.Judge = "another"
	if _, err := serps.Compare(other, good); err == nil {
		t.Error("reports of two judges are compared")
	}
	other = good
	other.Cases = slices.Clone(good.Cases)
	other.Cases[3].Query = "something else"
	if _, err := serps.Compare(other, good); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("cases of two test sets are compared: %v", err)
	}
}

// Neither the order nor the record says which system made a page.
func TestRecordsAreBlind(t *testing.T) {
	records, err := serps.Records(collect(t, 30, system{name: "new"}, system{name: "old"}), "new", "old")
	if err != nil {
		t.Fatal(err)
	}
	ahead := 0
	for i := 0; i < len(records); i += 2 {
		if records[i].System == "new" {
			ahead++
		}
	}
	if len(records) != 120 || ahead < 15 || ahead > 45 {
		t.Errorf("%d records, the candidate ahead in %d of 60", len(records), ahead)
	}
}

func golden(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got.String(), want)
	}
}

package app_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
	posttraining "github.com/parallel-fusion/pfr/post-training"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas"
)

// small returns a run for a few queries with labels.
func small(t *testing.T) app.PostTraining {
	t.Helper()
	log := filepath.Join(t.TempDir(), "queries.tsv")
	lines := "artists like Radiohead\tsimilar_artists\nNew indie rock releases\tpersonalized_recs\nbohemian rhapsody\tsearch\njazz podcast\tpodcast_recs\n"
	if err := os.WriteFile(log, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	run := app.NewPostTraining()
	run.Dir, run.EvaluationJudge, run.Queries.Logs = filepath.Join(t.TempDir(), "run"), "rules", []string{log}
	return run
}

func runPostTraining(t *testing.T, run app.PostTraining, cfg app.Config) (posttraining.Stats, posttraining.Results) {
	t.Helper()
	stats, err := run.Sample(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	results, err := posttraining.Read(run.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return stats, results
}

// The in-process model as a teacher and labels as the judge: rows that name both, whose
// decisions are what the router would serve.
func TestPostTrainingWithTheStudent(t *testing.T) {
	stats, results := runPostTraining(t, small(t), app.DefaultConfig())
	if stats.Resolved != 4 || stats.Hard != 0 || stats.CostUSD != 0 {
		t.Errorf("%+v", stats)
	}
	for _, r := range results.Rows {
		if !strings.HasPrefix(r.Teacher, "student-") || r.Judge != "labels-1" || r.EvaluationJudge != "rules" || r.Temperature != 2 || r.Source != posttraining.Logs {
			t.Errorf("%+v", r)
		}
	}
	i := slices.IndexFunc(results.Rows, func(r posttraining.Row) bool { return r.Query == "New indie rock releases" })
	if want := `{"route":"personalized_recs","entity_types":["track","album"],"genre":"indie rock","max_weeks_from_release":4}`; results.Rows[i].Decision != want {
		t.Errorf("the article's example is %s, want %s", results.Rows[i].Decision, want)
	}
}

// Language models as teacher and as judge: each attempt has a seed of its own, the short
// cuts of live traffic are not taken, what a model makes up is left out, and money is counted.
func TestPostTrainingWithModels(t *testing.T) {
	var asked sync.Map // how often, by query
	teacher := llmtest.New(llmtest.Config{Model: "teacher", Answer: func(query string) string {
		if _, again := asked.LoadOrStore(query, true); !again {
			return `{"route":"search","text":"radiohead","artist":null}`
		}
		return `{"route":"similar_artists","artist":"Made Up Name","genre":null}`
	}})
	defer teacher.Close()
	judge := llmtest.New(llmtest.Config{Model: "judge", Answer: func(turn string) string {
		if strings.Contains(turn, "similar_artists") {
			return `{"reason":"a wish for artists","verdict":"PASS"}`
		}
		return `{"reason":"no name","verdict":"NO PASS"}`
	}})
	defer judge.Close()

	run := small(t)
	run.Teachers, run.Judge, run.Temperature, run.Parallel = []string{"llm"}, "examiner", 1.2, 1
	cfg := app.DefaultConfig()
	cfg.Router.LLM.URL = teacher.URL()
	examiner := cfg.Router.LLM
	examiner.URL = judge.URL()
	cfg.Router.Models = map[string]app.ModelConfig{"examiner": examiner}
	stats, results := runPostTraining(t, run, cfg)
	if stats.Resolved != 4 || stats.ByJudge != 4 || stats.Calls != 8 || stats.Tokens == 0 || stats.JudgeToken == 0 {
		t.Errorf("%+v", stats)
	}
	for _, r := range results.Rows {
		if r.Decision != `{"route":"similar_artists"}` || r.Attempt != 2 || !strings.HasPrefix(r.Judge, "decisions by judge ") || r.Rationale != "a wish for artists" {
			t.Errorf("%+v", r.Provenance)
		}
		if !strings.HasPrefix(r.Teacher, "teacher llm-") || r.TeacherPrompt == "" || r.JudgePrompt == "" || r.Model != "teacher" {
			t.Errorf("%+v", r.Provenance)
		}
	}
	checkSeeds(t, teacher, results)
}

// checkSeeds makes sure that each attempt was sent with its seed and the temperature.
func checkSeeds(t *testing.T, teacher *llmtest.Server, results posttraining.Results) {
	t.Helper()
	seeds := map[string]bool{}
	for _, r := range results.Rows {
		seeds[fmt.Sprintf(`"seed":%d`, r.Seed)] = true
	}
	for _, r := range results.Rejections {
		seeds[fmt.Sprintf(`"seed":%d`, r.Seed)] = true
	}
	for _, request := range teacher.Requests() {
		for seed := range seeds {
			if strings.Contains(string(request.Body), seed+",") || strings.Contains(string(request.Body), seed+"}") {
				delete(seeds, seed)
			}
		}
		if body := string(request.Body); !strings.Contains(body, `"temperature":1.2`) {
			t.Errorf("the temperature is not sent: %s", body)
		}
	}
	if len(seeds) > 0 {
		t.Errorf("seeds that were not sent: %v", seeds)
	}
}

// Who does not exist, or would examine its own pupil, is refused before anything is asked.
func TestPostTrainingRefuses(t *testing.T) {
	for want, change := range map[string]func(*app.PostTraining){
		"language model \"nobody\"": func(r *app.PostTraining) { r.Teachers = []string{"nobody"} },
		"evaluation judge":          func(r *app.PostTraining) { r.EvaluationJudge = "labels-1" },
		"temperature 0":             func(r *app.PostTraining) { r.Temperature = 0 },
	} {
		run := small(t)
		change(&run)
		if _, err := run.Sample(t.Context(), app.DefaultConfig(), slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// What people noted is a teacher too, at queries that the others fail on; queries that labels
// cannot judge are left out instead of being rejected.
func TestPostTrainingWithGold(t *testing.T) {
	log := filepath.Join(t.TempDir(), "queries.tsv")
	lines := "qqqq wwww\tnew_releases\t{\"artist\":\"Low\",\"max_weeks_from_release\":8}\nzzzz\tpodcast_recs\nnobody knows\n"
	if err := os.WriteFile(log, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	run := small(t)
	run.Queries.Logs, run.Teachers, run.Attempts, run.Temperature = []string{log}, []string{"student", "gold"}, 2, .01
	stats, results := runPostTraining(t, run, app.DefaultConfig())
	if stats.Queries != 2 || len(results.Rows) != 1 || stats.Unjudged != 0 {
		t.Fatalf("%+v, rows %+v", stats, results.Rows)
	}
	r := results.Rows[0]
	if want := `{"route":"new_releases","artist":"Low","max_weeks_from_release":8}`; r.Teacher != "gold-1" || r.Attempt != 2 || r.Decision != want {
		t.Errorf("%+v, want %s", r, want)
	}
	for _, bad := range []string{"x\t\t{}\n", "x\tsearch\t{\n", "x\tweather\t{}\n"} {
		if err := os.WriteFile(log, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := run.Sample(t.Context(), app.DefaultConfig(), slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Whoever rejects does not examine, whatever the settings call it: the same name, the same
// model at another server, and a server that has one model for every name are refused.
func TestExaminerIsAnother(t *testing.T) {
	server := func(model string, answers llmtest.Config) string {
		answers.Model, answers.Answer = model, func(string) string { return `{"reason":"r","verdict":"PASS"}` }
		s := llmtest.New(answers)
		t.Cleanup(s.Close)
		return s.URL()
	}
	one, other, twin := server("big", llmtest.Config{}), server("large", llmtest.Config{}), server("big", llmtest.Config{})
	for _, c := range []struct {
		name, judge, examiner, model string // of the examiner, where it is named
		url                          string // likewise
		want                         string // "": it may
	}{
		{"another model", "llm", "examiner", "", other, ""},
		{"the judge itself", "llm", "llm", "", other, "must not be the evaluation judge"},
		{"labels", "labels", "labels", "", other, "must not be the evaluation judge"},
		{"rules", "llm", "rules", "", other, ""},
		{"the same server", "llm", "examiner", "", one, "under another name"},
		{"the same model elsewhere", "llm", "examiner", "", twin, "under another name"},
		{"the same server in other words", "llm", "examiner", "", strings.Replace(one, "127.0.0.1", "LOCALHOST", 1), "under another name"},
		{"a name for one model", "llm", "examiner", "Big", other, "under another name"},
		{"one server, of which one model is named", "llm", "examiner", "small", one, "under another name"},
		{"nobody", "labels", "somebody", "", other, "it is none of rules, people and labels"},
	} {
		run := small(t)
		run.Judge, run.EvaluationJudge = c.judge, c.examiner
		cfg := app.DefaultConfig()
		cfg.Router.LLM.URL = one
		examiner := cfg.Router.LLM
		examiner.URL, examiner.Model = c.url, c.model
		cfg.Router.Models = map[string]app.ModelConfig{"examiner": examiner}
		_, err := run.Sample(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The gate on names lets through what the catalogue has.
func TestPostTrainingResolvable(t *testing.T) {
	log := filepath.Join(t.TempDir(), "queries.tsv")
	if err := os.WriteFile(log, []byte("artists like Radiohead\tsimilar_artists\nartists like Zzyzxqueue\tsimilar_artists\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := small(t)
	run.Queries.Logs, run.Resolvable = []string{log}, true
	stats, results := runPostTraining(t, run, app.DefaultConfig())
	if stats.Resolved != 1 || stats.Hard != 1 || len(results.Rows) != 1 || results.Rows[0].Query != "artists like Radiohead" {
		t.Errorf("%+v, rows %+v", stats, results.Rows)
	}
}

// The queries of all sources: to train on alone, each text once, and none that its own source
// holds out. What one source learns and another tests on is for the export to find.
func TestQuerySources(t *testing.T) {
	sources := app.QuerySources{Own: true, Student: true, Public: os.Getenv("PFR_QUERY_DATA"), Fillings: 2, Seed: 1}
	names := []string{"search"}
	queries, err := sources.Read(names)
	if err != nil {
		t.Fatal(err)
	}
	again, err := sources.Read(names)
	if err != nil || len(again) != len(queries) {
		t.Fatalf("%d queries, then %d: %v", len(queries), len(again), err)
	}
	own, public := neverLearnt(t, sources.Public)
	ids, texts, sourced := map[string]bool{}, map[string]bool{}, map[posttraining.Source]int{}
	for i, q := range queries {
		sourced[q.Source]++
		if q.Split != testset.Train || ids[q.ID] || texts[q.Text] || len(q.Gold) == 0 || q.ID != again[i].ID || q.Text != again[i].Text {
			t.Errorf("%+v", q)
		}
		ids[q.ID], texts[q.Text] = true, true
		if strings.Contains(q.Text, "{") {
			t.Errorf("%q has an open slot", q.Text)
		}
		text := testset.Normalise(q.Text)
		if own[text] && q.Source == posttraining.Written || public[text] && q.Source == posttraining.Public {
			t.Errorf("%q of %s is tested on", q.Text, q.ID)
		}
	}
	if sources.Public == "" {
		t.Log("without public queries: PFR_QUERY_DATA is not set")
	} else if sourced[posttraining.Public] < 700 {
		t.Errorf("%v", sourced)
	}
	if sourced[posttraining.Written] < 9000 || sourced[posttraining.Catalogue] < 7000 {
		t.Errorf("%v", sourced)
	}
}

// neverLearnt returns the queries that are held out, normalised: those of the product and the
// student, and those of the public sets.
func neverLearnt(t *testing.T, folder string) (own, public map[string]bool) {
	t.Helper()
	own, public = map[string]bool{}, map[string]bool{}
	cases, err := testset.Own()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Split != testset.Train {
			own[testset.Normalise(c.Query)] = true
		}
	}
	for _, e := range heldOut(t, folder)["public test half"] {
		public[testset.Normalise(e.Query)] = true
	}
	for _, e := range heldOut(t, "")["holdout.tsv"] {
		own[testset.Normalise(e.Query)] = true
	}
	return own, public
}

// An export finds what is the same as a query to test on, names left aside.
func TestExportFindsLeaks(t *testing.T) {
	run := small(t)
	_, results := runPostTraining(t, run, app.DefaultConfig())
	file := filepath.Join(t.TempDir(), "test.tsv")
	if err := os.WriteFile(file, []byte("artists like Tame Impala\tsimilar_artists\nNEW INDIE ROCK RELEASES\tpersonalized_recs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := app.NewExport(app.DefaultConfig(), app.Tested{Files: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	e.DropLeaks = true
	clean, leaks, err := e.Clean(results)
	if err != nil || len(leaks) != 2 || len(clean.Rows) != 2 {
		t.Errorf("%d leaks, %d rows left: %v", len(leaks), len(clean.Rows), err)
	}
	for _, l := range leaks {
		if !strings.Contains(l.Why, "same word") {
			t.Errorf("%+v", l)
		}
	}
}

// A student trained from the rows of the loop is at least as good as the one that is
// embedded, on queries that neither has learnt, within what chance does (its standard error).
func TestStudentFromRowsScale(t *testing.T) {
	if os.Getenv("PFR_TEST_SCALE") != "1" || os.Getenv("PFR_QUERY_DATA") == "" {
		t.Skip("trains for a minute: set PFR_TEST_SCALE=1 and PFR_QUERY_DATA")
	}
	run := small(t)
	run.Keep, run.Attempts = 3, 12
	run.Queries = app.QuerySources{Student: true, Public: os.Getenv("PFR_QUERY_DATA"), Fillings: 1, Seed: 1}
	stats, _ := runPostTraining(t, run, app.DefaultConfig())
	t.Logf("%d queries, %d resolved, %d hard, %d samples", stats.Queries, stats.Resolved, stats.Hard, stats.Calls)
	dir := t.TempDir()
	training := app.StudentTraining{Rows: filepath.Join(run.Dir, "rows.jsonl")}
	if err := training.Train(dir, t.Output()); err != nil {
		t.Fatal(err)
	}
	for name, set := range heldOut(t, os.Getenv("PFR_QUERY_DATA")) {
		embedded, fromRows := studentOf(t, ""), studentOf(t, dir)
		was, is := student.Evaluate(embedded, set), student.Evaluate(fromRows, set)
		t.Logf("%s: embedded %d of %d, macro %.3f, ECE %.3f; from rows %d, macro %.3f, ECE %.3f",
			name, was.Right, was.N, was.Macro, was.ECE, is.Right, is.Macro, is.ECE)
		if is.Right < was.Right-was.N/100 {
			t.Errorf("%s: %d right of %d, and %d with the embedded one", name, is.Right, is.N, was.Right)
		}
	}
}

// studentOf returns the student of a folder, "" for the embedded one, that knows the names of
// the sample catalogue.
func studentOf(t *testing.T, dir string) router.Model {
	t.Helper()
	cfg := app.DefaultConfig()
	cfg.Router.Student = dir
	d, err := app.NewDecider(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return throughStudent{t, d}
}

// throughStudent is the student's tier of a decider.
type throughStudent struct {
	t *testing.T
	d *app.Decider
}

// Version implements [router.Model].
func (throughStudent) Version() string { return "" }

// Guess implements [router.Model].
func (s throughStudent) Guess(text string) router.Guess {
	d, err := s.d.Through(s.t.Context(), schemas.SourceStudent, schemas.PublicQuery{Text: text, Market: "US"})
	if err != nil {
		s.t.Fatal(err)
	}
	return router.Guess{Route: d.Route, Params: d.Params, Confidence: d.Confidence}
}

// heldOut returns the sets that no student learns, by name; those of the public sets only if
// there is a folder with them.
func heldOut(t *testing.T, public string) map[string][]student.Example {
	t.Helper()
	raw, err := os.ReadFile("../../router-worker/student/data/holdout.tsv")
	if err != nil {
		t.Fatal(err)
	}
	own, err := student.ReadExamples(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]student.Example{"holdout.tsv": own}
	if public == "" {
		return out
	}
	labels, _, err := student.Labels()
	if err != nil {
		t.Fatal(err)
	}
	if _, out["public test half"], err = student.ReadPublic(os.DirFS(public), labels); err != nil {
		t.Fatal(err)
	}
	return out
}

package llmjudge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/judge/llmjudge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// page is a page of two sections: albums 1 to 3, of which two have a date, one of them in
// the last year, and two artists.
func page() judge.Page {
	return judge.Page{Sections: []judge.Section{
		{Title: "Albums", Items: []judge.Item{
			{ID: "album:1", Type: "album", Title: "Quiet Keys", Artists: []string{"Ada"}, Genres: []string{"piano"}, ReleaseDate: "2025-11-02"},
			{ID: "album:2", Type: "album", Title: "Slow Hands", Artists: []string{"Bo"}, ReleaseDate: "2019", Card: "12 of 40 played it"},
			{ID: "album:3", Type: "album", Title: "Low Water", Artists: []string{"Cy"}},
		}},
		{Title: "Artists", Text: "People who play", Items: []judge.Item{
			{ID: "artist:4", Type: "artist", Title: "Ada"}, {ID: "artist:5", Type: "artist", Title: "Bo"},
		}},
	}}
}

func subject(query string, p judge.Page) judge.Subject {
	return judge.Subject{Case: testset.Case{
		ID: "c1", Query: query, Market: "US", UseCase: "broad_music", Profile: &testset.Profile{ID: "listener-77", Likes: []string{"Harold Budd"}},
		Gold: []testset.Gold{{Route: "personalized_recs"}},
	}, Today: "2026-03-02", Page: p}
}

func config() llmjudge.Config {
	c := llmjudge.DefaultConfig()
	c.Model = "fake"
	c.Titles = true // off unless asked for, see TestNoTitleTellsTheSystem
	return c
}

// answer is a valid answer; wants and the evidence and verdict of relevance vary.
func answer(evidence, verdict, wants string) string {
	return `{"relevance":{"evidence":` + evidence + `,"reason":"r1","verdict":"` + verdict + `"},"diversity":{"evidence":[2,1,2],"reason":"r2","verdict":"NO_PASS"},` +
		`"freshness":{"reason":"r3","wants":"` + wants + `"},"overall":{"evidence":[5],"reason":"r4\nsecond line","verdict":"PASS"}}`
}

// saying is a model without a server that gives its answers in turn, the last one for
// ever.
type saying struct {
	texts []string
	err   error
	asked []llm.Question
}

func (s *saying) Ask(_ context.Context, q llm.Question) (llm.Usage, error) {
	s.asked = append(s.asked, q)
	used := llm.Usage{CostUSD: .25}
	if s.err != nil {
		return used, s.err
	}
	text := s.texts[min(len(s.asked), len(s.texts))-1]
	if err := q.Read(llm.Reply{Content: text}); err != nil {
		return used, fmt.Errorf("llm %s: %w", q.Operation, err)
	}
	return used, nil
}

func newJudge(tb testing.TB, cfg llmjudge.Config, a llmjudge.Asker) *llmjudge.Judge {
	tb.Helper()
	j, err := llmjudge.New(cfg, a)
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

// ids are the ids of the numbers as the model was shown them.
func ids(tb testing.TB, turn string, p judge.Page) map[int]string {
	tb.Helper()
	var t struct {
		Page struct {
			Sections []struct {
				Items []struct {
					N     int
					Type  string
					Title string
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(turn), &t); err != nil {
		tb.Fatal(err)
	}
	out := map[int]string{}
	for _, s := range t.Page.Sections {
		for _, shown := range s.Items {
			for _, real := range p.Sections {
				for _, it := range real.Items {
					if it.Title == shown.Title && it.Type == shown.Type {
						out[shown.N] = it.ID
					}
				}
			}
		}
	}
	return out
}

func TestJudgment(t *testing.T) {
	model := &saying{texts: []string{answer("[1,3]", "PASS", "no")}}
	j := newJudge(t, config(), model)
	out, err := j.Judge(t.Context(), subject("calm piano", page()))
	if err != nil {
		t.Fatal(err)
	}
	id := ids(t, model.asked[0].User, page())
	want := map[judge.Dimension]judge.Verdict{
		judge.Relevance: {Pass: true, Evidence: []string{id[1], id[3]}, Reason: "r1"},
		judge.Diversity: {Evidence: []string{id[2], id[1]}, Reason: "r2"},
		judge.Freshness: {Pass: true, Reason: "r3"},
		judge.Overall:   {Pass: true, Evidence: []string{id[5]}, Reason: "r4 second line"},
	}
	if fmt.Sprint(out.Verdicts) != fmt.Sprint(want) || len(id) != 5 || out.Judge != j.ID() || out.CostUSD != .25 || out.Raw == "" {
		t.Errorf("%+v\nwant %+v", out, want)
	}
}

// How new the items are is counted; the model says what the query wants.
func TestFreshness(t *testing.T) {
	for name, tc := range map[string]struct {
		wants string
		dates [3]string
		pass  bool
	}{
		"not wanted":             {"no", [3]string{"1999", "", ""}, true},
		"half is new":            {"new", [3]string{"2026-01-01", "2019", ""}, true},
		"a third is new":         {"new", [3]string{"2026-01-01", "2019", "2018-05"}, false},
		"newest, one is":         {"newest", [3]string{"2026-01-01", "2019", "2018-05"}, true},
		"newest, none is":        {"newest", [3]string{"2024-01-01", "2019", "2018-05"}, false},
		"no dates":               {"new", [3]string{"", "", "soon"}, false},
		"first day of a year":    {"new", [3]string{"2025", "", ""}, false}, // it may be more than a year ago
		"first day of a month":   {"new", [3]string{"2025-04", "", ""}, true},
		"last day of the window": {"new", [3]string{"2025-03-03", "", ""}, true},
		"the day before":         {"new", [3]string{"2025-03-02", "", ""}, false},
		"to come":                {"new", [3]string{"2026-05-01", "", ""}, true},
	} {
		p := page()
		for i, d := range tc.dates {
			p.Sections[0].Items[i].ReleaseDate = d
		}
		out, err := newJudge(t, config(), &saying{texts: []string{answer("[1]", "PASS", tc.wants)}}).Judge(t.Context(), subject("q", p))
		if v := out.Verdicts[judge.Freshness]; err != nil || v.Pass != tc.pass {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	s := subject("q", page())
	s.Today = "today"
	if _, err := newJudge(t, config(), &saying{}).Judge(t.Context(), s); err == nil {
		t.Error("a day that is none")
	}
}

func TestAnswersThatAreNoUse(t *testing.T) {
	valid := answer("[1]", "PASS", "no")
	for name, text := range map[string]string{
		"prose":               "This page is a PASS.",
		"not on the page":     answer("[6]", "PASS", "no"),
		"zero":                answer("[0]", "PASS", "no"),
		"an id":               answer(`["album:1"]`, "PASS", "no"),
		"fraction":            answer("[1.5]", "PASS", "no"),
		"no list":             answer("1", "PASS", "no"),
		"PASS without proof":  answer("[]", "PASS", "no"),
		"another verdict":     answer("[1]", "MAYBE", "no"),
		"lower case":          answer("[1]", "pass", "no"),
		"another want":        answer("[1]", "PASS", "yes"),
		"a dimension more":    valid[:len(valid)-1] + `,"beauty":{}}`,
		"a dimension less":    strings.Replace(valid, `"diversity"`, `"variety"`, 1),
		"reason is no text":   strings.Replace(valid, `"r2"`, `2`, 1),
		"verdict is no text":  strings.Replace(valid, `"PASS"`, `true`, 1),
		"a member more":       strings.Replace(valid, `"reason":"r1"`, `"reason":"r1","score":5`, 1),
		"a dimension is flat": strings.Replace(valid, `{"reason":"r3","wants":"no"}`, `"no"`, 1),
		"twice":               strings.Replace(valid, `"verdict":"PASS"`, `"verdict":"PASS","verdict":"NO_PASS"`, 1),
	} {
		model := &saying{texts: []string{text}}
		out, err := newJudge(t, config(), model).Judge(t.Context(), subject("calm piano", page()))
		if !errors.Is(err, llm.ErrOutput) || out.Verdicts != nil || len(model.asked) != 3 || out.CostUSD != .75 {
			t.Errorf("%s: %+v, %v after %d attempts", name, out, err, len(model.asked))
		}
		if _, ok := errors.AsType[*judge.PassingError](err); ok {
			t.Errorf("%s: is to be asked again for ever", name)
		}
	}
	model := &saying{texts: []string{answer("[9]", "PASS", "no"), answer("[]", "NO_PASS", "no")}}
	out, err := newJudge(t, config(), model).Judge(t.Context(), subject("calm piano", page()))
	if err != nil || len(model.asked) != 2 || out.CostUSD != .5 || out.Verdicts[judge.Relevance].Pass {
		t.Errorf("%+v, %v", out, err)
	}
	// A second attempt differs from the first, and says why it is made.
	if strings.Contains(model.asked[0].User, "attempt") || !strings.Contains(model.asked[1].User, `"attempt":1,"mistake":"evidence is not on the page"`) {
		t.Errorf("%s\n%s", model.asked[0].User, model.asked[1].User)
	}
}

func TestErrorsThatPass(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		after time.Duration
		ok    bool
	}{
		"busy":     {&llm.StatusError{Code: 429, RetryAfter: time.Minute}, time.Minute, true},
		"down":     {&llm.StatusError{Code: 503}, 0, true},
		"timeout":  {context.DeadlineExceeded, 0, true},
		"key":      {&llm.StatusError{Code: 401}, 0, false},
		"no model": {&llm.StatusError{Code: 404}, 0, false},
		"other":    {errors.New("other"), 0, false},
	} {
		_, err := newJudge(t, config(), &saying{err: tc.err}).Judge(t.Context(), subject("q", page()))
		passing, ok := errors.AsType[*judge.PassingError](err)
		if ok != tc.ok || ok && passing.After != tc.after || !errors.Is(err, tc.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the model reads is what the article shows to its judge, and nothing that gives a
// system or the right answer away.
func TestTurn(t *testing.T) {
	model := &saying{texts: []string{answer("[1]", "PASS", "no")}}
	if _, err := newJudge(t, config(), model).Judge(t.Context(), subject("calm piano", page())); err != nil {
		t.Fatal(err)
	}
	turn := model.asked[0].User
	for _, want := range []string{
		`"q":"calm piano"`, `"market":"US"`, `"today":"2026-03-02"`, `"likes":["Harold Budd"]`, `"title":"Quiet Keys"`, `"artists":["Ada"]`, `"genres":["piano"]`,
		`"released":"2025-11-02"`, `"listeners":"12 of 40 played it"`, `"dates":{"items":5,"dated":2,"weeks":52,"within_weeks":1}`, `"text":"People who play"`, `"section":"A"`,
	} {
		if !strings.Contains(turn, want) {
			t.Errorf("there is no %s in %s", want, turn)
		}
	}
	for _, not := range []string{"album:1", "listener-77", "personalized_recs", "broad_music", "c1"} {
		if strings.Contains(turn, not) {
			t.Errorf("the model reads %q", not)
		}
	}
	plain := config()
	plain.Cards, plain.Titles = false, false
	j := newJudge(t, plain, model)
	if _, err := j.Judge(t.Context(), subject("calm piano", page())); err != nil {
		t.Fatal(err)
	}
	if turn := model.asked[1].User; strings.Contains(turn, "12 of 40") || strings.Contains(turn, `"title":"Albums"`) || !strings.Contains(turn, "Quiet Keys") {
		t.Errorf("cards and titles are off: %s", turn)
	}
}

// Each system has titles of its own for its sections: by default no judge reads them.
func TestNoTitleTellsTheSystem(t *testing.T) {
	model := &saying{texts: []string{answer("[1]", "PASS", "no")}}
	cfg := llmjudge.DefaultConfig()
	cfg.Model = "big"
	if _, err := newJudge(t, cfg, model).Judge(t.Context(), subject("calm piano", page())); err != nil {
		t.Fatal(err)
	}
	if turn := model.asked[0].User; strings.Contains(turn, `"title":"Albums"`) || !strings.Contains(turn, "Quiet Keys") {
		t.Errorf("the model reads the titles of sections: %s", turn)
	}
}

// Sections come in an order that depends on the page and the seed alone.
func TestOrderOfSections(t *testing.T) {
	orders := map[string]int{}
	for i := range 40 {
		p := page()
		p.Sections[0].Items[0].Title = fmt.Sprint("Quiet Keys ", i)
		var turns []string
		for range 2 {
			model := &saying{texts: []string{answer("[1]", "PASS", "no")}}
			if _, err := newJudge(t, config(), model).Judge(t.Context(), subject("calm piano", p)); err != nil {
				t.Fatal(err)
			}
			turns = append(turns, model.asked[0].User)
		}
		if turns[0] != turns[1] {
			t.Error("the same page is shown in two ways")
		}
		orders[map[bool]string{true: "as it is", false: "turned"}[strings.Index(turns[0], `"Albums"`) < strings.Index(turns[0], `"Artists"`)]]++
	}
	if orders["as it is"] < 8 || orders["turned"] < 8 {
		t.Errorf("%v", orders)
	}
}

// Every setting is part of the name that answers are kept by, and so is the prompt.
func TestID(t *testing.T) {
	seen := map[string]string{}
	for name, change := range map[string]func(*llmjudge.Config){
		"as it is": func(*llmjudge.Config) {}, "model": func(c *llmjudge.Config) { c.Model = "other" }, "settings": func(c *llmjudge.Config) { c.Settings = "temperature=1" },
		"items": func(c *llmjudge.Config) { c.Items++ }, "pair": func(c *llmjudge.Config) { c.Pair++ }, "attempts": func(c *llmjudge.Config) { c.Attempts++ },
		"cards": func(c *llmjudge.Config) { c.Cards = false }, "titles": func(c *llmjudge.Config) { c.Titles = false }, "seed": func(c *llmjudge.Config) { c.Seed++ },
		"weeks": func(c *llmjudge.Config) { c.Fresh.Weeks++ }, "share": func(c *llmjudge.Config) { c.Fresh.Share = .6 },
	} {
		cfg := config()
		change(&cfg)
		pairs, err := llmjudge.NewPairs(cfg, &saying{})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{newJudge(t, cfg, &saying{}).ID(), pairs.ID()} {
			if other, ok := seen[id]; ok {
				t.Errorf("%s has the id of %s", name, other)
			}
			seen[id] = name
		}
	}
	if _, err := llmjudge.New(llmjudge.Config{}, &saying{}); err == nil || !strings.Contains(err.Error(), "model") || !strings.Contains(err.Error(), "share") {
		t.Errorf("the zero configuration: %v", err)
	}
}

// client asks a fake server.
func client(tb testing.TB, server *llmtest.Server) *llm.Client {
	tb.Helper()
	cfg := llm.DefaultConfig()
	cfg.URL, cfg.Timeout = server.URL(), 20*time.Second
	cfg.Prices = map[string]llm.Price{"fake": {PromptPerM: 1, CachedPerM: 1, CompletionPerM: 1}}
	c, err := llm.New(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// Over a server of every kind: the first run asks for each page once, the second for none,
// and says the same.
func TestTwoRuns(t *testing.T) {
	for _, flavour := range []llmtest.Flavour{llmtest.OpenAI, llmtest.VLLM, llmtest.LlamaCPP, llmtest.Ollama} {
		server := llmtest.New(llmtest.Config{Flavour: flavour, Answer: func(q string) string {
			return answer("[1]", map[bool]string{true: "PASS", false: "NO_PASS"}[len(q)%2 == 0], "new")
		}})
		t.Cleanup(server.Close)
		j := newJudge(t, config(), client(t, server))
		var subjects []judge.Subject
		for i := range 12 {
			subjects = append(subjects, subject(strings.Repeat("x", i+1), page()))
		}
		dir := t.TempDir()
		var reports [][]byte
		for run := range 2 {
			store, err := judge.OpenStore(judge.StoreConfig{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			out, err := judge.RunPages(t.Context(), judge.DefaultRunConfig(), judge.NewCached(j, store), subjects)
			var judgments []judge.Judgment
			passes := 0
			for _, o := range out {
				err = errors.Join(err, o.Err)
				judgments = append(judgments, o.Judgment)
				if o.Judgment.Verdicts[judge.Relevance].Pass {
					passes++
				}
				if o.Judgment.Cached != (run == 1) || o.Judgment.CostUSD <= 0 {
					t.Errorf("%s: run %d: %+v", flavour, run, o.Judgment)
				}
			}
			data, encodeErr := json.Marshal(judgments)
			if err := errors.Join(err, encodeErr, store.Close()); err != nil || passes != 6 || server.Count() != 12 {
				t.Fatalf("%s: run %d: %v, %d passes, %d calls", flavour, run, err, passes, server.Count())
			}
			reports = append(reports, data)
		}
		if !bytes.Equal(reports[0], reports[1]) {
			t.Errorf("%s: the second run says something else\n%s\n%s", flavour, reports[0], reports[1])
		}
		if r := server.Requests()[0]; !r.Capped || !r.Constrained || r.Problem != "" {
			t.Errorf("%s: %+v", flavour, r)
		}
	}
}

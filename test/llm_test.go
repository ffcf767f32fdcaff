package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
	"github.com/parallel-fusion/pfr/schemas"
)

// languageModel starts a fake server that routes everything to new releases, and returns
// it with the flags of a pipeline that asks it about every query and believes no guess of
// the student: what is left without it is plain search.
func languageModel(t *testing.T) (*llmtest.Server, []string) {
	t.Helper()
	fake := llmtest.New(llmtest.Config{Confidence: 0.9999, Answer: func(string) string { return `{"route":"new_releases"}` }})
	t.Cleanup(fake.Close)
	return fake, []string{"--llm", fake.URL(), "--set", "router.ask_below=1", "--set", "router.min_confidence=0.998", "--set", "router.reserve=700ms", "--set", "router.llm.timeout=10s", "--set", "router.llm.guard.probe_every=1s"}
}

// outcome returns what came of asking the language model, "" if it was not asked.
func outcome(page schemas.SERP) schemas.Outcome {
	for _, t := range page.Route.Tiers {
		if t.Source == schemas.SourceLLM {
			return t.Outcome
		}
	}
	return ""
}

// burst asks n different queries at once and returns their pages. Every query must get one
// in time, whatever the language model does.
func (p *pipeline) burst(t *testing.T, what string, n int) []schemas.SERP {
	t.Helper()
	const deadline = 1500 * time.Millisecond
	pages, took := make([]schemas.SERP, n), make([]time.Duration, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			began := time.Now()
			page, err := p.trySearch(t.Context(), map[string]any{"query": fmt.Sprintf("%s wish %d", what, i), "deadline_ms": deadline.Milliseconds()})
			pages[i], took[i] = page, time.Since(began)
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	if p99 := took[(99*n-1)/100]; p99 > deadline+50*time.Millisecond {
		t.Errorf("%s: p99 %v", what, p99)
	}
	for _, page := range pages {
		if page.Status == schemas.SERPExpired || page.Coverage == 0 {
			t.Errorf("%s: %s", what, outline(page))
		}
	}
	return pages
}

func TestNoFaultOfALanguageModelCostsAPage(t *testing.T) {
	for name, start := range modes() {
		t.Run(name, func(t *testing.T) {
			fake, args := languageModel(t)
			file := filepath.Join(t.TempDir(), "rollout.yaml")
			rollout(t, file, "ladder: llm")
			p := start(t, append(args, "--set", "router.rollout="+file)...)
			healthy := func() bool {
				return outcome(p.burst(t, "healthy "+time.Now().String(), 1)[0]) == schemas.OutcomeAnswered
			}
			for _, fault := range []struct {
				name string
				mode llmtest.Mode
				want []schemas.Outcome
			}{
				{"hanging", llmtest.Hanging(), []schemas.Outcome{schemas.OutcomeTimeout, schemas.OutcomeOpen}},
				{"garbage", llmtest.Garbage(), []schemas.Outcome{schemas.OutcomeInvalid, schemas.OutcomeError, schemas.OutcomeOpen}},
				{"ignoring the schema", llmtest.Ignoring(), []schemas.Outcome{schemas.OutcomeInvalid, schemas.OutcomeOpen}},
				{"refusing", llmtest.Refusing(), []schemas.Outcome{schemas.OutcomeInvalid, schemas.OutcomeOpen}},
				{"truncated", llmtest.Truncated(), []schemas.Outcome{schemas.OutcomeInvalid, schemas.OutcomeOpen}},
				{"overloaded", llmtest.Limiting(time.Minute), []schemas.Outcome{schemas.OutcomeLimited, schemas.OutcomeOpen}},
				{"down", llmtest.Failing(503), []schemas.Outcome{schemas.OutcomeError, schemas.OutcomeOpen}},
				{"dripping", llmtest.Dripping(time.Second), []schemas.Outcome{schemas.OutcomeTimeout, schemas.OutcomeOpen}},
			} {
				fake.Set(llmtest.Enforcing())
				eventually(t, "a language model that answers, before "+fault.name, healthy)
				fake.Set(fault.mode)
				for _, page := range p.burst(t, fault.name, 20) {
					if got := outcome(page); !slices.Contains(fault.want, got) {
						t.Errorf("%s: the model's outcome is %q, want one of %q", fault.name, got, fault.want)
					}
				}
			}
			fake.Set(llmtest.Enforcing())
			eventually(t, "a language model that answers, before it is over budget", healthy)
			rollout(t, file, "ladder: llm\nmarkets: {US: {}}") // nothing may be spent
			eventually(t, "the limit", func() bool { return outcome(p.burst(t, "spent "+time.Now().String(), 1)[0]) == schemas.OutcomeLimited })
			for _, page := range p.burst(t, "over budget", 20) {
				if got := outcome(page); got != schemas.OutcomeLimited {
					t.Errorf("over budget: the model's outcome is %q", got)
				}
			}
		})
	}
}

// rollout writes a roll-out file.
func rollout(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEqualColdQueriesCostOneCall(t *testing.T) {
	fake, args := languageModel(t)
	p := up(t, "", args...)
	eventually(t, "a probe", func() bool { return fake.Count() > 0 })
	fake.Set(llmtest.Slow(500 * time.Millisecond))
	before := fake.Count()
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			page, err := p.trySearch(t.Context(), map[string]any{"query": "anything new from pulp", "deadline_ms": 8000})
			if err != nil || page.Route.Name != "new_releases" {
				t.Errorf("%s, %v", outline(page), err)
			}
		})
	}
	wg.Wait()
	if n := fake.Count() - before; n != 1 {
		t.Errorf("%d calls for 200 equal queries", n)
	}
}

func TestOperatorSwitchesTheLanguageModelOff(t *testing.T) {
	fake, args := languageModel(t)
	file := filepath.Join(t.TempDir(), "rollout.yaml")
	rollout(t, file, "ladder: llm\nshadow: [{name: without-llm, share: 1, ladder: student}]")
	p := up(t, "", append(args, "--set", "router.rollout="+file)...)
	n := 0
	asked := func() schemas.Outcome {
		n++
		return outcome(p.search(t, fmt.Sprint("wish number ", n)))
	}
	eventually(t, "a decision of the language model", func() bool { return asked() == schemas.OutcomeAnswered })
	eventually(t, "a comparison with the candidate", func() bool {
		out, err := runPFR(t, "", "shadow", "--kafka", p.kafka)
		return err == nil && strings.Contains(out, "without-llm")
	})
	rollout(t, file, "ladder: student")
	eventually(t, "the kill switch", func() bool { return asked() == schemas.OutcomeOff })
	before := fake.Count()
	for range 20 {
		asked()
	}
	if fake.Count() != before {
		t.Error("the language model was asked although it is switched off")
	}
	rollout(t, file, "ladder: llm\nmarkets: {US: {}}") // nothing may be spent
	eventually(t, "the limit", func() bool { return asked() == schemas.OutcomeLimited })
	if code, body := p.get(t, "/readyz", "application/json"); code != 200 || !strings.Contains(body, `"rollout"`) || !strings.Contains(body, `"available"`) {
		t.Errorf("readyz: %d %s", code, body)
	}
}

func TestPostFusion(t *testing.T) {
	fake := llmtest.New(llmtest.Config{Answer: func(string) string {
		return `{"calls":[{"tool":"similar_artists","artist":"radiohead"},{"tool":"search","text":"radiohead"}]}`
	}})
	defer fake.Close()
	p := up(t, "", "--llm", fake.URL(), "--set", "router.llm.timeout=10s")
	ask := func() schemas.SERP {
		page, err := p.trySearch(context.Background(), map[string]any{"query": "radiohead and bands like them", "deadline_ms": 5000, "mode": "post-fusion"})
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	if page := ask(); page.Route.Name != "composed" || len(page.Sections) != 2 || page.Status != schemas.SERPComplete {
		t.Errorf("%s", outline(page))
	}
	fake.Set(llmtest.Failing(500))
	page, err := p.trySearch(t.Context(), map[string]any{"query": "bands like blur", "deadline_ms": 5000, "mode": "post-fusion"})
	if err != nil || page.Route.Name != "similar_artists" || page.Status != schemas.SERPDegraded {
		t.Errorf("without a language model: %s, %v", outline(page), err)
	}
}

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// The user's features are in the two topics and the tool requests that carry them, and
// nowhere else: no prompt, log, metric, page, dead letter, page store or HTTP answer, and
// no record of a candidate router.
func TestUserFeaturesStayWhereTheyBelong(t *testing.T) {
	const canary = "canary-7f3a91"
	dir := t.TempDir()
	fake, args := languageModel(t)
	file := filepath.Join(dir, "rollout.yaml")
	rollout(t, file, "ladder: llm\nshadow: [{name: candidate, share: 1, ladder: student}]")
	p := up(t, dir, append(args, "--set", "router.rollout="+file, "--set", "router.semantic.enabled=true")...)
	user := map[string]any{"id": canary, "features": map[string]string{"favorite_genres": canary, canary: "x"}}
	var answers strings.Builder
	for _, query := range []string{"new indie rock releases", "artists similar to khruangbin", "latest albums by lady gaga", "true crime podcasts"} {
		page, err := p.trySearch(t.Context(), map[string]any{"query": query, "user": user, "deadline_ms": 5000})
		if err != nil {
			t.Fatal(err)
		}
		_, explained := p.get(t, "/v1/explain/"+page.CorrelationID, "application/json")
		_, html := p.get(t, "/?q="+strings.ReplaceAll(query, " ", "+"), "text/html")
		answers.WriteString(outline(page) + explained + html)
	}
	var prompts strings.Builder
	for _, r := range fake.Requests() {
		prompts.Write(r.Body)
	}
	// Poison on every topic: it ends in the dead letters, without the user.
	for _, name := range []string{schemas.TopicQueries, schemas.TopicRouteDecisions} {
		produce(t, p.kafka, name, `{"schema_version":"9.0","user":{"id":"`+canary+`"},"colour":"`+canary+`"}`)
		produce(t, p.kafka, name, `{"schema_version":"1.0","user":{"id":"`+canary+`"},"text":`)
		produce(t, p.kafka, name, canary)
	}
	eventually(t, "six dead letters", func() bool { return len(records(t, p.kafka, schemas.TopicDeadLetters)) >= 6 })

	_, metrics := p.get(t, "/metrics", "text/plain")
	found := map[string]string{"HTTP answers": answers.String(), "metrics": metrics, "prompts": prompts.String(), "log": p.procs[0].logged()}
	for _, name := range schemas.Topics() {
		found[name] = strings.Join(records(t, p.kafka, name), "\n")
	}
	letters, err := runPFR(t, "", "dead-letters", "list", "--json", "--kafka", p.kafka)
	if err != nil {
		t.Error(err)
	}
	found["pfr dead-letters"] = letters
	p.procs[0].stop(t, 10*time.Second)
	store, err := os.ReadFile(filepath.Join(dir, "pages.db"))
	if err != nil {
		t.Fatal(err)
	}
	found["page store"] = string(store)

	carriers := map[string]bool{schemas.TopicQueries: true, schemas.TopicRouteDecisions: true}
	for where, text := range found {
		if has := strings.Contains(text, canary); has != carriers[where] {
			t.Errorf("%s: canary %v, want %v", where, has, carriers[where])
		}
	}
	if !strings.Contains(found["prompts"], "true crime podcasts") || len(found[schemas.TopicShadowDecisions]) == 0 {
		t.Error("the language model or the candidate was not asked")
	}
	if len(found["log"]) == 0 || len(found["page store"]) == 0 || !strings.Contains(letters, "pfr.queries.v1") {
		t.Error("a place to look at is empty")
	}
}

// produce puts a value on a topic as it is.
func produce(t *testing.T, kafka, topic, value string) {
	t.Helper()
	p, err := stream.NewProducer(dial(t, kafka), stream.DefaultProducerConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Produce(t.Context(), stream.Message{Topic: topic, Key: []byte("any"), Value: []byte(value)}); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// records returns every record of a topic: headers, key and value as one text.
func records(t *testing.T, kafka, name string) (all []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	raw := stream.Topic[string]{Name: name, Decode: func(b []byte) (string, error) { return string(b), nil }}
	err := stream.Tail(ctx, dial(t, kafka), raw, stream.TailConfig{UntilEnd: true}, func(_ context.Context, v string, m stream.Meta) error {
		text := string(m.Key) + " " + v
		for _, h := range m.Headers {
			text += " " + h.Key + "=" + string(h.Value)
		}
		all = append(all, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

package host_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/dj"
	"github.com/parallel-fusion/pfr/tool-workers/dj/host"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

// served is dj behind a worker that keeps answers.
type served struct {
	t      *testing.T
	worker *tools.Worker
	reg    *prometheus.Registry
}

func serveMixes(t *testing.T, server *llmtest.Server) served {
	t.Helper()
	s := served{t: t, reg: prometheus.NewRegistry()}
	log := slog.New(slog.DiscardHandler)
	a := agent(t, server, func(c *llm.AgentConfig) { c.Budget.Least = time.Millisecond })
	tool, err := dj.New(tooltest.Finder(t, tooltest.Sample(t)), host.New(a, log, s.reg))
	if err != nil {
		t.Fatal(err)
	}
	results, err := tools.NewResults(tools.DefaultResultsConfig(), log, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = results.Close() })
	s.worker = tools.NewWorker(tool, "data", log, nil, tools.WithResults(results))
	return s
}

// call returns the version of a mix, and how many have been hosted since the start.
func (s served) call(limit int, within time.Duration) (version string, hostedMixes float64) {
	s.t.Helper()
	req := tooltest.Request("dj", tooltest.Call{Query: "jazz for dinner", Params: schemas.Params{"genre": "jazz"}, Limit: limit})
	req.Deadline = time.Now().Add(within)
	payload, err := codec.Encode(req)
	if err != nil {
		s.t.Fatal(err)
	}
	reply, err := s.worker.Handle(s.t.Context(), payload)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := codec.Decode[schemas.ToolResponse](reply)
	if err != nil || len(resp.Items) == 0 {
		s.t.Fatalf("%d items, %v", len(resp.Items), err)
	}
	return resp.Version, hosted(s.t, s.reg)
}

// One failure of the model does not make a mix plain for a minute; a hosted mix is kept.
func TestAMixThatFellBackIsNotKept(t *testing.T) {
	server := serve(t, llmtest.OpenAI)
	s := serveMixes(t, server)
	server.Set(llmtest.Failing(503))
	if version, n := s.call(5, time.Minute); version == "data" || n != 0 {
		t.Errorf("without the model: version %q, %v hosted", version, n)
	}
	server.Set(llmtest.Saying(`{"intro":"Hello.","picks":[{"n":3,"why":""}]}`))
	if version, n := s.call(5, time.Minute); version != "data" || n != 1 {
		t.Errorf("with the model: version %q, %v hosted", version, n)
	}
	server.Set(llmtest.Failing(503))
	if version, n := s.call(5, time.Minute); version != "data" || n != 1 {
		t.Errorf("once more: version %q, %v hosted", version, n)
	}
}

// A listener who has less time than the model usually takes gets the plain mix.
func TestAMixInAHurryIsPlayedPlain(t *testing.T) {
	server := serve(t, llmtest.OpenAI)
	server.Set(llmtest.Slow(200 * time.Millisecond))
	s := serveMixes(t, server)
	for i := range 3 {
		s.call(5+i, time.Minute)
	}
	if version, _ := s.call(9, 100*time.Millisecond); version == "data" {
		t.Errorf("version %q", version)
	}
}

package e2e

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/inproc"
)

// The running gateway keeps to its own description, whatever is sent to it. It takes minutes
// and Python, so it runs where PFR_TEST_CONTRACT is 1.
func TestContractHolds(t *testing.T) {
	if os.Getenv("PFR_TEST_CONTRACT") != "1" {
		t.Skip("PFR_TEST_CONTRACT is not 1")
	}
	p := up(t, "")
	p.awaitReady(t)
	cmd := exec.CommandContext(t.Context(), "contract/schemathesis.sh", p.http)
	cmd.WaitDelay = 5 * time.Second
	report, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, report)
		return
	}
	t.Logf("%s", report[max(0, len(report)-2000):])
}

// While Kafka is away a search is answered soon, however late its deadline is: with what is
// away and when to come again. Readiness says the same.
func TestSearchWhileBrokersAreAway(t *testing.T) {
	b, err := inproc.Start(t.Context(), inproc.DefaultConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	gateway := startPFR(t, "run", "gateway", "--http", "127.0.0.1:0", "--kafka", b.KafkaAddr(), "--nats", b.NATSURL(),
		"--set", "pages.path="+t.TempDir()+"/pages.db", "--set", "gateway.canary_deadline=500ms")
	url := gateway.await(t, "pfr runs gateway on ")
	type problem struct {
		Status int
		Part   string
		Detail string
	}
	says := func(part, detail string) func() bool {
		return func() bool {
			resp, err := http.Get(url + "/readyz")
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			var p problem
			return json.NewDecoder(resp.Body).Decode(&p) == nil && p.Status == http.StatusServiceUnavailable &&
				p.Part == part && strings.Contains(p.Detail, detail)
		}
	}
	eventually(t, "a canary that nobody answered", says("", "did not come in time"))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	resp, err := http.Post(url+"/v1/search", "application/json", strings.NewReader(`{"query":"khruangbin","deadline_ms":30000}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var p problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 10*time.Second || p.Status != http.StatusServiceUnavailable || p.Part != "kafka" || resp.Header.Get("Retry-After") == "" {
		t.Errorf("after %v: %+v, Retry-After %q", took, p, resp.Header.Get("Retry-After"))
	}
	eventually(t, "readiness to say what is away", says("kafka", "Kafka is away"))
}

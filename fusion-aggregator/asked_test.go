package fusion_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/schemas"
)

// initials are pseudonyms for tests.
type initials struct{}

func (initials) Client(id string) string  { return "c:" + id[:min(1, len(id))] }
func (initials) Session(id string) string { return "s:" + id[:min(1, len(id))] }
func (initials) User(id string) string    { return "u:" + id[:min(1, len(id))] }

// A page says who asked by pseudonym, and of the user no more than the operator has named,
// whether it came out or waited too long.
func TestPagesSayWhoAsked(t *testing.T) {
	for name, patience := range map[string]time.Duration{"in time": 300 * time.Millisecond, "expired": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, out := fusion.DefaultConfig(), &sink{}
				cfg.Features = []string{"country", "age"}
				a, err := fusion.New(cfg, fusion.Ports{Tools: tools{}, Pages: out, Feed: out, Pseudonyms: initials{}}, slog.New(slog.DiscardHandler), nil)
				if err != nil {
					t.Fatal(err)
				}
				d := decision(300, "search")
				d.Query.Deadline = time.Now().Add(patience)
				d.Query.ClientID, d.Query.SessionID, d.Query.Platform = "Anna's phone", "Tuesday", "ios"
				d.Query.Experiments = map[string]string{"layout": "b"}
				d.User = &schemas.User{ID: "Anna", Features: map[string]string{"country": "SE", "mood": "canary"}}
				if err := a.Handle(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				a.Close()
				asked, err := json.Marshal(out.pages[0].Asked)
				if err != nil {
					t.Fatal(err)
				}
				want := `"platform":"ios","client":"c:A","session":"s:T","user":"u:A","experiments":{"layout":"b"},"features":{"country":"SE"}}`
				if !strings.HasSuffix(string(asked), want) || !out.pages[0].AskedAt().Equal(d.Query.SubmittedAt) {
					t.Errorf("got  %s\nwant …%s", asked, want)
				}
			})
		})
	}
}

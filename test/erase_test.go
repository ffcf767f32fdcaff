package e2e

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/internal/pseudonym"
	"github.com/parallel-fusion/pfr/schemas"
)

// Who is erased is in no byte that is kept of pages and interactions, under no name; what was
// counted stays, and so does everybody else.
func TestErase(t *testing.T) {
	for name, start := range map[string]func(*testing.T) (*pipeline, kept){"one process": keepInOne, "a process for each role": keepInRoles} {
		t.Run(name, func(t *testing.T) { testErase(t, start) })
	}
}

// kept is where a pipeline keeps things.
type kept struct{ salt, state, pages, lake string }

func keepInOne(t *testing.T) (*pipeline, kept) {
	dir := t.TempDir()
	k := kept{filepath.Join(dir, "salt"), filepath.Join(dir, "consumers"), filepath.Join(dir, "pages.db"), filepath.Join(dir, "lake")}
	return up(t, dir, k.settings()...), k
}

func keepInRoles(t *testing.T) (*pipeline, kept) {
	dir := t.TempDir()
	k := kept{filepath.Join(dir, "salt"), filepath.Join(dir, "state"), filepath.Join(dir, "pages.db"), filepath.Join(dir, "lake")}
	if err := os.WriteFile(k.salt, bytes.Repeat([]byte("salt"), 8), 0o600); err != nil {
		t.Fatal(err)
	}
	kafka, nats := embedded(t)
	p := &pipeline{kafka: kafka, nats: nats}
	salted := []string{"--set", "privacy.salt_file=" + k.salt}
	p.procs = append(p.procs, p.run(t, "consumers", append(append(k.settings(), salted...), "--set", "consumers.state_dir="+k.state)...))
	for _, role := range []string{"fusion", "tools", "router"} {
		p.procs = append(p.procs, p.run(t, role, salted...))
	}
	gateway := startPFR(t, append([]string{"run", "gateway", "--http", "127.0.0.1:0", "--kafka", kafka, "--nats", nats, "--set", "pages.path=" + k.pages}, salted...)...)
	p.http = gateway.await(t, "pfr runs gateway on ")
	p.procs = append(p.procs, gateway)
	p.awaitReady(t)
	return p, k
}

func (k kept) settings() []string {
	return []string{
		"--set", "consumers.snapshot_every=200ms", "--set", "consumers.publish_every=200ms",
		"--set", "consumers.export.dir=" + k.lake, "--set", "consumers.export.chunk_age=200ms",
	}
}

func testErase(t *testing.T, start func(*testing.T) (*pipeline, kept)) {
	const user, client, bystander = "canary-user-5d1c", "canary-client-77e0", "somebody-else"
	p, k := start(t)
	gone := p.searchAndClick(t, user, client)
	stays := p.searchAndClick(t, "other-user", bystander)
	names, err := pseudonym.Open(k.salt, false)
	if err != nil {
		t.Fatal(err)
	}
	theirs := []string{names.User(user), names.Client(client)}
	eventually(t, "the canaries are everywhere", func() bool {
		s := k.scan(t, client, theirs)
		return s.state > 0 && s.pages > 0 && s.searches == 1 && s.events == 1 && clicks(p.online(t)) == 2
	})
	before := p.online(t)

	out, err := runPFR(t, "", "erase", "--user", user, "--client", client, "--salt-file", k.salt, "--kafka", p.kafka, "--parquet", k.lake)
	if err != nil || !strings.Contains(out, "1 users and 1 clients is on its way") || !strings.Contains(out, "an exporter has it open") || !strings.Contains(out, schemas.TopicQueries) {
		t.Errorf("pfr erase: %v\n%s", err, out)
	}
	if strings.Contains(out, user) || strings.Contains(strings.Join(records(t, p.kafka, schemas.TopicErasures), " "), client) {
		t.Error("an id is in the erasure, or in what was printed")
	}
	eventually(t, "nobody remembers", func() bool { return k.scan(t, client, theirs) == found{} })
	if status, _ := p.get(t, "/v1/serps/"+gone, "application/json"); status != 404 {
		t.Errorf("the erased page: status %d", status)
	}
	if status, _ := p.get(t, "/v1/serps/"+stays, "application/json"); status != 200 {
		t.Errorf("somebody else's page: status %d", status)
	}
	other := k.scan(t, bystander, []string{names.Client(bystander)})
	if other.state == 0 || other.pages == 0 || other.searches != 1 || other.events != 1 {
		t.Errorf("somebody else was erased, too: %+v", other)
	}
	if after := p.online(t); !reflect.DeepEqual(before, after) {
		t.Errorf("the counts have changed:\n%+v\n%+v", before, after)
	}
	for _, proc := range p.procs {
		proc.stop(t, 15*time.Second)
	}
	if s := k.scan(t, client, theirs); s != (found{}) {
		t.Errorf("after the end: %+v", s)
	}
	if out, err = runPFR(t, "", "export", "parquet", "--out", k.lake, "--salt-file", k.salt+"-none"); err == nil || !strings.Contains(err.Error(), "DIR/salt") {
		t.Errorf("an export without its salt: %v %s", err, out)
	}
}

// found is how often somebody is found: bytes in files, rows of tables.
type found struct{ state, pages, searches, events int }

// scan looks at every byte of what is kept. Snapshots hold pseudonyms as numbers.
func (k kept) scan(t *testing.T, client string, pseudonyms []string) (f found) {
	t.Helper()
	needles := [][]byte{[]byte(client)}
	for _, p := range pseudonyms {
		number, err := hex.DecodeString(p)
		if err != nil {
			t.Fatal(err)
		}
		needles = append(needles, []byte(p), number)
	}
	in := func(data []byte) (n int) {
		for _, needle := range needles {
			n += bytes.Count(data, needle)
		}
		return n
	}
	for _, data := range files(t, k.state) {
		f.state += in(data)
	}
	for _, data := range files(t, k.pages) {
		f.pages += in(data)
	}
	for path, data := range files(t, k.lake) {
		if filepath.Ext(path) != ".parquet" || strings.HasPrefix(strings.TrimPrefix(path, k.lake), "/_") {
			continue // or a file that is being written, aside from the tables
		}
		if strings.Contains(path, export.TableSearches) {
			f.searches += rows(t, data, func(r export.SearchRow) bool { return in([]byte(r.Client+" "+r.User)) > 0 })
		} else {
			f.events += rows(t, data, func(r export.InteractionRow) bool { return in([]byte(r.Client+" "+r.Session)) > 0 })
		}
	}
	return f
}

// files reads a file, or those of a folder; what goes away meanwhile is not there.
func files(t *testing.T, root string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if data, err := os.ReadFile(path); err == nil {
				all[path] = data
			}
		}
		return nil
	})
	return all
}

func rows[T any](t *testing.T, file []byte, is func(T) bool) (n int) {
	t.Helper()
	list, err := parquet.Read[T](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if is(r) {
			n++
		}
	}
	return n
}

// searchAndClick returns the correlation id of a search that somebody clicked on.
func (p *pipeline) searchAndClick(t *testing.T, user, client string) string {
	t.Helper()
	page, err := p.trySearch(t.Context(), map[string]any{
		"query": "new indie rock releases", "user": map[string]any{"id": user}, "client_id": client, "deadline_ms": 5000,
	})
	if err != nil {
		t.Fatal(err)
	}
	click := fmt.Sprintf(`{"event_id":%q,"action_name":"click","query_id":%q,"client_id":%q,"timestamp":%q,"event_attributes":{"object":{"object_id":"track:1"},"position":{"ordinal":1}}}`,
		page.CorrelationID+"-1", page.CorrelationID, client, time.Now().UTC().Format(time.RFC3339Nano))
	resp, err := http.Post(p.http+"/v1/interactions", "application/json", strings.NewReader(click))
	if err != nil {
		t.Fatal(err)
	}
	if answer := readAll(t, resp.Body); !strings.Contains(answer, "accepted") {
		t.Fatal(answer)
	}
	return page.CorrelationID
}

// online returns what is counted by route, without the time.
func (p *pipeline) online(t *testing.T) (routes map[string]schemas.SearchCounts) {
	t.Helper()
	_, body := p.get(t, "/v1/metrics/online", "application/json")
	var online struct {
		Routes map[string]schemas.SearchCounts
	}
	if err := json.Unmarshal([]byte(body), &online); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return online.Routes
}

func clicks(routes map[string]schemas.SearchCounts) (n int) {
	for _, c := range routes {
		n += c.Clicks
	}
	return n
}

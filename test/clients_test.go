package e2e

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/clients/httpclient"
	"github.com/parallel-fusion/pfr/schemas"
)

// The clients of the HTTP interface, in three languages, against the real gateway: a
// streamed page is the unstreamed one byte for byte, a stream that is cut is resumed, a
// search that is sent again is the same search, a problem is a problem, and an interaction
// is counted.
func TestClients(t *testing.T) {
	p := up(t, "")
	t.Run("Go", func(t *testing.T) {
		t.Run("a page is a page", p.testSamePage)
		t.Run("resume", p.testResume)
		t.Run("once", p.testOnce)
		t.Run("problems", p.testProblems)
		t.Run("interaction", p.testInteraction)
		t.Run("suggestions", p.testSuggestions)
	})
	t.Run("TypeScript", p.testTypeScript)
	t.Run("Python", p.testPythonClient)
}

func (p *pipeline) client(t *testing.T, h *http.Client) *httpclient.Client {
	t.Helper()
	cfg := httpclient.DefaultConfig()
	cfg.Addr = p.http
	c, err := httpclient.New(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// request is a search with a deadline that leaves room for a busy machine, and an id.
func request(t *testing.T, query string) httpclient.Request {
	t.Helper()
	id, err := httpclient.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return httpclient.Request{Query: query, CorrelationID: id, Deadline: 5 * time.Second}
}

// follow reads a stream to its end, and fails the test unless it is a good one.
func follow(t *testing.T, c *httpclient.Client, r httpclient.Request) httpclient.Page {
	t.Helper()
	var page *httpclient.Page
	sections, routes := map[string]bool{}, 0
	for e, err := range c.Stream(t.Context(), r) {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Route != nil && len(sections) == 0:
			routes++
		case e.Section != nil && !sections[e.Section.ID]:
			sections[e.Section.ID] = true
		case e.Page != nil && page == nil:
			page = e.Page
		default:
			t.Fatalf("an event that must not be: %+v", e)
		}
	}
	if routes != 1 || page == nil || len(sections) < len(page.Sections) {
		t.Fatalf("%d routes, sections %v, page %v", routes, sections, page)
	}
	return *page
}

func (p *pipeline) testSamePage(t *testing.T) {
	c := p.client(t, nil)
	for _, query := range []string{"artists similar to Khruangbin", "latest albums by lady gaga", "what is the weather in berlin", "<b>&\u2028"} {
		r := request(t, query)
		streamed := follow(t, c, r)
		again, err := c.Search(t.Context(), r)
		if err != nil || string(again.JSON) != string(streamed.JSON) {
			t.Errorf("%s: %v\n%s\n%s", query, err, streamed.JSON, again.JSON)
		}
		kept := archived(t, c, r.CorrelationID)
		if string(kept.JSON) != string(streamed.JSON) || kept.ETag == "" {
			t.Errorf("%s: tag %q\n%s\n%s", query, kept.ETag, streamed.JSON, kept.JSON)
		}
		if unchanged, err := c.Page(t.Context(), r.CorrelationID, &kept); err != nil || &unchanged.JSON[0] != &kept.JSON[0] {
			t.Errorf("%s: sent again although it had not changed, %v", query, err)
		}
	}
}

// archived returns a page from the archive, which may be a moment behind.
func archived(t *testing.T, c *httpclient.Client, id string) (page httpclient.Page) {
	t.Helper()
	eventually(t, "the page in the archive", func() bool {
		var err error
		page, err = c.Page(t.Context(), id, nil)
		if p, ok := errors.AsType[*httpclient.Problem](err); err != nil && (!ok || p.Status != http.StatusNotFound) {
			t.Fatal(err)
		}
		return err == nil
	})
	return page
}

// cutting breaks the first stream after so many bytes.
type cutting struct {
	after int64
	asked atomic.Int32
	again atomic.Pointer[http.Request] // the last one
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || c.asked.Add(1) > 1 {
		c.again.Store(r)
		return resp, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, c.after), resp.Body}
	return resp, nil
}

func (p *pipeline) testResume(t *testing.T) {
	r := request(t, "new indie rock releases")
	size := int64(len(follow(t, p.client(t, nil), r).JSON))
	for _, after := range []int64{0, 1, 200, 2000, size / 2, size, size + 500} {
		cut := &cutting{after: after}
		r := request(t, "new indie rock releases")
		page := follow(t, p.client(t, &http.Client{Transport: cut}), r)
		if n := cut.asked.Load(); n != 2 || cut.again.Load().Method != http.MethodGet || page.CorrelationID != r.CorrelationID {
			t.Errorf("cut after %d bytes: %d connections, page %s", after, n, page.CorrelationID)
		}
		if kept := archived(t, p.client(t, nil), r.CorrelationID); string(kept.JSON) != string(page.JSON) {
			t.Errorf("cut after %d bytes:\n%s\n%s", after, page.JSON, kept.JSON)
		}
	}
}

// A search that is sent by many at once, under one id, is one search.
func (p *pipeline) testOnce(t *testing.T) {
	c, r := p.client(t, nil), request(t, "true crime podcasts")
	pages := make([]httpclient.Page, 8)
	var group errgroup.Group
	for i := range pages {
		group.Go(func() (err error) {
			pages[i], err = c.Search(t.Context(), r)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if string(page.JSON) != string(pages[0].JSON) {
			t.Errorf("another page:\n%s\n%s", pages[0].JSON, page.JSON)
		}
	}
}

func (p *pipeline) testProblems(t *testing.T) {
	c, r := p.client(t, nil), request(t, "lady gaga")
	if _, err := c.Search(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	other := r
	other.Query = "another text"
	for want, err := range map[int]error{
		http.StatusConflict:   second(c.Search(t.Context(), other)),
		http.StatusBadRequest: second(c.Search(t.Context(), httpclient.Request{Query: " "})),
		http.StatusNotFound:   second(c.Page(t.Context(), request(t, "").CorrelationID, nil)),
	} {
		if problem, ok := errors.AsType[*httpclient.Problem](err); !ok || problem.Status != want || problem.Detail == "" {
			t.Errorf("%v, want a problem of status %d", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func (p *pipeline) testInteraction(t *testing.T) {
	c := p.client(t, nil)
	page, err := c.Search(t.Context(), request(t, "bands like tame impala"))
	if err != nil {
		t.Fatal(err)
	}
	route, section := page.Route.Name, page.Sections[0]
	before, err := c.Online(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	event := schemas.Interaction{
		EventID: request(t, "").CorrelationID, ActionName: schemas.ActionStream, QueryID: page.CorrelationID, ClientID: "go", MSPlayed: 40_000,
		Route: route, SectionID: section.ID, SectionPosition: 1,
		EventAttributes: schemas.EventAttributes{Object: schemas.Object{ObjectID: section.Items[0].ID}, Position: schemas.Position{Ordinal: 1}},
	}
	for _, want := range []string{httpclient.Accepted, httpclient.Duplicate} {
		if verdicts, err := c.Interact(t.Context(), event); err != nil || len(verdicts) != 1 || verdicts[0].Status != want {
			t.Errorf("%+v, %v, want %s", verdicts, err, want)
		}
	}
	eventually(t, "the stream in the online metrics", func() bool {
		now, err := c.Online(t.Context())
		return err == nil && now.Routes[route].Streams > before.Routes[route].Streams
	})
	trace, err := c.Explain(t.Context(), page.CorrelationID)
	if err != nil || trace.Why.Route != route || trace.Why.Summary == "" || len(trace.Waterfall) <= len(page.Sections) {
		t.Errorf("%+v, %v", trace, err)
	}
}

func (p *pipeline) testSuggestions(t *testing.T) {
	list, err := p.client(t, nil).Suggest(t.Context(), "la", "US", 3)
	if err != nil || len(list) == 0 || len(list) > 3 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, s := range list {
		if !strings.HasPrefix(strings.ToLower(s.Query), "la") || s.Source == "" {
			t.Errorf("%+v", s)
		}
	}
}

// Variables that make a missing language a failure instead of a skipped test.
const (
	demandNode   = "PFR_TEST_NODE"
	demandPython = "PFR_TEST_PYTHON"
)

// testTypeScript installs, checks, builds and runs the package in a copy of it.
func (p *pipeline) testTypeScript(t *testing.T) {
	if os.Getenv(demandNode) == "" {
		t.Skipf("installs packages: set %s=1", demandNode)
	}
	dir := t.TempDir()
	// What lies in the package's folder but not in the repository is left out.
	for _, part := range []string{"src", "test", "scripts", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.browser.json", ".npmrc"} {
		copyTree(t, filepath.Join("..", "clients", "typescript", part), filepath.Join(dir, "clients", "typescript", part))
	}
	copyTree(t, "../schemas/jsonschema", filepath.Join(dir, "schemas", "jsonschema"))
	for _, args := range [][]string{{"ci", "--no-audit", "--no-fund"}, {"test"}} {
		p.runClient(t, filepath.Join(dir, "clients", "typescript"), "npm", args...)
	}
}

func (p *pipeline) testPythonClient(t *testing.T) {
	if os.Getenv(demandPython) == "" {
		t.Skipf("needs python3: set %s=1", demandPython)
	}
	p.runClient(t, "../examples/client-python", "python3", "-B", "-m", "unittest", "-v")
}

// runClient runs the tests of a client against this gateway.
func (p *pipeline) runClient(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env = dir, append(cleanEnv(), "PFR_URL="+p.http)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, tail(string(out), 4000))
	}
}

// copyTree copies a file or a folder.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

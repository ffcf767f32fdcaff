package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

type askCmd struct {
	Query  string `arg:"" help:"What to search for."`
	HTTP   string `name:"http" default:"127.0.0.1:8080" help:"Address of the gateway."`
	JSON   bool   `name:"json" help:"Print the page as JSON."`
	User   string `help:"Pseudonymous id of the listener." placeholder:"ID"`
	Market string `default:"US" help:"Market, as two letters."`
}

// askTimeout is longer than a gateway waits for a page.
const askTimeout = 35 * time.Second

// Run asks one query over HTTP and draws the page.
func (c *askCmd) Run(ctx context.Context, p *program) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	body, err := c.ask(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		var indented bytes.Buffer
		if err := json.Indent(&indented, body, "", "  "); err != nil {
			return fmt.Errorf("page: %w", err)
		}
		_, err := fmt.Fprintln(p.out, indented.String())
		return err
	}
	var page schemas.SERP
	if err := json.Unmarshal(body, &page); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	draw(p.out, page)
	return nil
}

func (c *askCmd) ask(ctx context.Context) ([]byte, error) {
	request := map[string]any{"query": c.Query, "market": c.Market, "platform": "terminal"}
	if c.User != "" {
		request["user"] = map[string]string{"id": c.User}
	}
	payload, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base(c.HTTP)+"/v1/search", bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w; is 'pfr up' running there?", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, problem(resp.StatusCode, body)
	}
	return body, nil
}

// base accepts an address with or without a scheme.
func base(addr string) string {
	if strings.Contains(addr, "://") {
		return strings.TrimSuffix(addr, "/")
	}
	return "http://" + addr
}

// problem turns an RFC 9457 answer into an error.
func problem(code int, body []byte) error {
	var p struct{ Title, Detail string }
	if json.Unmarshal(body, &p) != nil || p.Title == "" {
		return fmt.Errorf("the gateway answered %d %s", code, http.StatusText(code))
	}
	return fmt.Errorf("%s: %s", p.Title, p.Detail)
}

// draw shows a page as text.
func draw(w io.Writer, page schemas.SERP) {
	params, _ := json.Marshal(page.Route.Params) // values of a decoded page
	fmt.Fprintf(w, "%s  %s\n", page.Route.Name, params)
	fmt.Fprintf(w, "%s · coverage %.0f %% · %s, confidence %.2f · router %.1f ms, tools %.1f ms, total %.1f ms\n",
		page.Status, 100*page.Coverage, page.Route.Source, page.Route.Confidence,
		page.Timings.RouterMS, page.Timings.ToolsMS, page.Timings.TotalMS)
	if page.Notice != "" {
		fmt.Fprintln(w, page.Notice)
	}
	for _, s := range page.Sections {
		drawSection(w, s)
	}
	fmt.Fprintf(w, "\n%s\n", page.CorrelationID)
}

func drawSection(w io.Writer, s schemas.Section) {
	fmt.Fprintf(w, "\n── %s (%s, %.1f ms)", s.Title, s.Tool, s.TookMS)
	if s.Status != schemas.SectionOK {
		fmt.Fprintf(w, " · %s: %s", s.Status, s.Reason)
	}
	fmt.Fprintln(w)
	if s.Text != "" {
		fmt.Fprintf(w, "   %s\n", s.Text)
	}
	for i, it := range s.Items {
		fmt.Fprintf(w, "%3d  %s", i+1, it.Title)
		for _, detail := range []string{it.Subtitle, it.ReleaseDate, it.Why} {
			if detail != "" {
				fmt.Fprintf(w, " · %s", detail)
			}
		}
		if it.Synthetic {
			fmt.Fprint(w, " · synthetic")
		}
		fmt.Fprintln(w)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/clients/httpclient"
)

// remote are the flags of commands that ask a running gateway for what is no search.
type remote struct {
	HTTP    string `name:"http" default:"127.0.0.1:8080" help:"Address of the gateway."`
	KeyFile string `name:"api-key-file" type:"existingfile" help:"File with the API key, where the gateway wants one." placeholder:"FILE"`
}

const (
	remoteTimeout = 15 * time.Second
	maxAnswer     = 32 << 20 // bytes
)

// get returns the JSON of an answer.
func (r remote) get(ctx context.Context, path string) ([]byte, error) {
	return r.call(ctx, request{method: http.MethodGet, path: path, keyFile: r.KeyFile})
}

// request is one request to a gateway.
type request struct {
	method, path string
	keyFile      string // "": no credential
	body         any    // nil: none
}

func (r remote) call(ctx context.Context, q request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, remoteTimeout)
	defer cancel()
	body, err := r.send(ctx, q)
	if err != nil {
		return nil, advice(err, r.HTTP)
	}
	return body, nil
}

func (r remote) send(ctx context.Context, q request) ([]byte, error) {
	req, err := r.request(ctx, q)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		p := httpclient.Problem{Title: http.StatusText(resp.StatusCode)}
		_ = json.Unmarshal(body, &p) // what a proxy says is known by its status alone
		p.Status = resp.StatusCode
		return nil, &p
	}
	return body, nil
}

func (r remote) request(ctx context.Context, q request) (*http.Request, error) {
	var data []byte
	if q.body != nil {
		var err error
		if data, err = json.Marshal(q.body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", q.method, q.path, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, q.method, base(r.HTTP)+q.path, bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	req.Header.Set("Accept", "application/json")
	if data != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.keyFile == "" {
		return req, nil
	}
	key, err := os.ReadFile(q.keyFile)
	if err != nil {
		return nil, fmt.Errorf("API key: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(key)))
	return req, nil
}

// printIndented prints JSON as it came, indented.
func printIndented(p *program, data []byte) error {
	var indented bytes.Buffer
	if err := json.Indent(&indented, data, "", "  "); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	_, err := fmt.Fprintln(p.out, indented.String())
	return err
}

// sheet returns paper as wide as the terminal.
func sheet(p *program) *paper {
	s, tty := terminal(p)
	color := tty && variable(p.env, "NO_COLOR") == "" && variable(p.env, "TERM") != "dumb"
	return &paper{width: max(s.columns, minWidth), color: color}
}

// column is one of a table.
type column struct {
	head  string
	right bool // aligned
	cell  func(row int) span
}

// table draws rows below their heads, each column as wide as its widest cell. Columns that
// do not fit are left out, the last first.
func (p *paper) table(columns []column, rows int) {
	const gap = 2
	widths := make([]int, len(columns))
	total := 0
	for i, c := range columns {
		widths[i] = width(c.head)
		for row := range rows {
			widths[i] = max(widths[i], width(clean(c.cell(row).text)))
		}
		if total+widths[i] > p.width && i > 0 {
			columns = columns[:i]
			break
		}
		total += widths[i] + gap
	}
	for row := -1; row < rows; row++ {
		var line []span
		for i, c := range columns {
			s := span{faint, c.head}
			if row >= 0 {
				s = c.cell(row)
			}
			s.text = aligned(clean(s.text), widths[i], c.right)
			if i > 0 {
				line = append(line, span{normal, strings.Repeat(" ", gap)})
			}
			line = append(line, s)
		}
		p.line(line...)
	}
}

func aligned(s string, to int, right bool) string {
	if !right {
		return pad(s, to)
	}
	return strings.Repeat(" ", max(to-width(s), 0)) + s
}

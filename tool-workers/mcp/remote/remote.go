// Package remote makes a tool of one tool of an MCP server.
//
// The server is reached over streamable HTTP, or is a command that speaks over its standard
// streams. One session is opened when the tool is warmed, and kept; it is made anew when it
// breaks. The server gets the arguments of the call and nothing else: no sampling, no
// roots, no listener. Its structured content becomes items by a mapping, its text is shown
// as plain text, if at all.
package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
)

// ErrRemote says that the server's tool answered with an error. Its text is not quoted: it
// may hold anything.
var ErrRemote = errors.New("the remote tool reports an error")

// maxContent bounds what is read of an answer.
const maxContent = 1 << 20

// Tool calls the remote tool. The caller closes it.
type Tool struct {
	tools.Tool
	spec      tools.Spec
	cfg       Config
	arguments *adapter.Template
	reader    *adapter.Reader
	sessions  *sessions
}

// New returns a tool that calls the one of cfg. It reads the secrets, and connects to
// nothing yet.
func New(tool adapter.Config, cfg Config, reg prometheus.Registerer) (*Tool, error) {
	t, err := build(tool, cfg, reg)
	if err != nil {
		return nil, fmt.Errorf("tool %s: mcp: %w", tool.Name, err)
	}
	return t, nil
}

func build(tool adapter.Config, cfg Config, reg prometheus.Registerer) (*Tool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &Tool{cfg: cfg}
	var err error
	if t.arguments, err = adapter.NewTemplate(cfg.Arguments); err != nil {
		return nil, err
	}
	if err := errors.Join(tool.Validate(), tool.Check(t.arguments.Names()...)); err != nil {
		return nil, err
	}
	if t.reader, err = adapter.NewReader(cfg.mapping(), tool, reg); err != nil {
		return nil, err
	}
	if t.Tool, err = tool.Tool(t.run); err != nil {
		return nil, err
	}
	t.spec, _ = tools.SpecOf(t.Tool)
	t.sessions, err = newSessions(cfg)
	return t, err
}

// Spec implements [tools.Describer].
func (t *Tool) Spec() tools.Spec { return t.spec }

// Warm opens the session. A server that is not there yet is no error: calls try again.
func (t *Tool) Warm(ctx context.Context) error {
	_, _ = t.sessions.get(ctx)
	return nil
}

// Close ends the session, and the command if there is one.
func (t *Tool) Close() error { return t.sessions.close() }

func (t *Tool) run(ctx context.Context, v adapter.Values) (tools.Result, error) {
	arguments, _ := t.arguments.Fill(v)
	answer, err := t.sessions.call(ctx, &mcp.CallToolParams{Name: t.cfg.Tool, Arguments: arguments})
	if err != nil {
		return tools.Result{}, fmt.Errorf("call %s: %w", t.cfg.Tool, err)
	}
	if answer.IsError {
		return tools.Result{}, fmt.Errorf("call %s: %w", t.cfg.Tool, ErrRemote)
	}
	result, err := t.read(answer, v.Limit())
	if err != nil {
		return tools.Result{}, fmt.Errorf("answer of %s: %w", t.cfg.Tool, err)
	}
	return result, nil
}

func (t *Tool) read(answer *mcp.CallToolResult, limit int) (tools.Result, error) {
	text, err := texts(answer.Content)
	if err != nil {
		return tools.Result{}, err
	}
	data := []byte(text)
	if answer.StructuredContent != nil {
		if data, err = json.Marshal(answer.StructuredContent); err != nil {
			return tools.Result{}, errors.New("structured content is no JSON")
		}
	}
	var result tools.Result
	if t.cfg.ShowText {
		result.Text = adapter.Plain(text, schemas.MaxSectionText)
	}
	switch {
	case t.cfg.Map.ID == "" && t.cfg.Map.Text == "":
		return result, nil
	case len(data) > maxContent:
		return result, fmt.Errorf("more than %d bytes", maxContent)
	case !json.Valid(data):
		return result, errors.New("neither structured content nor JSON as text")
	}
	items, mapped, err := t.reader.Read(data, limit)
	result.Items = items
	if mapped != "" {
		result.Text = mapped
	}
	return result, err
}

// texts joins the texts of an answer; other content is left out.
func texts(content []mcp.Content) (string, error) {
	var out []byte
	for _, c := range content {
		t, ok := c.(*mcp.TextContent)
		if !ok {
			continue
		}
		if len(out)+len(t.Text) > maxContent {
			return "", fmt.Errorf("more than %d bytes", maxContent)
		}
		if len(out) > 0 {
			out = append(out, '\n')
		}
		out = append(out, t.Text...)
	}
	return string(out), nil
}

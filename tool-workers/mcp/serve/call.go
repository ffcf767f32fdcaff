package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// Answer is the structured content of an answer.
type Answer struct {
	Text  string         `json:"text,omitempty"`
	Items []schemas.Item `json:"items"`
}

// Bounds of a call.
const (
	maxQueryBytes  = 4 * schemas.MaxQueryRunes
	maxAnswerBytes = 128 << 10 // of the structured content
)

// errBusy says that no slot came free in time.
var errBusy = errors.New("too many calls at once; try again")

// add offers one tool.
func (s *Server) add(tool tools.Tool) error {
	spec, ok := tools.SpecOf(tool)
	if !ok {
		return errors.New("has no spec")
	}
	input, err := inputSchema(spec, s.cfg.Limit)
	if err != nil {
		return err
	}
	no := false
	description := spec.For
	if example, err := json.Marshal(spec.Example.Params); err == nil && len(spec.Example.Params) > 0 {
		description += fmt.Sprintf(". For example, %q: %s", spec.Example.Query, example)
	}
	s.mcp.AddTool(&mcp.Tool{
		Name: tool.Name(), Description: description, InputSchema: input, OutputSchema: outputSchema(),
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, DestructiveHint: &no, OpenWorldHint: &no},
	}, func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return s.call(ctx, tool, spec, req.Params.Arguments), nil
	})
	return nil
}

// call answers one call. Whatever is wrong becomes an answer that says so, which is how an
// agent learns of it.
func (s *Server) call(ctx context.Context, tool tools.Tool, spec tools.Spec, arguments json.RawMessage) *mcp.CallToolResult {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	answer, err := s.answer(ctx, tool, spec, arguments)
	s.m.observe(tool.Name(), time.Since(start), err)
	if err != nil {
		return s.refuse(tool, err)
	}
	return &mcp.CallToolResult{StructuredContent: answer, Content: []mcp.Content{&mcp.TextContent{Text: render(answer)}}}
}

// refuse tells an agent what it did wrong, and only that something else went wrong.
func (s *Server) refuse(tool tools.Tool, err error) *mcp.CallToolResult {
	text := "the tool failed"
	switch {
	case errors.Is(err, tools.ErrBadRequest), errors.Is(err, errBusy):
		text = err.Error()
	case errors.Is(err, tools.ErrOverloaded):
		text = "the tool has no room now; try again"
	case errors.Is(err, context.DeadlineExceeded):
		text = "the tool ran out of time"
	case errors.Is(err, context.Canceled):
		text = "cancelled"
	default:
		s.log.Warn("tool failed", "tool", tool.Name(), "error", err)
	}
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}

func (s *Server) answer(ctx context.Context, tool tools.Tool, spec tools.Spec, arguments json.RawMessage) (Answer, error) {
	req, err := s.request(tool, spec, arguments)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", tools.ErrBadRequest, err)
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return Answer{}, errBusy
	}
	req.Deadline, _ = ctx.Deadline()
	result, err := run(ctx, tool, req)
	if err != nil {
		return Answer{}, err
	}
	return fit(Answer{Text: result.Text, Items: result.Items[:min(len(result.Items), req.Limit)]})
}

// run keeps a tool's panic from ending the program, with which every session would end.
func run(ctx context.Context, tool tools.Tool, req schemas.ToolRequest) (r tools.Result, err error) {
	defer func() {
		if recover() != nil { // its text may hold the call
			err = errors.New("panic")
		}
	}()
	return tool.Run(ctx, req)
}

// request reads arguments. query and limit are the call's, the others the tool's.
func (s *Server) request(tool tools.Tool, spec tools.Spec, arguments json.RawMessage) (schemas.ToolRequest, error) {
	req := schemas.ToolRequest{
		SchemaVersion: schemas.Version, Tool: tool.Name(), Section: "mcp", Limit: s.cfg.Limit,
		Market: s.cfg.Market, Locale: s.cfg.Locale, Params: schemas.Params{},
	}
	if arguments = bytes.TrimSpace(arguments); len(arguments) > 0 {
		if err := req.Params.UnmarshalJSON(arguments); err != nil {
			return req, err
		}
	}
	if req.Params == nil {
		req.Params = schemas.Params{}
	}
	return req, errors.Join(takeLimit(&req), takeQuery(&req, spec))
}

func takeLimit(req *schemas.ToolRequest) error {
	v, there := req.Params[paramLimit]
	if !there {
		return nil
	}
	delete(req.Params, paramLimit)
	n, ok := v.(int)
	if !ok || n < 1 || n > maxItems {
		return fmt.Errorf("limit: must be an integer from 1 to %d", maxItems)
	}
	req.Limit = n
	return nil
}

func takeQuery(req *schemas.ToolRequest, spec tools.Spec) error {
	v, there := req.Params[paramQuery]
	delete(req.Params, paramQuery)
	if !there {
		if spec.Text {
			return errors.New("query: is needed")
		}
		return nil
	}
	text, ok := v.(string)
	if !ok {
		return errors.New("query: must be a text")
	}
	if err := schemas.CheckText(text); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	req.Query = text
	return nil
}

// fit drops items from the end until the answer is short enough.
func fit(a Answer) (Answer, error) {
	if a.Items == nil {
		a.Items = []schemas.Item{}
	}
	for {
		data, err := json.Marshal(a)
		if err != nil {
			return a, fmt.Errorf("answer: %w", err)
		}
		if len(data) <= maxAnswerBytes || len(a.Items) == 0 {
			return a, nil
		}
		a.Items = a.Items[:len(a.Items)/2]
	}
}

// render writes an answer for readers of text.
func render(a Answer) string {
	var b strings.Builder
	if a.Text != "" {
		b.WriteString(a.Text + "\n")
	}
	for i, item := range a.Items {
		fmt.Fprintf(&b, "%d. %s", i+1, item.Title)
		if len(item.Artists) > 0 {
			b.WriteString(" by " + strings.Join(item.Artists, ", "))
		}
		if item.ReleaseDate != "" {
			b.WriteString(" (" + item.ReleaseDate + ")")
		}
		fmt.Fprintf(&b, " [%s]", item.ID)
		if item.Why != "" {
			b.WriteString(": " + item.Why)
		}
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		return "nothing found"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

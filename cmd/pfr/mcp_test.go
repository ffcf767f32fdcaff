package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// binary builds the program.
func binary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program")
	}
	name := filepath.Join(t.TempDir(), "pfr")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", name, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// An agent starts the program, as agents do, and asks it.
func TestAgentsStartTheProgram(t *testing.T) {
	program := binary(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.CommandTransport{Command: exec.Command(program, "mcp")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := session.ListTools(ctx, nil)
	if err != nil || len(list.Tools) != 7 {
		t.Errorf("%d tools, %v", len(list.Tools), err)
	}
	r, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "similar_artists", Arguments: map[string]any{"artist": "Radiohead", "limit": 3}})
	if err != nil || r.IsError {
		t.Fatalf("%+v, %v", r, err)
	}
	if text := r.Content[0].(*mcp.TextContent).Text; strings.Count(text, "[artist:") != 3 {
		t.Errorf("got\n%s", text)
	}
	r, err = session.CallTool(ctx, &mcp.CallToolParams{Name: "similar_artists", Arguments: map[string]any{"artist": 5}})
	if err != nil || !r.IsError || !strings.Contains(r.Content[0].(*mcp.TextContent).Text, "artist: got 5, want a text") {
		t.Errorf("%+v, %v", r, err)
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}

	t.Run("and reads nothing but the protocol", func(t *testing.T) { protocolAlone(t, program) })
}

// protocolAlone checks that nothing but the protocol is on the standard output, and that
// garbage after the answers ends the session.
func protocolAlone(t *testing.T, program string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, "--log-level", "debug", "mcp")
	in, inErr := command.StdinPipe()
	out, outErr := command.StdoutPipe()
	if err := errors.Join(inErr, outErr, command.Start()); err != nil {
		t.Fatal(err)
	}
	say := func(line string) {
		if _, err := io.WriteString(in, line+"\n"); err != nil {
			t.Error(err)
		}
	}
	say(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`)
	say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	say(`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`)
	answered := false
	for scan := bufio.NewScanner(out); scan.Scan(); {
		var message struct {
			JSONRPC string
			ID      int
		}
		if err := json.Unmarshal(scan.Bytes(), &message); err != nil || message.JSONRPC != "2.0" {
			t.Errorf("%.200q is on stdout", scan.Text())
		}
		if message.ID == 2 {
			answered = true
			say("garbage")
			_ = in.Close() // the garbage may have ended it already
		}
	}
	_ = command.Wait() // with an error, for the garbage
	if !answered {
		t.Error("no answer")
	}
}

func TestMCPStaysOnThisMachine(t *testing.T) {
	c := &mcpCmd{HTTP: "0.0.0.0:0"}
	err := c.Run(t.Context(), &program{streams: streams{out: &bytes.Buffer{}, err: &bytes.Buffer{}}, cli: &cli{}, log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "--public") {
		t.Error(err)
	}
}

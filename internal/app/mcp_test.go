package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/parallel-fusion/pfr/internal/app"
)

// agent opens a session of the official SDK.
func agent(t *testing.T, transport mcp.Transport) *mcp.ClientSession {
	t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// useAll lists the tools and calls each with the example of its description.
func useAll(t *testing.T, s *mcp.ClientSession) {
	t.Helper()
	list, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
		_, text, ok := strings.Cut(tool.Description, ": {")
		arguments := map[string]any{}
		if ok {
			if err := json.Unmarshal([]byte("{"+text), &arguments); err != nil {
				t.Errorf("%s: example %s: %v", tool.Name, text, err)
			}
		}
		arguments["query"], arguments["limit"] = "something good", 3
		r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: tool.Name, Arguments: arguments})
		if err != nil {
			t.Fatalf("%s: %v", tool.Name, err)
		}
		data, _ := json.Marshal(r.StructuredContent)
		var answer struct {
			Text  string
			Items []struct{ ID string }
		}
		if err := json.Unmarshal(data, &answer); err != nil || r.IsError || len(answer.Items) > 3 || len(answer.Items) == 0 && answer.Text == "" {
			t.Errorf("%s %v: %.300s, %v", tool.Name, arguments, data, err)
		}
	}
	want := []string{"dj", "new_releases", "personalized_recs", "podcast_search", "release_info", "search", "similar_artists"}
	if slices.Sort(names); !slices.Equal(names, want) {
		t.Errorf("tools %v, want %v", names, want)
	}
}

func TestAgentsUseEveryTool(t *testing.T) {
	t.Run("stdio", func(t *testing.T) {
		in, toServer := io.Pipe()
		fromServer, out := io.Pipe()
		served := make(chan error, 1)
		go func() {
			defer func() { _ = out.Close() }()
			served <- app.ServeMCP(t.Context(), app.DefaultConfig(), app.MCPProcess{In: in, Out: out}, slog.New(slog.DiscardHandler))
		}()
		s := agent(t, &mcp.IOTransport{Reader: fromServer, Writer: toServer})
		useAll(t, s)
		_ = s.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Run("http", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		addr, served := make(chan string, 1), make(chan error, 1)
		go func() {
			served <- app.ServeMCP(ctx, app.DefaultConfig(), app.MCPProcess{HTTP: "127.0.0.1:0", Ready: func(a string) { addr <- a }}, slog.New(slog.DiscardHandler))
		}()
		client := &http.Client{Transport: &http.Transport{}}
		select {
		case err := <-served:
			t.Fatal(err)
		case a := <-addr:
			s := agent(t, &mcp.StreamableClientTransport{Endpoint: "http://" + a, HTTPClient: client})
			useAll(t, s)
			_ = s.Close()
		}
		client.CloseIdleConnections()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func TestLoopback(t *testing.T) {
	for addr, good := range map[string]bool{
		"127.0.0.1:80": true, "[::1]:80": true, "localhost:80": true, "127.8.0.1:1": true,
		":80": false, "0.0.0.0:80": false, "[::]:80": false, "10.0.0.1:80": false, "example.org:80": false, "80": false,
	} {
		if err := app.Loopback(addr); (err == nil) != good {
			t.Error(fmt.Errorf("%s: %w", addr, err))
		}
	}
}

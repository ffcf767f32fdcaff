package main

import (
	"net"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/app"
)

func TestUpSaysWhatToTry(t *testing.T) {
	next, err := (&upCmd{}).next(app.Running{HTTP: "127.0.0.1:8080"}, "SECRET", "pfr")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"http://127.0.0.1:8080/operator", `pfr ask "`, "curl -sN 'http://127.0.0.1:8080/v1/search?q=", "/openapi.yaml", "in memory", "Ctrl-C", "operator: SECRET"} {
		if !strings.Contains(next, part) {
			t.Errorf("nothing of %q in\n%s", part, next)
		}
	}
	next, err = (&upCmd{Data: "/srv/music"}).next(app.Running{HTTP: "127.0.0.1:9999"}, "", "go run ./cmd/pfr")
	if err != nil || !strings.Contains(next, `go run ./cmd/pfr ask --http 127.0.0.1:9999 "`) || !strings.Contains(next, "/srv/music") || strings.Contains(next, "kill switch") {
		t.Errorf("%v\n%s", err, next)
	}
}

// What listens on every address is reached on one.
func TestReachable(t *testing.T) {
	for addr, want := range map[string]string{
		"[::]:8080": "127.0.0.1:8080", "0.0.0.0:80": "127.0.0.1:80", "127.0.0.1:1": "127.0.0.1:1", "[::1]:1": "[::1]:1", "10.0.0.7:9": "10.0.0.7:9",
	} {
		if got := reachable(addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

func TestUpSaysWhatIsWrong(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for want, args := range map[string][]string{
		"another address, such as --http": {"--http", listener.Addr().String()},
		"want host:port":                  {"--http", "localhost"},
		"port 0 takes a free one":         {"--http", "127.0.0.1:99999"},
		"pfr catalog import":              {"--catalog", "/nonexistent"},
	} {
		out, err := runPFR(t, append([]string{"up"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || strings.Contains(out, "ready") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

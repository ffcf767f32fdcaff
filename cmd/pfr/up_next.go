package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// next says what somebody new should try once everything is up. key is that of operators,
// if it was made here; self is how this program is called.
func (c *upCmd) next(r app.Running, key, self string) (string, error) {
	examples, err := showcase(3)
	if err != nil {
		return "", err
	}
	addr := reachable(r.HTTP)
	site := "http://" + addr
	at := ""
	if addr != "127.0.0.1:8080" {
		at = " --http " + addr
	}
	var b strings.Builder
	b.WriteString("\nTry next\n")
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("browser", "%s, and %s/operator to watch the pipeline", site, site)
	name := "terminal"
	for _, query := range examples {
		line(name, "%s ask%s %q", self, at, query)
		name = ""
	}
	line("", "--explain says how the route was decided and where the time went")
	line("curl", "curl -sN '%s/v1/search?q=%s' -H 'Accept: text/event-stream'", site, url.QueryEscape(examples[0]))
	line("reference", "%s/openapi.yaml", site)
	if key != "" {
		line("operator", "key for the kill switch on %s/operator: %s", site, key)
	}
	if c.Data == "" {
		line("data", "in memory, and gone at the end; --data DIR keeps topics and pages")
	} else {
		line("data", "topics and pages are kept in %s", c.Data)
	}
	line("stop", "Ctrl-C")
	return b.String(), nil
}

// reachable is where this machine reaches what listens on an address, which may be every
// address that it has.
func reachable(addr string) string {
	if at, err := netip.ParseAddrPort(addr); err == nil && at.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port()).String()
	}
	return addr
}

// showcase returns one example for each of so many routes that ask several tools.
func showcase(n int) ([]string, error) {
	m, err := routes.Music()
	if err != nil {
		return nil, fmt.Errorf("examples: %w", err)
	}
	var examples []string
	for _, r := range m.Routes {
		if len(r.Calls) > 1 && len(r.Examples) > 0 && len(examples) < n {
			examples = append(examples, r.Examples[0])
		}
	}
	if len(examples) == 0 {
		return nil, errors.New("examples: no route has any")
	}
	return examples, nil
}

// self is how this program is called: by its name, or from its source.
func self(args []string) string {
	if len(args) > 0 && strings.Contains(args[0], "go-build") {
		return "go run ./cmd/pfr"
	}
	return "pfr"
}

// check reports flags that cannot work, before anything starts.
func (c *upCmd) check() error {
	var errs []error
	if c.HTTP != "" {
		_, port, err := net.SplitHostPort(c.HTTP)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--http %s: want host:port, such as 127.0.0.1:8080; port 0 takes a free one", c.HTTP))
		}
	}
	if c.Catalog != "" {
		if info, err := os.Stat(c.Catalog); err != nil || !info.IsDir() {
			errs = append(errs, fmt.Errorf("--catalog %s: there is no such folder; build one with 'pfr catalog import --out %s', or leave it out for the sample", c.Catalog, c.Catalog))
		}
	}
	return errors.Join(errs...)
}

// startAdvice adds to an error of the start what a person can do about it.
func (c *upCmd) startAdvice(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w; perhaps another pfr runs there: stop it, or choose another address, such as --http 127.0.0.1:0 for a free one", cause(err))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w; this machine does not have the address: choose one with --http, such as 127.0.0.1:8080", cause(err))
	case errors.Is(err, fs.ErrPermission) && c.Data != "":
		return fmt.Errorf("%w; choose a folder that you may write to with --data", err)
	}
	return err
}

// cause is the network's part of an error that has much beside it.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	return err
}

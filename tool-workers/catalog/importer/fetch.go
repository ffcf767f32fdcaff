package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"syscall"
)

// Reasons for which a feed is not fetched.
var (
	errNotPublic = errors.New("address is not public")
	errScheme    = errors.New("want an http or https URL")
	errRedirects = errors.New("too many redirects")
)

// feedRef is where a feed is: a file of the user's or, when remote, a URL. What an OPML
// file lists is always remote.
type feedRef struct {
	name   string
	key    string // what a show without an address of its own is known by: its URL, or its path in the folder that was given; "" for none
	remote bool
}

// fetcher reads a list of feeds, several at once, and hands them out in order.
type fetcher struct {
	cfg     FetchConfig
	client  *http.Client
	list    []feedRef
	handed  int // units handed out
	pending []chan unit
	started int
	ctx     context.Context // ends what is in flight; close cancels it
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// newFetcher returns a fetcher of the feeds from a position on. Its owner closes it.
func newFetcher(ctx context.Context, cfg FetchConfig, list []feedRef, from position) *fetcher {
	ctx, cancel := context.WithCancel(ctx)
	return &fetcher{
		cfg: cfg, client: newClient(cfg), list: list, handed: int(from.Offset), started: int(from.Offset),
		ctx: ctx, cancel: cancel,
	}
}

func (f *fetcher) next(ctx context.Context) (unit, error) {
	if err := ctx.Err(); err != nil {
		return unit{}, err
	}
	for f.started < len(f.list) && len(f.pending) < f.cfg.InFlight {
		f.start()
	}
	if len(f.pending) == 0 {
		return unit{}, io.EOF
	}
	select {
	case u := <-f.pending[0]:
		if err := ctx.Err(); err != nil {
			return unit{}, err // what it failed of is not the feed's fault
		}
		f.pending = f.pending[1:]
		f.handed++
		return u, nil
	case <-ctx.Done():
		return unit{}, ctx.Err()
	}
}

func (f *fetcher) start() {
	ref, line, done := f.list[f.started], int64(f.started+1), make(chan unit, 1)
	f.started++
	f.pending = append(f.pending, done)
	f.running.Go(func() {
		data, err := f.read(ref)
		done <- unit{data: data, name: ref.name, key: ref.key, line: line, err: err}
	})
}

func (f *fetcher) progress() (position, int64) {
	return position{Offset: int64(f.handed), Line: int64(f.handed)}, int64(f.handed)
}

// close ends what is in flight and waits for it.
func (f *fetcher) close() {
	f.cancel()
	f.running.Wait()
	f.client.CloseIdleConnections()
}

func (f *fetcher) read(ref feedRef) ([]byte, error) {
	if ref.remote {
		return f.fetch(ref.name)
	}
	file, err := os.Open(ref.name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return f.readAll(file)
}

func (f *fetcher) fetch(address string) ([]byte, error) {
	if err := checkURL(address); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(f.ctx, f.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask for the feed: %w", err)
	}
	req.Header.Set("User-Agent", "pfr-catalog-import")
	req.Header.Set("Accept", "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.1")
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask for the feed: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for the feed: status %d", resp.StatusCode)
	}
	return f.readAll(resp.Body)
}

func (f *fetcher) readAll(in io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, f.cfg.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the feed: %w", err)
	}
	if int64(len(data)) > f.cfg.MaxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", errTooLong, f.cfg.MaxBytes)
	}
	return data, nil
}

func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errScheme, err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errScheme
	}
	return nil
}

// newClient returns a client that checks every address it is about to connect to, after
// its name is resolved and for every redirect. It uses no proxy: behind one it could not
// know the address.
func newClient(cfg FetchConfig) *http.Client {
	dialer := &net.Dialer{Timeout: cfg.Timeout}
	if !cfg.AllowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return checkPublic(address) }
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: cfg.Timeout, ResponseHeaderTimeout: cfg.Timeout,
			MaxIdleConns: cfg.InFlight, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > cfg.Redirects {
				return errRedirects
			}
			return checkURL(req.URL.String())
		},
	}
}

// reserved lists what is routed nowhere, or not where it seems, beyond what package netip
// knows (IANA's registries of special-purpose addresses).
func reserved() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func checkPublic(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotPublic, err)
	}
	ip := at.Addr().Unmap().WithZone("")
	bad := !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
	for _, p := range reserved() {
		bad = bad || p.Contains(ip)
	}
	if bad {
		return fmt.Errorf("%w: %s", errNotPublic, ip)
	}
	return nil
}

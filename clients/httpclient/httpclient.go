// Package httpclient is a Go client of the gateway's HTTP interface.
//
// The vocabulary:
//
//   - A search has a correlation id, which the client makes before it asks. Whatever is
//     sent again under the id is the same search: it is published once and has one page.
//     So a lost answer costs a question, never a second search.
//   - A [Page] is the finished answer: a schemas.SERP and the bytes it came as.
//   - A stream is a search that is followed: [Event] by event, the route with its empty
//     slots first, then each section as it lands, then the page.
//   - A [Problem] is an error answer of the gateway, in the form of RFC 9457.
//
// What may pass if it is asked again is asked again, a bounded number of times, later each
// time and never before the gateway's Retry-After; a wait that would outlast the context's
// deadline is not begun. Answers are compressed on the way.
package httpclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config configures a [Client]. See [DefaultConfig].
type Config struct {
	Addr   string // of the gateway: host:port, or a URL
	APIKey string // sent as a bearer token; "" sends none

	Attempts   int           // of one request, and connections of one stream; at least 1
	Backoff    time.Duration // before the second attempt; it doubles, and half of it is random
	MaxBackoff time.Duration // at most so long between two attempts, the gateway's Retry-After included
	Silence    time.Duration // of a stream, after which it counts as broken
	MaxBody    int64         // bytes of an answer, and of one event of a stream
}

// DefaultConfig returns the settings for a gateway on this machine.
func DefaultConfig() Config {
	return Config{
		Addr: "127.0.0.1:8080", Attempts: 4, Backoff: 100 * time.Millisecond, MaxBackoff: 10 * time.Second,
		Silence: 25 * time.Second, // the gateway gives a sign of life every 10 s
		MaxBody: 8 << 20,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if _, err := baseURL(c.Addr); err != nil {
		errs = append(errs, err)
	}
	if strings.ContainsAny(c.APIKey, "\r\n") {
		errs = append(errs, errors.New("api key: must be one line"))
	}
	if c.Attempts < 1 {
		errs = append(errs, fmt.Errorf("attempts %d: must be at least 1", c.Attempts))
	}
	if c.Backoff <= 0 || c.MaxBackoff < c.Backoff {
		errs = append(errs, fmt.Errorf("backoff: want 0 < backoff %v <= max backoff %v", c.Backoff, c.MaxBackoff))
	}
	if c.Silence <= 0 {
		errs = append(errs, fmt.Errorf("silence %v: must be positive", c.Silence))
	}
	if c.MaxBody <= 0 {
		errs = append(errs, fmt.Errorf("max body %d: must be positive", c.MaxBody))
	}
	return errors.Join(errs...)
}

// baseURL accepts an address with or without a scheme.
func baseURL(addr string) (string, error) {
	if !strings.Contains(addr, "://") {
		addr = "http://" + addr
	}
	u, err := url.Parse(addr)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.User != nil {
		return "", fmt.Errorf("address %q: want host:port or a URL such as https://search.example.org", addr)
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

// Client asks one gateway. It is safe for concurrent use.
type Client struct {
	cfg  Config
	base string
	http *http.Client
	own  *http.Transport // closed with the client; nil if the caller brought one
}

// New returns a Client that sends through h. A nil h stands for connections of its own,
// which Close gives back. h must have no Timeout that a stream would run into.
func New(cfg Config, h *http.Client) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("httpclient config: %w", err)
	}
	base, err := baseURL(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("httpclient config: %w", err)
	}
	c := &Client{cfg: cfg, base: base, http: h}
	if h == nil {
		c.own = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16,
			IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
		}
		c.http = &http.Client{Transport: c.own}
	}
	return c, nil
}

// Close gives back idle connections. Requests in hand are not ended: their contexts do that.
func (c *Client) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// call is one request to the gateway.
type call struct {
	method string
	path   string
	body   []byte      // JSON; nil: none
	header http.Header // more of them; may be nil
}

const typeJSON = "application/json"

// send sends a call once. An answer that is not a success is a *[Problem], but 304.
func (c *Client) send(ctx context.Context, q call) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, q.method, c.base+q.path, bytes.NewReader(q.body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	req.Header.Set("Accept", typeJSON)
	if q.body != nil {
		req.Header.Set("Content-Type", typeJSON)
	}
	maps.Copy(req.Header, q.header)
	if c.cfg.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.APIKey)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &brokenError{err}
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		return nil, c.problem(resp)
	}
	return resp, nil
}

// read returns the whole body of an answer.
func (c *Client) read(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxBody+1))
	if err != nil {
		return nil, &brokenError{fmt.Errorf("read the answer: %w", err)}
	}
	if int64(len(body)) > c.cfg.MaxBody {
		return nil, fmt.Errorf("the answer has more than %d bytes", c.cfg.MaxBody)
	}
	return body, nil
}

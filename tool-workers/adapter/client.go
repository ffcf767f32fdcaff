package adapter

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// Bounds of an answer.
const (
	maxBytes       = 1 << 20
	maxHeaderBytes = 64 << 10
)

// HTTPConfig configures a [Client].
type HTTPConfig struct {
	// Headers are sent with every request.
	Headers map[string]string `yaml:"headers,omitempty"`
	// SecretHeaders are headers whose values settings do not hold, such as Authorization.
	SecretHeaders map[string]SecretHeader `yaml:"secret_headers,omitempty"`
	// Timeout bounds a request beside the deadline of the call; 0 means 5 s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
	// AllowHTTP lets credentials travel without encryption, for servers on this machine or
	// in a private network.
	AllowHTTP bool `yaml:"allow_http,omitempty"`
}

// SecretHeader is a header with a credential.
type SecretHeader struct {
	Prefix string `yaml:"prefix,omitempty"` // as in "Bearer "
	Secret `yaml:",inline"`
}

// DefaultHTTPConfig returns requests without headers that may take five seconds.
func DefaultHTTPConfig() HTTPConfig { return HTTPConfig{Timeout: 5 * time.Second} }

// Validate reports every problem at once.
func (c HTTPConfig) Validate() error {
	var errs []error
	for name, value := range c.Headers {
		errs = append(errs, checkHeader(name, value))
		if credential(name) {
			errs = append(errs, fmt.Errorf("headers.%s: is a credential; see secret_headers", name))
		}
	}
	for name, s := range c.SecretHeaders {
		errs = append(errs, checkHeader(name, s.Prefix))
		if err := s.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("secret_headers.%s: %w", name, err))
		}
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout %v: must not be negative", c.Timeout))
	}
	return errors.Join(errs...)
}

// credential says whether a header is known to hold one.
func credential(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "Api-Key":
		return true
	default:
		return false
	}
}

// checkHeader wants a token (RFC 9110, section 5.6.2) that this package does not set by
// itself, and printable ASCII.
func checkHeader(name, value string) error {
	const special = "!#$%&'*+-.^_`|~"
	token := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(special, r)
	})
	switch http.CanonicalHeaderKey(name) {
	case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Trailer", "Te":
		token = false
	}
	if !token || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("headers: %.64q: must be the name and the value of an end-to-end header", name)
	}
	return nil
}

// Client asks one host over HTTP. It follows no redirect, repeats nothing, and reads at
// most a megabyte. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	timeout time.Duration
	http    *http.Client
}

// BaseURL reads an address of a service. It has a host and a scheme, and no credentials,
// query or fragment.
func BaseURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("url: must be a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.Opaque != "":
		return nil, errors.New("url: must begin with http:// or https:// and a host")
	case u.User != nil:
		return nil, errors.New("url: must hold no credentials; see secret_headers")
	case u.RawQuery != "", u.Fragment != "", strings.Contains(address, "#"):
		return nil, errors.New("url: must have no query and no fragment")
	case strings.Contains(u.Host, "{"):
		return nil, errors.New("url: the host cannot be a placeholder")
	}
	return u, nil
}

// NewClient returns a Client for the host of base. It reads the secrets. The caller closes
// it.
func NewClient(cfg HTTPConfig, base *url.URL) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(cfg.SecretHeaders) > 0 && base.Scheme != "https" && !cfg.AllowHTTP {
		return nil, errors.New("secret_headers: need https, or allow_http")
	}
	headers := http.Header{}
	for name, value := range cfg.Headers {
		headers.Set(name, value)
	}
	for name, s := range cfg.SecretHeaders {
		value, err := s.Read()
		if err != nil {
			return nil, fmt.Errorf("secret_headers.%s: %w", name, err)
		}
		headers.Set(name, s.Prefix+value)
	}
	timeout := cmp.Or(cfg.Timeout, DefaultHTTPConfig().Timeout)
	return &Client{base: base, timeout: timeout, http: &http.Client{
		Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &pinned{base: base, headers: headers, next: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: maxHeaderBytes, ForceAttemptHTTP2: true,
		}},
	}}, nil
}

// Close lets go of idle connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// HTTP returns the client underneath, for libraries that speak a protocol of their own. It
// has the same bounds.
func (c *Client) HTTP() *http.Client { return c.http }

// Ask sends a request to to, with body as JSON unless it is nil, and returns the JSON that
// comes back. Its errors wrap [tools.ErrOverloaded], [tools.ErrBadRequest] where the
// service says that the call is wrong, or the error of ctx; none quotes the request or the
// answer.
func (c *Client) Ask(ctx context.Context, method string, to *url.URL, body any) (answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ctx, end := telemetry.Start(ctx, "ask "+c.base.Host, telemetry.Client)
	defer func() { end(err) }()
	req, err := c.request(ctx, method, to, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.base.Host, plainError(ctx, err))
	}
	defer func() { _ = resp.Body.Close() }()
	if err := checkStatus(resp.StatusCode); err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.base.Host, err)
	}
	return c.read(ctx, resp.Body)
}

func (c *Client) request(ctx context.Context, method string, to *url.URL, body any) (*http.Request, error) {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("request: %w", err)
		}
		payload = strings.NewReader(string(data))
	}
	req, err := http.NewRequestWithContext(ctx, method, to.String(), payload)
	if err != nil {
		return nil, errors.New("request: the address cannot be sent")
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func (c *Client) read(ctx context.Context, body io.Reader) ([]byte, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("read answer of %s: %w", c.base.Host, plainError(ctx, err))
	}
	if !json.Valid(data) {
		return nil, fmt.Errorf("answer of %s: no JSON", c.base.Host)
	}
	return data, nil
}

// plainError prefers the end of the context, and drops the URL, which holds parameters.
func plainError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func checkStatus(code int) error {
	switch code {
	case http.StatusOK:
		return nil
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return fmt.Errorf("%w: status %d", tools.ErrOverloaded, code)
	case http.StatusBadRequest, http.StatusRequestURITooLong, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: status %d", tools.ErrBadRequest, code)
	case http.StatusNotFound:
		return fmt.Errorf("%w: status %d", ErrNotFound, code)
	case http.StatusGatewayTimeout:
		return fmt.Errorf("%w: status %d", context.DeadlineExceeded, code)
	default:
		return fmt.Errorf("status %d", code)
	}
}

// ErrNotFound is a service's answer that there is nothing at an address.
var ErrNotFound = errors.New("not found")

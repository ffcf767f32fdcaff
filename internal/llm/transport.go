package llm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
)

// maxBody caps what is read of a response.
const maxBody = 1 << 20

// StatusError is an answer of the server other than 200.
type StatusError struct {
	Code       int
	Reason     string        // the server's code or type of the error, or ""
	RetryAfter time.Duration // how long the server wants to be left alone; 0: it does not say
}

func (e *StatusError) Error() string {
	text := "status " + strconv.Itoa(e.Code)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// Temporary reports whether the same request may succeed later.
func (e *StatusError) Temporary() bool {
	return e.Code >= 500 || e.Code == http.StatusTooManyRequests || e.Code == http.StatusRequestTimeout
}

// errTooLarge marks a body above maxBody.
var errTooLarge = errors.New("response is too large")

// newTransport returns an HTTP client of our own: the key goes to one host, so redirects
// are answers and not followed.
func newTransport() *http.Client {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    64,
		MaxResponseHeaderBytes: 64 << 10,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
	}
	return &http.Client{
		Transport:     capped{t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// capped limits how much of a response can be read.
type capped struct{ next *http.Transport }

func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limitedBody{ReadCloser: resp.Body, left: maxBody}
	return resp, nil
}

// CloseIdleConnections lets http.Client close what it keeps.
func (c capped) CloseIdleConnections() { c.next.CloseIdleConnections() }

type limitedBody struct {
	io.ReadCloser
	left int
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	b.left -= n
	if b.left < 0 {
		return n, errTooLarge
	}
	return n, err
}

// failure explains what became of a request: a StatusError, an ErrOutput for a body
// that is no completion, or the error of the network or the context. It names neither the
// body nor the key.
func failure(ctx context.Context, err error, resp *http.Response) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errTooLarge):
		return fmt.Errorf("%w: %w", ErrOutput, errTooLarge)
	case resp != nil && resp.StatusCode != http.StatusOK:
		return statusError(err, resp)
	}
	return err
}

func statusError(err error, resp *http.Response) error {
	out := &StatusError{Code: resp.StatusCode}
	if s, convErr := strconv.Atoi(resp.Header.Get("Retry-After")); convErr == nil && s > 0 {
		out.RetryAfter = time.Duration(min(s, 3600)) * time.Second
	}
	if api, ok := errors.AsType[*openai.Error](err); ok {
		for _, reason := range []string{api.Code, api.Type} {
			if out.Reason == "" && isReason(reason) {
				out.Reason = reason
			}
		}
	}
	return out
}

// isReason accepts what servers use as codes of errors, such as "model_not_found", and
// nothing that could be a key or a text.
func isReason(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

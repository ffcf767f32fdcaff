package adapter

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
)

// errOtherHost says that a request was about to leave for somewhere else.
var errOtherHost = errors.New("another host than the configured one")

// pinned sends requests to one host and no other, with the configured headers, and bounds
// what it answers.
type pinned struct {
	base    *url.URL
	headers http.Header
	next    *http.Transport
}

// RoundTrip implements [http.RoundTripper].
func (p *pinned) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != p.base.Scheme || req.URL.Host != p.base.Host || req.URL.User != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, errOtherHost
	}
	out := req.Clone(req.Context())
	maps.Copy(out.Header, p.headers)
	resp, err := p.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: maxBytes}
	return resp, nil
}

// CloseIdleConnections is found by [http.Client.CloseIdleConnections].
func (p *pinned) CloseIdleConnections() { p.next.CloseIdleConnections() }

// bounded is a body that fails when it is too long.
type bounded struct {
	io.ReadCloser
	left int
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, fmt.Errorf("more than %d bytes", maxBytes)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return 0, fmt.Errorf("more than %d bytes", maxBytes)
	}
	return n, err
}

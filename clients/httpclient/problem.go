package httpclient

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// Problem is an error answer of the gateway (RFC 9457). Find it with errors.As.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`           // of HTTP
	Detail string `json:"detail,omitempty"` // what is wrong and what to do

	CorrelationID string    `json:"correlation_id,omitempty"` // of the search that failed
	Page          string    `json:"page,omitempty"`           // path at which its page may yet appear
	Results       []Verdict `json:"results,omitempty"`        // on interactions, as far as they came

	// RetryAfter is how long the gateway asks to be left alone; 0: it does not say.
	RetryAfter time.Duration `json:"-"`
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("%d %s", p.Status, p.Title)
	}
	return fmt.Sprintf("%d %s: %s", p.Status, p.Title, p.Detail)
}

// maxProblem is how much of an error answer is read.
const maxProblem = 1 << 20

// problem reads an error answer. One that is not the gateway's, but that of a proxy, is
// known by its status alone.
func (c *Client) problem(resp *http.Response) *Problem {
	p := &Problem{}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	body, err := io.ReadAll(io.LimitReader(resp.Body, min(maxProblem, c.cfg.MaxBody)))
	if err != nil || media != "application/problem+json" || json.Unmarshal(body, p) != nil || p.Title == "" {
		p = &Problem{Type: "about:blank", Title: http.StatusText(resp.StatusCode)}
	}
	p.Status = resp.StatusCode
	p.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	return p
}

// retryAfter reads either form of the header (RFC 9110, 10.2.3); 0 if it says nothing.
func retryAfter(v string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(v, 10, 32); err == nil {
		return time.Duration(max(seconds, 0)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

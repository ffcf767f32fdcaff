package httpclient

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/parallel-fusion/pfr/schemas"
)

// Request is one search. Only Query is required.
type Request struct {
	Query         string
	CorrelationID string // UUIDv7; made here when empty
	Market        string // "": the gateway's default, as for what follows
	Locale        string
	Platform      string
	ClientID      string
	SessionID     string
	Mode          schemas.Mode
	Deadline      time.Duration // of the page; its part of a millisecond counts as a whole one
	Experiments   map[string]string
	User          *schemas.User
}

// body is a Request on the wire.
type body struct {
	Query         string            `json:"query"`
	CorrelationID string            `json:"correlation_id"`
	Market        string            `json:"market,omitempty"`
	Locale        string            `json:"locale,omitempty"`
	Platform      string            `json:"platform,omitempty"`
	ClientID      string            `json:"client_id,omitempty"`
	SessionID     string            `json:"session_id,omitempty"`
	Mode          schemas.Mode      `json:"mode,omitempty"`
	DeadlineMS    int64             `json:"deadline_ms,omitempty"`
	Experiments   map[string]string `json:"experiments,omitempty"`
	User          *schemas.User     `json:"user,omitempty"`
}

// prepare gives the search its id, and returns the call that asks for it.
func (r *Request) prepare() (call, error) {
	if r.CorrelationID == "" {
		id, err := NewID()
		if err != nil {
			return call{}, err
		}
		r.CorrelationID = id
	}
	data, err := json.Marshal(body{
		r.Query, r.CorrelationID, r.Market, r.Locale, r.Platform, r.ClientID, r.SessionID, r.Mode,
		milliseconds(r.Deadline), r.Experiments, r.User,
	})
	if err != nil {
		return call{}, fmt.Errorf("search: %w", err)
	}
	return call{method: http.MethodPost, path: "/v1/search", body: data}, nil
}

// milliseconds rounds away from zero, which stands for no deadline at all.
func milliseconds(d time.Duration) int64 {
	return int64(cmp.Compare(d, 0)) * int64((d.Abs()+time.Millisecond-1)/time.Millisecond)
}

// NewID returns a new UUIDv7, as correlation ids and event ids are.
func NewID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	return id.String(), nil
}

// Page is a finished page.
type Page struct {
	schemas.SERP
	// JSON is the page as the gateway sent it, with whatever this version of the schema
	// does not know. It must not be changed.
	JSON json.RawMessage `json:"-"`
	// ETag identifies the bytes, for [Client.Page]; "" if the gateway did not say.
	ETag string `json:"-"`
}

// Search asks one query and returns its page. An error that is not a *[Problem] is one of
// the connection or of ctx; with the same CorrelationID the search can be sent again, and
// is still the same search.
func (c *Client) Search(ctx context.Context, r Request) (Page, error) {
	q, err := r.prepare()
	if err != nil {
		return Page{}, err
	}
	var page Page
	err = c.persist(ctx, func() error {
		page, err = c.page(ctx, q)
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("search %s: %w", r.CorrelationID, err)
	}
	return page, nil
}

// Page returns the page of an earlier search. If have is not nil, it is asked only whether
// there is another one, and *have is returned if there is not.
func (c *Client) Page(ctx context.Context, correlationID string, have *Page) (Page, error) {
	q := call{method: http.MethodGet, path: "/v1/serps/" + url.PathEscape(correlationID)}
	if have != nil && have.ETag != "" {
		q.header = http.Header{"If-None-Match": {have.ETag}}
	}
	var page Page
	err := c.persist(ctx, func() (err error) {
		page, err = c.page(ctx, q)
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("page %s: %w", correlationID, err)
	}
	if page.JSON == nil {
		return *have, nil
	}
	return page, nil
}

// page sends a call that answers with a page. It has no JSON if it did not change.
func (c *Client) page(ctx context.Context, q call) (Page, error) {
	resp, err := c.send(ctx, q)
	if err != nil {
		return Page{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified && q.header.Get("If-None-Match") != "" {
		return Page{}, nil
	}
	return c.readPage(resp)
}

func (c *Client) readPage(resp *http.Response) (Page, error) {
	data, err := c.read(resp)
	if err != nil {
		return Page{}, err
	}
	page, err := parsePage(data)
	page.ETag = resp.Header.Get("ETag")
	return page, err
}

func parsePage(data []byte) (Page, error) {
	page := Page{JSON: data}
	if err := json.Unmarshal(data, &page.SERP); err != nil {
		return Page{}, fmt.Errorf("the page is not what it should be: %w", err)
	}
	return page, nil
}

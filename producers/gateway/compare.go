package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/schemas"
)

// compareBody is the body of POST /v1/compare. Query is required.
type compareBody struct {
	Query      string `json:"query"`
	Market     string `json:"market"`
	DeadlineMS *int64 `json:"deadline_ms"`
	Left       side   `json:"left"`
	Right      side   `json:"right"`
}

// side is one way to answer a query. The zero value is what everybody gets.
type side struct {
	Mode schemas.Mode `json:"mode"`
	Arm  string       `json:"arm"`  // of the roll-out; "" leaves it to the roll-out
	Peer string       `json:"peer"` // another gateway of the settings; "" is this one
}

// compared is the answer of /v1/compare. No judge is asked.
type compared struct {
	Query string       `json:"query"`
	Left  comparedSide `json:"left"`
	Right comparedSide `json:"right"`
}

// comparedSide has a page with its reasons, or a problem.
type comparedSide struct {
	Page    *schemas.SERP `json:"page,omitempty"`
	Why     *reasons      `json:"why,omitempty"`
	Problem *problem      `json:"problem,omitempty"`
}

// comparisonOptions lists what sides can be.
type comparisonOptions struct {
	Modes []schemas.Mode `json:"modes"`
	Peers []string       `json:"peers"`
}

func (g *Gateway) comparisons(w http.ResponseWriter, _ *http.Request) *problem {
	peers := slices.Sorted(maps.Keys(g.cfg.Peers))
	if peers == nil {
		peers = []string{}
	}
	return writeJSON(w, http.StatusOK, comparisonOptions{schemas.Modes(), peers})
}

// compare answers one query in two ways, side by side. The searches count in no metric of
// listeners.
func (g *Gateway) compare(w http.ResponseWriter, r *http.Request) *problem {
	body, p := readBody(w, r, maxSearchBody)
	if p != nil {
		return p
	}
	var b compareBody
	if p := decodeStrict(body, &b); p != nil {
		return p
	}
	requests := [2]producers.Request{}
	for i, s := range []side{b.Left, b.Right} {
		if requests[i], p = g.comparison(b, s); p != nil {
			return p
		}
	}
	if p := inMarket(r.Context(), requests[0].Market); p != nil {
		return p
	}
	var (
		out  = compared{Query: b.Query}
		both sync.WaitGroup
	)
	both.Go(func() { out.Left = g.side(r.Context(), requests[0], b.Left) })
	both.Go(func() { out.Right = g.side(r.Context(), requests[1], b.Right) })
	both.Wait()
	return writeJSON(w, http.StatusOK, out)
}

// comparison returns the search of one side.
func (g *Gateway) comparison(b compareBody, s side) (producers.Request, *problem) {
	if s.Peer != "" && g.cfg.Peers[s.Peer] == "" {
		return producers.Request{}, newProblem(http.StatusBadRequest, fmt.Sprintf("peer: there is no %q in gateway.peers.", s.Peer))
	}
	search := searchBody{Query: b.Query, Market: cmp.Or(b.Market, defaultMarket), DeadlineMS: b.DeadlineMS, Platform: "compare", Mode: s.Mode}
	if s.Arm != "" {
		search.Experiments = map[string]string{schemas.ExperimentArm: s.Arm}
	}
	req, p := search.request("query")
	req.Probe = true
	if p == nil {
		if _, err := g.ports.Searches.Query(req); err != nil {
			p = searchProblem("", err)
		}
	}
	return req, p
}

// side answers one side. A mistake of ours there is a problem of that side.
func (g *Gateway) side(ctx context.Context, req producers.Request, s side) (out comparedSide) {
	defer func() {
		if v := recover(); v != nil {
			g.m.panics.Inc()
			g.log.Error("comparison panicked", "panic", fmt.Sprintf("%T", v))
			out = comparedSide{Problem: newProblem(http.StatusInternalServerError, "The gateway made a mistake. It has been logged.")}
		}
	}()
	page, p := g.pageOf(ctx, req, s)
	if p != nil {
		return comparedSide{Problem: p}
	}
	why := reasonsOfSERP(page, s.Mode)
	return comparedSide{Page: &page, Why: &why}
}

func (g *Gateway) pageOf(ctx context.Context, req producers.Request, s side) (schemas.SERP, *problem) {
	leave, p := g.enter()
	if p != nil {
		return schemas.SERP{}, p
	}
	defer leave()
	if s.Peer != "" {
		return g.askPeer(ctx, req, g.cfg.Peers[s.Peer])
	}
	q, err := g.ports.Searches.Query(req)
	if err != nil {
		return schemas.SERP{}, searchProblem("", err)
	}
	page, err := g.ports.Searches.Follow(ctx, q, func(schemas.Progress) {})
	if err != nil {
		return schemas.SERP{}, g.searchFailed(ctx, q.CorrelationID, err)
	}
	return page, nil
}

// maxPeerPage bounds the page of a peer.
const maxPeerPage = 8 << 20

// askPeer sends a search to another gateway, such as one with another manifest.
func (g *Gateway) askPeer(ctx context.Context, req producers.Request, base string) (schemas.SERP, *problem) {
	ctx, cancel := context.WithTimeout(ctx, g.cfg.PeerTimeout)
	defer cancel()
	page, err := fetchPage(ctx, req, base)
	if err == nil {
		return page, nil
	}
	g.log.Warn("peer did not answer with a page", "err", err)
	p := newProblem(http.StatusBadGateway, "The peer did not answer with a page.")
	if said, ok := errors.AsType[*problem](err); ok {
		p.Detail += " It said: " + said.Detail
	}
	return page, p
}

// fetchPage returns the page of a peer. The error wraps a *problem if the peer answers with
// one.
func fetchPage(ctx context.Context, req producers.Request, base string) (page schemas.SERP, err error) {
	search := searchBody{Query: req.Text, Market: req.Market, Mode: req.Mode, Platform: req.Platform, Experiments: req.Experiments}
	if ms := req.Deadline.Milliseconds(); ms > 0 {
		search.DeadlineMS = &ms
	}
	body, err := json.Marshal(search)
	if err != nil {
		return page, fmt.Errorf("ask peer: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+"/v1/search", bytes.NewReader(body))
	if err != nil {
		return page, fmt.Errorf("ask peer: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return page, fmt.Errorf("ask peer: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxPeerPage))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = peerProblem(resp.StatusCode, data)
	}
	if err != nil {
		return page, fmt.Errorf("ask peer: %w", err)
	}
	return codec.Decode[schemas.SERP](data)
}

// peerProblem reads what a peer answers instead of a page. Of what is no problem of a
// gateway, as from a proxy before it, the status says enough.
func peerProblem(status int, data []byte) *problem {
	var said struct{ Detail string }
	if json.Unmarshal(data, &said) != nil || said.Detail == "" || len(said.Detail) > schemas.MaxTitleBytes {
		said.Detail = fmt.Sprintf("%d %s", status, http.StatusText(status))
	}
	return newProblem(status, said.Detail)
}

// validPeers reports what is wrong with the peers of the settings.
func validPeers(peers map[string]string) error {
	var errs []error
	for name, base := range peers {
		u, err := url.Parse(base)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			errs = append(errs, fmt.Errorf("peers.%s: must be the address of a gateway, such as http://10.0.0.7:8080", name))
		}
	}
	return errors.Join(errs...)
}

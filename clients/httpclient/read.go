package httpclient

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Why says how a decision came about, in numbers and in words.
type Why struct {
	Summary      string                `json:"summary"`            // one sentence
	Degraded     string                `json:"degraded,omitempty"` // what was lacking; "" if nothing was
	Mode         schemas.Mode          `json:"mode,omitempty"`
	Route        string                `json:"route"`
	Confidence   float64               `json:"confidence"` // how likely the route is right, 0 to 1
	Source       schemas.Source        `json:"source"`
	DecidedBy    string                `json:"decided_by"` // Source in words
	Tiers        []WhyTier             `json:"tiers"`      // in the order they were asked
	Alternatives []schemas.Alternative `json:"alternatives"`
	Arm          string                `json:"arm,omitempty"`
	Versions     Versions              `json:"versions"`
	TookMS       float64               `json:"took_ms"`
	CostUSD      float64               `json:"cost_usd"`
	Tokens       *schemas.Tokens       `json:"tokens"` // nil: not known
	Spent        string                `json:"spent"`  // tokens and cost in words
}

// Versions are those of what decided: the manifest, the model and its prompt.
type Versions struct {
	Manifest string `json:"manifest"`
	Model    string `json:"model,omitempty"`
	Prompt   string `json:"prompt,omitempty"`
}

// WhyTier is a tier and what came of it, in words that continue its name.
type WhyTier struct {
	schemas.Tier
	Name string `json:"name"`
	Text string `json:"text"`
}

// Span is one bar of a waterfall, in milliseconds since the query was submitted.
type Span struct {
	Name      string                `json:"name"` // a step of the pipeline, or the id of a section
	Tool      string                `json:"tool,omitempty"`
	Status    schemas.SectionStatus `json:"status,omitempty"`
	Reason    string                `json:"reason,omitempty"`
	StartMS   float64               `json:"start_ms"`
	TookMS    float64               `json:"took_ms"`
	ServiceMS float64               `json:"service_ms,omitempty"` // of TookMS, in the tool itself
	Cached    bool                  `json:"cached,omitempty"`
	Repeated  bool                  `json:"repeated,omitempty"`
	Mandatory bool                  `json:"mandatory,omitempty"`
}

// Explanation is the trace of one query. Query, Decision and Page are nil while the gateway
// does not have them.
type Explanation struct {
	CorrelationID string               `json:"correlation_id"`
	Query         *schemas.PublicQuery `json:"query"`
	Decision      *schemas.Decision    `json:"decision"`
	DecidedAt     time.Time            `json:"decided_at,omitzero"`
	Why           Why                  `json:"why"`
	Page          *PageSummary         `json:"page"`
	Waterfall     []Span               `json:"waterfall"`
}

// PageSummary is what an [Explanation] says of the page.
type PageSummary struct {
	Status    schemas.SERPStatus `json:"status"`
	Coverage  float64            `json:"coverage"`
	Timings   schemas.Timings    `json:"timings"`
	CostUSD   float64            `json:"cost_usd"`
	CreatedAt time.Time          `json:"created_at"`
}

// Explain returns the trace of a search.
func (c *Client) Explain(ctx context.Context, correlationID string) (Explanation, error) {
	return get[Explanation](ctx, c, "/v1/explain/"+url.PathEscape(correlationID))
}

// Suggestion is a query to offer to somebody who types.
type Suggestion struct {
	Query  string `json:"query"`
	Source string `json:"source"` // popular or example
}

// Suggest returns at most limit queries that begin as prefix does, or have a word that
// does; 0 leaves the number to the gateway, and market "" the market.
func (c *Client) Suggest(ctx context.Context, prefix, market string, limit int) ([]Suggestion, error) {
	values := url.Values{"q": {prefix}}
	if market != "" {
		values.Set("market", market)
	}
	if limit > 0 {
		values.Set("limit", strconv.Itoa(limit))
	}
	answer, err := get[struct {
		Suggestions []Suggestion `json:"suggestions"`
	}](ctx, c, "/v1/suggest?"+values.Encode())
	return answer.Suggestions, err
}

// Online is what came of the searches of each route.
type Online struct {
	AsOf   time.Time                       `json:"as_of"`
	Routes map[string]schemas.SearchCounts `json:"routes"`
}

// Online returns the online metrics.
func (c *Client) Online(ctx context.Context) (Online, error) {
	return get[Online](ctx, c, "/v1/metrics/online")
}

// get fetches and decodes one thing.
func get[T any](ctx context.Context, c *Client, path string) (v T, err error) {
	err = c.persist(ctx, func() error {
		resp, err := c.send(ctx, call{method: http.MethodGet, path: path})
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		data, err := c.read(resp)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &v); err != nil {
			return fmt.Errorf("the answer is not what it should be: %w", err)
		}
		return nil
	})
	if err != nil {
		return v, fmt.Errorf("get %s: %w", path, err)
	}
	return v, nil
}

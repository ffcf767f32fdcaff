package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/parallel-fusion/pfr/producers"
)

// problem is an error answer in the form of RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"` // what is wrong and what to do

	CorrelationID string   `json:"correlation_id,omitempty"` // of the search that failed
	Page          string   `json:"page,omitempty"`           // where its page may appear
	Results       []result `json:"results,omitempty"`        // of interactions, as far as they came

	Part string `json:"part,omitempty"` // what is away: kafka or nats

	retryAfter   int    // seconds; 0: say nothing
	allow        string // methods, of a 405
	authenticate string // what to show, of a 401 or 403
}

func newProblem(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// retry asks the client to come again after so many seconds.
func (p *problem) retry(seconds int) *problem {
	p.retryAfter = seconds
	return p
}

// Error makes a problem an error, so that it travels up like one.
func (p *problem) Error() string { return p.Title + ": " + p.Detail }

// body returns the JSON of the problem.
func (p *problem) body() []byte {
	data, _ := json.Marshal(p) // a struct of strings and numbers always marshals
	return data
}

// write answers with the problem.
func (p *problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	p.announce(h)
	h.Del("ETag")
	w.WriteHeader(p.Status)
	_, _ = w.Write(p.body()) // the client may be gone
}

// announce says in h what to show, if that is what is wrong.
func (p *problem) announce(h http.Header) {
	if p.authenticate != "" {
		h.Set("WWW-Authenticate", p.authenticate)
	}
}

// The brokers that may be away.
const (
	partKafka = "kafka"
	partNATS  = "nats"
)

// searchProblem says what became of a search that has no page.
func searchProblem(id string, err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, producers.ErrInvalid):
		return newProblem(http.StatusBadRequest, plain(err))
	case errors.Is(err, producers.ErrUnavailable):
		p = newProblem(http.StatusServiceUnavailable, "The search was not accepted, because Kafka is away. Send it again.").retry(1)
		p.Part = partKafka
		return p
	case errors.Is(err, producers.ErrNATS):
		p = newProblem(http.StatusServiceUnavailable, "The search was accepted, but NATS is away and its page did not come. It may still come: look at page.").retry(1)
		p.CorrelationID, p.Page, p.Part = id, serpPath(id), partNATS
		return p
	case errors.Is(err, producers.ErrNoPage):
		p = newProblem(http.StatusGatewayTimeout, "The search was accepted and its page did not come in time. It may still come: look at page.")
		p.CorrelationID, p.Page = id, serpPath(id)
		return p
	default:
		return newProblem(http.StatusInternalServerError, "The search failed for a reason that was not foreseen.")
	}
}

// missing says that there is nothing of a correlation id, or nothing for this client.
func missing(id string) *problem {
	p := newProblem(http.StatusNotFound, "There is nothing of this correlation id: not yet, or no longer.")
	p.CorrelationID = id
	return p
}

func unreadable() *problem {
	return newProblem(http.StatusInternalServerError, "The archive could not be read.")
}

// plain tells the problems of a request without the words that only programs need.
func plain(err error) string {
	text := strings.TrimPrefix(err.Error(), producers.ErrInvalid.Error()+": ")
	text = strings.TrimPrefix(text, "invalid message: ")
	for _, message := range []string{"query: ", "interaction: ", "control: "} {
		text = strings.TrimPrefix(text, message)
	}
	return strings.ReplaceAll(text, "\n", "; ")
}

func serpPath(id string) string    { return "/v1/serps/" + id }
func explainPath(id string) string { return "/v1/explain/" + id }

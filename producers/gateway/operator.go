package gateway

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/parallel-fusion/pfr/producers/gateway/access"
	"github.com/parallel-fusion/pfr/producers/gateway/traffic"
	"github.com/parallel-fusion/pfr/schemas"
)

// Operations is what operators see of the pipeline and do to it.
type Operations interface {
	// State returns what is going on. What cannot be found out in time is left out.
	State(ctx context.Context) OperatorState
	// SetLadder returns nil once what is set is durable: every router follows it.
	SetLadder(ctx context.Context, c schemas.Control) error
}

// OperatorState is what is going on.
type OperatorState struct {
	traffic.Snapshot
	Lag    []Lag       `json:"lag"`
	Ladder LadderState `json:"ladder"`
}

// Lag is how many records of a topic a consumer group has not handled.
type Lag struct {
	Topic string `json:"topic"`
	Group string `json:"group"`
	Lag   int64  `json:"lag"`
}

// LadderState is the best tier that operators let decide.
type LadderState struct {
	InForce schemas.Ladder `json:"in_force"`
	Reason  string         `json:"reason,omitempty"`
	By      string         `json:"by,omitempty"` // "" if nobody has set it
	SetAt   time.Time      `json:"set_at,omitzero"`
}

// operatorView is the answer of /v1/operator.
type operatorView struct {
	OperatorState
	Online     map[string]schemas.SearchCounts `json:"online"` // by route
	MayOperate bool                            `json:"may_operate"`
}

func noOperations() *problem {
	return newProblem(http.StatusNotFound, "This gateway has nothing for operators.")
}

func (g *Gateway) operator(w http.ResponseWriter, r *http.Request) *problem {
	if g.ports.Operations == nil {
		return noOperations()
	}
	return writeJSON(w, http.StatusOK, operatorView{
		OperatorState: g.ports.Operations.State(r.Context()), Online: g.onlineMetrics().Routes,
		MayOperate: access.From(r.Context()).May(access.Operate),
	})
}

// ladderBody is the body of POST /v1/operator/ladder. Ladder is required.
type ladderBody struct {
	Ladder schemas.Ladder `json:"ladder"`
	Reason string         `json:"reason"`
}

// signature is the name of a principal as a record has room for it. The subject of a token
// may be of any length, which must not keep its bearer from the kill switch.
func signature(who access.Principal) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, who.Name)
	return strings.ToValidUTF8(name[:min(len(name), schemas.MaxNameBytes)], "")
}

// setLadder moves the degradation ladder of every router: "student" is the kill switch of
// the language model, "search" that of every model.
func (g *Gateway) setLadder(w http.ResponseWriter, r *http.Request) *problem {
	if g.ports.Operations == nil {
		return noOperations()
	}
	body, p := readBody(w, r, maxSearchBody)
	if p != nil {
		return p
	}
	var b ladderBody
	if p := decodeStrict(body, &b); p != nil {
		return p
	}
	c := schemas.Control{
		SchemaVersion: schemas.Version, Ladder: b.Ladder, Reason: b.Reason,
		By: signature(access.From(r.Context())), SetAt: time.Now().UTC(),
	}
	if err := c.Validate(); err != nil {
		return newProblem(http.StatusBadRequest, plain(err))
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.cfg.PublishTimeout)
	defer cancel()
	if err := g.ports.Operations.SetLadder(ctx, c); err != nil {
		g.log.Error("ladder is not set", "ladder", c.Ladder, "by", c.By, "err", err)
		return newProblem(http.StatusServiceUnavailable, "The ladder is not set, because the brokers are away. Send it again, or edit the roll-out file of the routers.").retry(1)
	}
	g.log.Warn("ladder set", "ladder", c.Ladder, "by", c.By)
	return writeJSON(w, http.StatusOK, LadderState{InForce: c.Ladder, Reason: c.Reason, By: c.By, SetAt: c.SetAt})
}

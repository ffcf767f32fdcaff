package llm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/prometheus/client_golang/prometheus"
)

// ErrSkipped marks a question that was not asked: the agent's budget did not allow it.
// Nothing was spent.
var ErrSkipped = errors.New("the model was not asked")

// Reasons why a question was not asked, told apart in metrics.
const (
	skipTime  = skipped("too little time is left")
	skipBusy  = skipped("too many questions are under way")
	skipOpen  = skipped("it is left alone after failures")
	skipCalls = skipped("the calls of this minute are used up")
	skipToken = skipped("the tokens of this minute are used up")
)

// skipped is a reason. It is an [ErrSkipped].
type skipped string

func (e skipped) Error() string { return ErrSkipped.Error() + ": " + string(e) }

func (skipped) Unwrap() error { return ErrSkipped }

// AgentConfig configures an [Agent]. See [DefaultAgentConfig].
type AgentConfig struct {
	Config `yaml:",inline"` // Timeout is of one question
	Budget Budget           `yaml:"budget"`
}

// Budget bounds what an agent may take. It counts in one process.
type Budget struct {
	CallsPerMinute  int `yaml:"calls_per_minute"`
	TokensPerMinute int `yaml:"tokens_per_minute"` // read and written
	MaxConcurrent   int `yaml:"max_concurrent"`    // questions under way; more are not asked
	// Reserve is kept back of the caller's deadline, for what it does with the answer.
	Reserve time.Duration `yaml:"reserve"`
	// Least is the time that a question needs: with less left it is not asked.
	Least time.Duration `yaml:"least"`
	// After Failures of the last Of questions the model is left alone for Rest. Then one
	// question finds out whether it works again. A question whose caller had less time
	// than Timeout, and that ran out of it, is no failure.
	Failures uint          `yaml:"failures"`
	Of       uint          `yaml:"of"`
	Rest     time.Duration `yaml:"rest"`
}

// DefaultAgentConfig returns settings for a small model nearby. The URL is left to set.
func DefaultAgentConfig() AgentConfig {
	return AgentConfig{Config: DefaultConfig(), Budget: Budget{
		CallsPerMinute: 600, TokensPerMinute: 1_000_000, MaxConcurrent: 8,
		Reserve: 15 * time.Millisecond, Least: 40 * time.Millisecond,
		Failures: 5, Of: 10, Rest: 10 * time.Second,
	}}
}

// Validate reports every problem at once.
func (c AgentConfig) Validate() error {
	errs := []error{c.Config.Validate()}
	b := c.Budget
	if min(b.CallsPerMinute, b.TokensPerMinute, b.MaxConcurrent) < 1 {
		errs = append(errs, errors.New("budget: calls_per_minute, tokens_per_minute and max_concurrent must be positive"))
	}
	if b.Reserve < 0 || b.Least < 0 || b.Rest <= 0 {
		errs = append(errs, errors.New("budget: rest must be positive, reserve and least not negative"))
	}
	if b.Failures < 1 || b.Of < b.Failures {
		errs = append(errs, fmt.Errorf("budget: failures %d of %d: the first must be positive and no larger than the second", b.Failures, b.Of))
	}
	return errors.Join(errs...)
}

// Agent asks one server within a budget of its own. It is for work that can be left
// undone: it never waits for its turn and never asks twice. It is safe for concurrent use.
type Agent struct {
	cfg     AgentConfig
	client  *Client
	breaker circuitbreaker.CircuitBreaker[any]
	slots   chan struct{}
	spent   spent
	m       *agentMetrics
	log     *slog.Logger
}

// NewAgent returns an Agent that the caller closes. It does no network.
func NewAgent(cfg AgentConfig, log *slog.Logger, reg prometheus.Registerer) (*Agent, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("agent config: %w", err)
	}
	client, err := New(cfg.Config, log, reg)
	if err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	b := cfg.Budget
	a := &Agent{cfg: cfg, client: client, slots: make(chan struct{}, b.MaxConcurrent), m: newAgentMetrics(reg), log: log}
	a.breaker = circuitbreaker.NewBuilder[any]().
		WithFailureThresholdRatio(b.Failures, b.Of).WithDelay(b.Rest).WithSuccessThreshold(1).
		OnOpen(func(circuitbreaker.StateChangedEvent) {
			a.m.open.Set(1)
			log.Warn("model fails and is left alone", "rest", b.Rest)
		}).
		OnClose(func(circuitbreaker.StateChangedEvent) {
			a.m.open.Set(0)
			log.Info("model works again")
		}).Build()
	return a, nil
}

// Close lets go of idle connections. Questions under way go on.
func (a *Agent) Close() { a.client.Close() }

// Status returns what is known of the server.
func (a *Agent) Status() Status { return a.client.Status() }

// Run asks the server what it is, so that the first question need not, and returns when
// ctx ends. A server that is away is not an error.
func (a *Agent) Run(ctx context.Context, ready func()) error {
	ready()
	wctx, cancel := context.WithTimeout(ctx, a.cfg.ProbeTimeout)
	defer cancel()
	if _, err := a.client.resolve(wctx); err != nil && ctx.Err() == nil {
		a.log.Warn("model does not answer", "err", err)
	}
	<-ctx.Done()
	return nil
}

// Ask asks a question, within the nearer of the agent's timeout and the deadline of ctx
// less the reserve. An error that is an [ErrSkipped] has cost nothing. It returns soon
// after that time.
func (a *Agent) Ask(ctx context.Context, q Question) (Usage, error) {
	timeout, err := a.admit(ctx)
	if err != nil {
		a.m.skipped.WithLabelValues(reason(err)).Inc()
		return Usage{}, fmt.Errorf("agent %s: %w", q.Operation, err)
	}
	defer func() { <-a.slots }()
	booked, err := a.spent.book(a.cfg.Budget, time.Now())
	if err != nil {
		a.m.skipped.WithLabelValues(reason(err)).Inc()
		return Usage{}, fmt.Errorf("agent %s: %w", q.Operation, err)
	}
	if !a.breaker.TryAcquirePermit() {
		a.spent.cancel(booked)
		a.m.skipped.WithLabelValues(reason(skipOpen)).Inc()
		return Usage{}, fmt.Errorf("agent %s: %w", q.Operation, skipOpen)
	}
	u, err := a.client.ask(ctx, q, timeout)
	a.spent.settle(booked, u.Tokens.Prompt+u.Tokens.Completion)
	a.record(ctx, err, timeout)
	return u, err
}

// admit takes a slot and returns the time for an answer.
func (a *Agent) admit(ctx context.Context) (time.Duration, error) {
	timeout := a.cfg.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)-a.cfg.Budget.Reserve)
	}
	if ctx.Err() != nil || timeout <= 0 || timeout < a.cfg.Budget.Least {
		return 0, skipTime
	}
	select {
	case a.slots <- struct{}{}:
		return timeout, nil
	default:
		return 0, skipBusy
	}
}

// record tells the breaker. Whoever leaves before the answer, or had less time for it than
// the timeout, says nothing about the model, unless the model was on trial: then it is on
// trial again later.
func (a *Agent) record(ctx context.Context, err error, timeout time.Duration) {
	left := errors.Is(ctx.Err(), context.Canceled)
	hurried := timeout < a.cfg.Timeout && errors.Is(err, context.DeadlineExceeded)
	switch {
	case err == nil:
		a.breaker.RecordSuccess()
	case (left || hurried) && a.breaker.IsClosed():
	default:
		a.breaker.RecordFailure()
	}
}

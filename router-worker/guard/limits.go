package guard

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	router "github.com/parallel-fusion/pfr/router-worker"
)

// Limits bound what one market may use of a model. Each counts in fixed windows of UTC
// time, in one process. Zero switches the model off.
type Limits struct {
	RequestsPerMinute int     `yaml:"requests_per_minute" json:"requests_per_minute"`
	TokensPerMinute   int     `yaml:"tokens_per_minute" json:"tokens_per_minute"`
	USDPerDay         float64 `yaml:"usd_per_day" json:"usd_per_day"`
}

// Validate wants all of the limits, or none, which switches the model off.
func (l Limits) Validate() error {
	if l != (Limits{}) && (l.RequestsPerMinute <= 0 || l.TokensPerMinute <= 0 || !(l.USDPerDay > 0)) {
		return errors.New("limits: give requests_per_minute, tokens_per_minute and usd_per_day, or none of them to switch the model off")
	}
	return nil
}

// limiter keeps the counts of every market.
type limiter struct {
	mu         sync.Mutex
	everywhere Limits
	markets    map[string]Limits
	usage      map[string]*usage // markets are two letters, so this is bounded
	// What requests have lately cost at most is what the next one is booked as, so that
	// those in flight can not overshoot a limit. Until that is known they go one by one.
	dearestTokens int
	dearestUSD    float64
	known         bool
	inFlight      int
}

type usage struct {
	minute, day time.Time // of the counts
	used        Limits
}

// booking is a request that is under way.
type booking struct {
	market string
	tokens int
	usd    float64
}

func newLimiter(everywhere Limits) *limiter {
	return &limiter{everywhere: everywhere, usage: map[string]*usage{}}
}

func (l *limiter) set(everywhere Limits, markets map[string]Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.everywhere, l.markets = everywhere, maps.Clone(markets)
}

// book takes a request's share of the limits in advance.
func (l *limiter) book(market string, now time.Time) (booking, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, own := l.markets[market]
	if !own {
		limit = l.everywhere
	}
	u := l.at(market, now)
	b := booking{market, l.dearestTokens, l.dearestUSD}
	if !l.known && l.inFlight > 0 {
		return b, fmt.Errorf("%w: what a request costs is not known yet", router.ErrUnavailable)
	}
	for _, over := range []struct {
		what string
		yes  bool
	}{
		{"requests a minute", u.used.RequestsPerMinute >= limit.RequestsPerMinute},
		{"tokens a minute", u.used.TokensPerMinute+b.tokens > limit.TokensPerMinute && (u.used.TokensPerMinute > 0 || limit.TokensPerMinute == 0)},
		{"spend a day", u.used.USDPerDay+b.usd > limit.USDPerDay && (u.used.USDPerDay > 0 || limit.USDPerDay == 0)},
	} {
		if over.yes {
			return b, fmt.Errorf("%w of %s", router.ErrLimited, over.what)
		}
	}
	l.inFlight++
	u.used.RequestsPerMinute++
	u.used.TokensPerMinute += b.tokens
	u.used.USDPerDay += b.usd
	return b, nil
}

// settle replaces what was booked by what it came to. A request that no server was asked
// for gives everything back.
func (l *limiter) settle(b booking, tokens int, usd float64, asked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	u := l.usage[b.market] // a window that has passed since takes the difference: it is small
	u.used.TokensPerMinute = max(u.used.TokensPerMinute+tokens-b.tokens, 0)
	u.used.USDPerDay = max(u.used.USDPerDay+usd-b.usd, 0)
	if !asked {
		u.used.RequestsPerMinute = max(u.used.RequestsPerMinute-1, 0)
		return
	}
	l.known = true
	l.dearestTokens = max(tokens, l.dearestTokens*9/10) // one odd request is forgotten in time
	l.dearestUSD = max(usd, l.dearestUSD*0.9)
}

// at returns the counts of a market with the windows of now.
func (l *limiter) at(market string, now time.Time) *usage {
	u := l.usage[market]
	if u == nil {
		u = &usage{}
		l.usage[market] = u
	}
	if minute := now.UTC().Truncate(time.Minute); minute != u.minute {
		u.minute, u.used.RequestsPerMinute, u.used.TokensPerMinute = minute, 0, 0
	}
	if day := now.UTC().Truncate(24 * time.Hour); day != u.day {
		u.day, u.used.USDPerDay = day, 0
	}
	return u
}

func (l *limiter) used(now time.Time) map[string]Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[string]Limits, len(l.usage))
	for market := range l.usage {
		out[market] = l.at(market, now).used
	}
	return out
}

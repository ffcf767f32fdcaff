package gateway

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/parallel-fusion/pfr/producers/gateway/access"
	"github.com/parallel-fusion/pfr/schemas"
)

// admit lets a request in that needs a scope, and returns it with its principal in its
// context; or says why not.
func (g *Gateway) admit(w http.ResponseWriter, r *http.Request, scope access.Scope) (*http.Request, *problem) {
	who, err := g.guard.Identify(r.Header)
	if p := g.limits.take(w.Header(), g.limits.clientOf(r, who), who.Rate); p != nil {
		g.m.limited.Inc()
		return r, p
	}
	if err == nil && !who.May(scope) && who.Name == "" {
		err = access.ErrMissing
	}
	switch {
	case err != nil:
		return r, unauthorised(err)
	case who.ByCookie && crossOrigin(r):
		return r, elsewhere()
	case !who.May(scope):
		return r, forbidden(scope, "The credential does not allow this: it lacks the scope "+string(scope)+".")
	}
	return r.WithContext(access.With(r.Context(), who)), nil
}

func unauthorised(err error) *problem {
	p := newProblem(http.StatusUnauthorized, "Send a key or a token as Authorization: Bearer, or a key as X-Api-Key.")
	p.authenticate = `Bearer realm="pfr"`
	if !errors.Is(err, access.ErrMissing) {
		p.Detail = upperFirst(err.Error()) + "."
		p.authenticate += `, error="invalid_token"`
	}
	return p
}

func forbidden(scope access.Scope, detail string) *problem {
	p := newProblem(http.StatusForbidden, detail)
	p.authenticate = `Bearer realm="pfr", error="insufficient_scope"`
	if scope != "" {
		p.authenticate += `, scope="` + string(scope) + `"`
	}
	return p
}

// inMarket refuses searches in a market that the principal has no part in.
func inMarket(ctx context.Context, market string) *problem {
	if visible(ctx, market) {
		return nil
	}
	return forbidden(access.Search, "The credential does not allow the market "+market+".")
}

// choosesArm refuses a search that names the arm of the roll-out which decides it, unless
// the principal may see why pages are as they are.
func choosesArm(ctx context.Context, experiments map[string]string) *problem {
	if _, named := experiments[schemas.ExperimentArm]; !named || access.From(ctx).May(access.Explain) {
		return nil
	}
	return forbidden(access.Explain, "experiments."+schemas.ExperimentArm+": the credential lacks the scope explain, which choosing an arm needs.")
}

// visible reports whether the principal may read pages of a market.
func visible(ctx context.Context, market string) bool { return access.From(ctx).In(market) }

// limiter bounds how often each client asks.
type limiter struct {
	cfg     LimitsConfig
	proxies []netip.Prefix // whose X-Forwarded-For is believed
	clients *lru.Cache[string, *rate.Limiter]
}

func newLimiter(cfg Config) (*limiter, error) {
	proxies, err := cfg.proxies()
	if err != nil {
		return nil, err
	}
	clients, err := lru.New[string, *rate.Limiter](cfg.Limits.Clients)
	if err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	return &limiter{cfg.Limits, proxies, clients}, nil
}

// take counts a request of a client and tells it in h how many it has left. own is the
// client's own bound, in place of the configured one.
func (l *limiter) take(h http.Header, client string, own access.Rate) *problem {
	if own.PerSecond == 0 {
		own = access.Rate{PerSecond: l.cfg.PerSecond, Burst: l.cfg.Burst}
	}
	if own.PerSecond == 0 {
		return nil
	}
	now, lim := time.Now(), l.limiterOf(client, own)
	allowed := lim.AllowN(now, 1)
	left := math.Max(lim.TokensAt(now), 0)
	full := (float64(own.Burst) - left) / own.PerSecond
	h.Set("RateLimit-Limit", strconv.Itoa(own.Burst))
	h.Set("RateLimit-Remaining", strconv.Itoa(int(left)))
	h.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil(full))))
	if allowed {
		return nil
	}
	wait := math.Ceil((1 - left) / own.PerSecond)
	return newProblem(http.StatusTooManyRequests, "Too many requests. Wait as Retry-After says.").retry(max(1, int(wait)))
}

// limiterOf returns the limiter of a client, at the rate that it has now.
func (l *limiter) limiterOf(client string, own access.Rate) *rate.Limiter {
	lim, ok := l.clients.Get(client)
	if !ok {
		fresh := rate.NewLimiter(rate.Limit(own.PerSecond), own.Burst)
		if lim, ok, _ = l.clients.PeekOrAdd(client, fresh); !ok {
			lim = fresh
		}
	}
	if lim.Limit() != rate.Limit(own.PerSecond) || lim.Burst() != own.Burst {
		lim.SetLimit(rate.Limit(own.PerSecond))
		lim.SetBurst(own.Burst)
	}
	return lim
}

// clientOf names who is limited together: a principal, or else an address.
func (l *limiter) clientOf(r *http.Request, who access.Principal) string {
	if who.Name != "" {
		return "name " + who.Name
	}
	return "address " + l.addressOf(r)
}

// hostBits is the part of an IPv6 address that names a network. Whoever has one address of
// it has them all.
const hostBits = 64

// addressOf returns the address that a request comes from: that of the connection, or the
// last one of X-Forwarded-For that is no trusted proxy, if a trusted proxy says so.
func (l *limiter) addressOf(r *http.Request) string {
	conn, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := conn.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && l.trusts(addr); i-- {
		hop, ok := hopOf(hops[i])
		if !ok {
			break
		}
		addr = hop
	}
	addr = addr.WithZone("")
	if addr.Is6() {
		net, _ := addr.Prefix(hostBits) // the bits fit any IPv6 address
		return net.String()
	}
	return addr.String()
}

// hopOf reads an address of X-Forwarded-For, which some proxies write with its port.
func hopOf(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap(), true
	}
	both, err := netip.ParseAddrPort(s)
	return both.Addr().Unmap(), err == nil
}

func (l *limiter) trusts(addr netip.Addr) bool {
	for _, n := range l.proxies {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

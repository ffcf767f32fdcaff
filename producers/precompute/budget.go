package precompute

// budget keeps the money that is spent below a limit.
type budget struct {
	limit   float64
	spent   float64
	dearest float64 // request so far
	known   bool    // whether a request has shown what one costs
}

// margin is how much more than the dearest request so far the next one may cost.
const margin = 2

// admits reports whether one more request may begin beside those in flight. A request that
// is alone may begin while anything is left, so the limit is exceeded by one request at
// most; the others must fit with all that are in flight.
func (b *budget) admits(inFlight int) bool {
	if inFlight == 0 {
		return b.spent < b.limit
	}
	return b.known && b.spent+float64(inFlight+1)*margin*b.dearest <= b.limit
}

// settle books a request that has ended. One that cost nothing shows what requests cost
// only if it was answered.
func (b *budget) settle(usd float64, answered bool) {
	b.spent += usd
	b.dearest = max(b.dearest, usd)
	b.known = b.known || answered || usd > 0
}

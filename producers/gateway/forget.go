package gateway

import "github.com/parallel-fusion/pfr/schemas"

// Forget drops pages from memory that searches which have ended left there, and says how
// many. Searches in hand end as they would.
func (g *Gateway) Forget(theirs func(schemas.SERP) bool) int {
	return g.flights.forget(theirs)
}

func (fs *flights) forget(theirs func(schemas.SERP) bool) (n int) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, id := range fs.recent.Keys() {
		f, ok := fs.recent.Peek(id)
		if !ok {
			continue
		}
		if _, end, _ := f.since(0); end != nil && end.err == nil && theirs(end.page) {
			fs.recent.Remove(id)
			n++
		}
	}
	return n
}

package outcome

import (
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/schemas"
)

// shardCount is into how many slices the state is cut for snapshots. Searches are spread
// by their ids, whose last byte is random.
const shardCount = 256

// Join holds searches and their events. It is safe for concurrent use.
type Join struct {
	cfg  Config
	m    metrics
	subs []Subscriber

	saving sync.Mutex // one snapshot at a time

	mu       sync.Mutex
	clock    clock
	shapes   shapes
	timeline timeline
	shards   [shardCount]shard
	held     int       // searches
	floor    int64     // searches of earlier minutes have left
	waiting  int       // events without a page
	queue    []waiter  // those that wait, in order of arrival
	snap     *snapshot // that is being saved, nil if none is

	before, after Outcome // room for changes
}

// shard is a slice of the state.
type shard struct {
	index    int
	searches map[ID]*search
	waiting  map[ID]*orphans
}

// New returns an empty Join.
func New(cfg Config, reg prometheus.Registerer) (*Join, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("outcome config: %w", err)
	}
	j := &Join{cfg: cfg, m: newMetrics(reg)}
	j.empty()
	return j, nil
}

// empty forgets everything but the number of partitions.
func (j *Join) empty() {
	old := j.clock
	j.clock, j.shapes, j.timeline = newClock(), newShapes(), newTimeline()
	for topic, list := range old.partitions {
		j.clock.expect(topic, len(list))
	}
	for i := range j.shards {
		j.shards[i] = shard{index: i, searches: map[ID]*search{}, waiting: map[ID]*orphans{}}
	}
	j.held, j.floor, j.waiting, j.queue = 0, unread, 0, nil
}

// Subscribe makes s hear of every change from now on. Call it before Load and before the
// first record.
func (j *Join) Subscribe(s Subscriber) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.subs = append(j.subs, s)
}

// Expect says how many partitions a topic has. Until something of each was read, or Idle
// was called, the watermark stands still. Call it before the first record.
func (j *Join) Expect(topic string, partitions int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.clock.expect(topic, partitions)
}

// Idle says that every partition of a topic has been read to its end as of now, so that
// one without traffic does not hold the watermark.
func (j *Join) Idle(topic string, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.clock.idle(topic, now)
	j.expire()
	j.m.searches.Set(float64(j.held))
	j.m.waiting.Set(float64(j.waiting))
}

// Shrunk reports whether a topic is not the one of the loaded snapshot: the snapshot stands
// for records beyond its end. The ends are the offsets of the next records to be written, by
// partition; one that is missing ends at 0. Such a topic was made anew, or has lost what it
// held, and Page and Interaction would pass over what is in it. Ask between Load and the
// first record, for both topics; if it is so for either, call Reset. A topic that was made
// anew and has grown longer than the old one cannot be told apart.
func (j *Join) Shrunk(topic string, ends map[int]int64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.clock.shrunk(topic, ends)
}

// Reset empties the state and that of the parts, and forgets the partitions of the topics:
// call Expect after it, and read both topics from their start. Revisions, if some were
// published, are for the owner of the part to seed anew.
func (j *Join) Reset() error {
	j.saving.Lock()
	defer j.saving.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.clock = newClock()
	j.empty()
	j.clock.anew = true
	return j.emptyParts()
}

// Next returns the offset of the next record to read, by partition: those that were read
// or loaded.
func (j *Join) Next(topic string) map[int]int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	next := map[int]int64{}
	for i, p := range j.clock.partitions[topic] {
		if p.next > 0 {
			next[i] = p.next
		}
	}
	return next
}

// Watermark returns the time up to which every partition was read; zero if it is not known.
func (j *Join) Watermark() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.clock.watermark == unread {
		return time.Time{}
	}
	return time.UnixMilli(j.clock.watermark).UTC()
}

// Held returns how many searches are held, and how many events wait for their page.
func (j *Join) Held() (searches, waiting int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.held, j.waiting
}

// missed tells subscribers of records that are no more.
func (j *Join) missed(at Record) {
	if !j.clock.begins(at) {
		return
	}
	for _, s := range j.subs {
		if b, ok := s.(Beginner); ok {
			b.Begins(at.Time.Add(maxEarly))
		}
	}
}

// Page takes a page. The first one of a correlation id in its partition counts; health
// checks do not.
func (j *Join) Page(page schemas.SERP, at Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.missed(at)
	if !j.clock.advance(at) {
		return
	}
	j.expire()
	if id, ok := ParseID(page.CorrelationID); ok {
		j.m.pages.WithLabelValues(j.takePage(&page, id, at)).Inc()
	}
}

func (j *Join) takePage(page *schemas.SERP, id ID, at Record) (became string) {
	if page.Probe {
		return pageProbe
	}
	sh := j.shard(id)
	if sh.searches[id] != nil {
		return pageDuplicate
	}
	asked := min(page.AskedAt().UnixMilli(), at.Time.Add(maxEarly).UnixMilli()) // nobody asks after the page
	if minuteOf(asked) < j.floor {
		return pageLate
	}
	j.touch(sh)
	s := newSearch(page, id, asked, j.shapes.of(page))
	j.adopt(sh, s)
	sh.searches[id] = s
	j.held++
	j.timeline.insert(s)
	s.flags |= j.timeline.judgeNeighbours(s)
	j.timeline.earlier(s, reformulatedIn, j.rejudge)
	s.describe(&j.after, j.cfg.Attribution)
	j.tell(Change{After: &j.after})
	j.makeRoom()
	return pageTaken
}

// rejudge says what the neighbours of a search make of it now.
func (j *Join) rejudge(s *search) {
	const ofNeighbours = flagTyped | flagReformulated
	now := s.flags&^ofNeighbours | j.timeline.judgeNeighbours(s)
	if now != s.flags {
		j.change(s, func() { s.flags = now })
	}
}

// change changes a search that is held, and tells of it.
func (j *Join) change(s *search, do func()) { j.tell(j.changed(s, do)) }

// changed changes a search that is held, and returns the change.
func (j *Join) changed(s *search, do func()) Change {
	j.touch(j.shard(s.id))
	s.describe(&j.before, j.cfg.Attribution)
	do()
	s.describe(&j.after, j.cfg.Attribution)
	return Change{Before: &j.before, After: &j.after}
}

func (j *Join) tell(c Change) {
	for _, sub := range j.subs {
		sub.Changed(c)
	}
}

// Interaction takes an event, before or after its page.
func (j *Join) Interaction(i schemas.Interaction, at Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.missed(at)
	if !j.clock.advance(at) {
		return
	}
	j.expire()
	id, ok := ParseID(i.QueryID)
	if !ok {
		return
	}
	e, age := newEvent(&i, at)
	j.countClock(&i, at)
	if age > j.cfg.Lateness {
		j.became(eventTooOld, 1)
		return
	}
	sh := j.shard(id)
	if s := sh.searches[id]; s != nil {
		j.became(j.join(s, e), 1)
		return
	}
	j.wait(sh, id, e)
}

// join adds an event to its search and returns what became of it.
func (j *Join) join(s *search, e event) string {
	if s.is(flagFlooded) {
		return eventFlooded
	}
	events, did := s.events.add(e)
	if did == addedAgain {
		return eventDuplicate
	}
	_, v := judge(s.shape, s.at, e, j.cfg.Attribution)
	if did == addedNew && v != counts { // it is kept, so that it counts once, and changes nothing
		j.touch(j.shard(s.id))
		s.events = events
		return verdictName(v)
	}
	j.change(s, func() {
		s.events = events
		if did == addedFlood {
			s.flags |= flagFlooded
		}
	})
	switch did {
	case addedFlood:
		return eventFlooded
	case addedBefore:
		return eventDuplicate
	default:
		return eventJoined
	}
}

func verdictName(v verdict) string {
	return [...]string{counts: eventJoined, outOfWindow: eventOutOfWindow, unknownSection: eventUnknownSection}[v]
}

// countClock takes note of clocks that are wrong.
func (j *Join) countClock(i *schemas.Interaction, at Record) {
	received, sent := i.ReceivedAt, i.SentAt
	if received.IsZero() {
		received = at.Time
	}
	if sent.IsZero() {
		sent = received
	}
	switch {
	case i.Timestamp.Sub(sent) > skewFrom:
		j.m.clocks.WithLabelValues(clockFuture).Inc()
	case sent.Sub(received).Abs() > skewFrom:
		j.m.clocks.WithLabelValues(clockSkewed).Inc()
	}
}

func (j *Join) became(outcome string, n int) {
	j.m.events.WithLabelValues(outcome).Add(float64(n))
}

func (j *Join) shard(id ID) *shard { return &j.shards[id[len(id)-1]] }

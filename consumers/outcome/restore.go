package outcome

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Load replaces the state, and that of the parts, by a saved one. Its error wraps
// ErrDamaged if r holds no whole snapshot of these parts; the state is empty then. Records
// at offsets that the snapshot stands for are ignored from then on.
func (j *Join) Load(r io.Reader) error {
	j.saving.Lock()
	defer j.saving.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.empty()
	l := loading{j: j, shapes: map[uint64]*Shape{}, parts: map[string][]byte{}}
	err := l.read(r)
	if err == nil {
		err = j.loadParts(l.parts)
	}
	if err != nil {
		j.empty()
		return errors.Join(fmt.Errorf("load outcomes: %w", err), j.emptyParts())
	}
	j.arrange()
	return nil
}

// loadParts gives each part its state. A part without one is an error: it would lack what
// the snapshot stands for.
func (j *Join) loadParts(states map[string][]byte) error {
	for _, sub := range j.subs {
		p, ok := sub.(Part)
		if !ok {
			continue
		}
		state, ok := states[p.Name()]
		if !ok {
			return fmt.Errorf("%w: no part %s", ErrDamaged, p.Name())
		}
		if err := p.Load(bytes.NewReader(state)); err != nil {
			return fmt.Errorf("%w: part %s: %w", ErrDamaged, p.Name(), err)
		}
	}
	return nil
}

func (j *Join) emptyParts() error {
	var errs []error
	for _, sub := range j.subs {
		if p, ok := sub.(Part); ok {
			errs = append(errs, p.Load(bytes.NewReader(nil)))
		}
	}
	return errors.Join(errs...)
}

// loading is a snapshot that is being read.
type loading struct {
	j      *Join
	shapes map[uint64]*Shape // by serial
	parts  map[string][]byte
	shards int
}

func (l *loading) read(r io.Reader) error {
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != magic {
		return fmt.Errorf("%w: not of this version", ErrDamaged)
	}
	for {
		block, err := readBlock(r)
		if err != nil {
			return err
		}
		in := &reader{rest: block[1:]}
		switch block[0] {
		case blockHead:
			l.head(in)
		case blockPart:
			name := in.text()
			l.parts[name], in.rest = in.rest, nil
		case blockShard:
			l.shard(in)
		case blockEnd:
			if l.shards != shardCount {
				in.fail("slices are missing")
			}
			return in.done()
		}
		if err := in.done(); err != nil {
			return err
		}
	}
}

func readBlock(r io.Reader) ([]byte, error) {
	var prefix [blockPrefix]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	size := binary.BigEndian.Uint32(prefix[:])
	if size == 0 || size > maxBlock {
		return nil, fmt.Errorf("%w: block of %d bytes", ErrDamaged, size)
	}
	var block bytes.Buffer // grows with what is there, not with what the length claims
	if n, err := io.CopyN(&block, r, int64(size)); err != nil {
		return nil, fmt.Errorf("%w: %d of %d bytes: %w", ErrDamaged, n, size, err)
	}
	if checksum(block.Bytes()) != binary.BigEndian.Uint32(prefix[4:]) {
		return nil, fmt.Errorf("%w: checksum", ErrDamaged)
	}
	return block.Bytes(), nil
}

func (l *loading) head(in *reader) {
	j := l.j
	j.floor = in.signed()
	for topics := in.count(); topics > 0; topics-- {
		topic, partitions := in.text(), in.count()
		j.clock.expect(topic, partitions)
		for i := range partitions {
			next := in.signed()
			j.clock.partitions[topic][i] = progress{next: next, loaded: next, time: in.signed()}
		}
	}
	j.clock.settle()
	for shapes := in.count(); shapes > 0; shapes-- {
		serial := in.number()
		s, err := readShape(in.text())
		if err != nil {
			in.fail("shape")
			return
		}
		j.shapes.add(s)
		l.shapes[serial] = s
	}
}

func (l *loading) shard(in *reader) {
	j := l.j
	index := in.number()
	if index >= shardCount {
		in.fail("slice")
		return
	}
	sh := &j.shards[index]
	l.shards++
	for n := in.count(); n > 0 && in.err == nil; n-- {
		if s := l.search(in); s != nil {
			sh.searches[s.id] = s
			j.held++
		}
	}
	for n := in.count(); n > 0 && in.err == nil; n-- {
		id := ID(in.bytes(len(ID{})))
		o := &orphans{since: in.signed(), flooded: in.flag(), events: packed(in.text())}
		sh.waiting[id] = o
		j.waiting += o.events.len()
	}
}

// whole reports whether the facts are as long as the shape says.
func (s *search) whole() bool {
	return len(s.facts) >= 2*len(s.shape.Slots) && len(s.facts) >= s.numbers()
}

func (l *loading) search(in *reader) *search {
	s := &search{id: ID(in.bytes(len(ID{}))), at: in.signed()}
	s.shape = l.shapes[in.number()]
	s.client = Subject(binary.BigEndian.Uint64(in.bytes(8)))
	s.user = Subject(binary.BigEndian.Uint64(in.bytes(8)))
	s.facts, s.events, s.cost = in.text(), packed(in.text()), in.signed()
	for i := range s.timings {
		s.timings[i] = Bin(in.signed())
	}
	s.status, s.flags = in.bytes(1)[0], flags(in.bytes(1)[0])
	if in.err == nil && (s.shape == nil || !s.whole()) {
		in.fail("search without its shape")
	}
	if in.err != nil {
		return nil
	}
	s.shape.refs++
	return s
}

// arrange makes what follows from the searches: the timeline and the queue.
func (j *Join) arrange() {
	for i := range j.shards {
		for _, s := range j.shards[i].searches {
			m := minuteOf(s.at)
			j.timeline.minutes[m] = append(j.timeline.minutes[m], s)
		}
		for id, o := range j.shards[i].waiting {
			j.queue = append(j.queue, waiter{id, o.since})
		}
	}
	for _, list := range j.timeline.minutes {
		slices.SortFunc(list, func(a, b *search) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
	}
	slices.SortFunc(j.queue, func(a, b waiter) int {
		if a.since != b.since {
			return int(min(max(a.since-b.since, -1), 1))
		}
		return bytes.Compare(a.id[:], b.id[:])
	})
}

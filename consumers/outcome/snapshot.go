package outcome

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"time"
)

// magic begins a snapshot; its number is the version of the form.
const magic = "pfr outcome 1\n"

// A snapshot is the magic and blocks: length and CRC-32C in four bytes each, then a byte
// for what it is, then that.
const (
	blockHead  = 'h' // offsets, floor and shapes
	blockPart  = 'p' // name and state of a part
	blockShard = 's'
	blockEnd   = 'e'
)

const (
	blockPrefix = 8
	maxBlock    = 1 << 30
)

// snapshot is the state at one point in time while it is being saved. A shard is encoded
// when its turn comes, or right before it changes.
type snapshot struct {
	blocks [shardCount]buffer // nil once written
	done   [shardCount]bool
	pause  time.Duration // the longest time for which the join stood still
}

// touch must be called before a shard changes: a snapshot in the making gets the shard as
// it was.
func (j *Join) touch(sh *shard) {
	if j.snap != nil && !j.snap.done[sh.index] {
		j.snap.take(sh)
	}
}

func (n *snapshot) take(sh *shard) {
	began := time.Now()
	n.blocks[sh.index], n.done[sh.index] = sh.encode(), true
	n.pause = max(n.pause, time.Since(began))
}

// Save writes the state as it is at the beginning of the call. The join goes on meanwhile;
// what changes before its turn costs memory until it is written.
func (j *Join) Save(w io.Writer) error {
	j.saving.Lock()
	defer j.saving.Unlock()
	began := time.Now()
	n, head, parts, err := j.begin()
	if err != nil {
		return fmt.Errorf("save outcomes: %w", err)
	}
	out := &countingWriter{w: w}
	_, err = io.WriteString(out, magic)
	if err == nil {
		err = writeBlock(out, head)
	}
	for i := range j.shards { // before the parts, as every slice that changes first costs memory
		block := j.slice(n, i) // also after an error: what is encoded must be let go
		if err == nil {
			err = writeBlock(out, block)
		}
	}
	j.end()
	for i := range parts {
		if err == nil {
			err = parts[i].write(out)
		}
	}
	if err == nil {
		err = writeBlock(out, buffer{blockEnd})
	}
	if err != nil {
		return fmt.Errorf("save outcomes: %w", err)
	}
	j.m.saved.WithLabelValues().Observe(time.Since(began).Seconds())
	j.m.savedSize.Set(float64(out.n))
	j.m.pause.Set(n.pause.Seconds())
	return nil
}

// frozen is the state of a part at one point in time.
type frozen struct {
	name string
	save func(w io.Writer) error
}

// freeze fixes the state of a part. One that is no [Freezer] is encoded on the spot.
func freeze(p Part) (frozen, error) {
	if f, ok := p.(Freezer); ok {
		return frozen{p.Name(), f.Freeze()}, nil
	}
	var state bytes.Buffer
	if err := p.Save(&state); err != nil {
		return frozen{}, fmt.Errorf("part %s: %w", p.Name(), err)
	}
	return frozen{p.Name(), func(w io.Writer) error { _, err := state.WriteTo(w); return err }}, nil
}

// write writes the state as a block.
func (f *frozen) write(w io.Writer) error {
	block := bytes.NewBuffer(buffer{blockPart}.text(f.name))
	if err := f.save(block); err != nil {
		return fmt.Errorf("part %s: %w", f.name, err)
	}
	return writeBlock(w, block.Bytes())
}

// begin fixes the point in time.
func (j *Join) begin() (n *snapshot, head buffer, parts []frozen, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	began := time.Now()
	for _, sub := range j.subs {
		p, ok := sub.(Part)
		if !ok {
			continue
		}
		f, err := freeze(p)
		if err != nil {
			return nil, nil, nil, err
		}
		parts = append(parts, f)
	}
	head = j.encodeHead()
	j.snap = &snapshot{pause: time.Since(began)}
	return j.snap, head, parts, nil
}

// slice returns the block of a shard.
func (j *Join) slice(n *snapshot, i int) buffer {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.touch(&j.shards[i])
	block := n.blocks[i]
	n.blocks[i] = nil
	return block
}

func (j *Join) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.snap = nil
}

func (j *Join) encodeHead() buffer {
	b := buffer{blockHead}.signed(j.floor).number(uint64(len(j.clock.partitions)))
	for _, topic := range slices.Sorted(maps.Keys(j.clock.partitions)) {
		list := j.clock.partitions[topic]
		b = b.text(topic).number(uint64(len(list)))
		for _, p := range list {
			b = b.signed(p.next).signed(p.time)
		}
	}
	b = b.number(uint64(len(j.shapes.byKey)))
	for key, s := range j.shapes.byKey {
		b = b.number(uint64(s.serial)).text(key)
	}
	return b
}

func (sh *shard) encode() buffer {
	const usual = 160 // bytes of a search
	b := append(make(buffer, 0, usual*(len(sh.searches)+1)), blockShard)
	b = b.number(uint64(sh.index)).number(uint64(len(sh.searches)))
	for _, s := range sh.searches {
		b = s.encode(b)
	}
	b = b.number(uint64(len(sh.waiting)))
	for id, o := range sh.waiting {
		b = append(b, id[:]...)
		b = b.signed(o.since).flag(o.flooded).text(string(o.events))
	}
	return b
}

func (s *search) encode(b buffer) buffer {
	b = append(b, s.id[:]...)
	b = b.signed(s.at).number(uint64(s.shape.serial))
	b = binary.BigEndian.AppendUint64(b, uint64(s.client))
	b = binary.BigEndian.AppendUint64(b, uint64(s.user))
	b = b.text(s.facts).text(string(s.events)).signed(s.cost)
	for _, bin := range s.timings {
		b = b.signed(int64(bin))
	}
	return append(b, s.status, byte(s.flags))
}

func writeBlock(w io.Writer, block buffer) error {
	var prefix [blockPrefix]byte
	binary.BigEndian.PutUint32(prefix[:], uint32(len(block)))
	binary.BigEndian.PutUint32(prefix[4:], checksum(block))
	if _, err := w.Write(prefix[:]); err != nil {
		return err
	}
	_, err := w.Write(block)
	return err
}

func checksum(block []byte) uint32 {
	return crc32.Checksum(block, crc32.MakeTable(crc32.Castagnoli))
}

type countingWriter struct {
	w io.Writer
	n int64
}

// Write implements [io.Writer].
func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

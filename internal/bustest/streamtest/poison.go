package streamtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/stream"
)

// letters reads the dead letters written so far, by the value of the original record.
func (b *bench) letters(t *testing.T, dead string) map[string]stream.Message {
	t.Helper()
	out := map[string]stream.Message{}
	err := stream.Tail(b.ctx, b.cluster, raw(dead), stream.TailConfig{UntilEnd: true},
		func(_ context.Context, v []byte, m stream.Meta) error {
			part, errP := strconv.Atoi(m.Header(stream.HeaderOriginPartition))
			off, errO := strconv.ParseInt(m.Header(stream.HeaderOriginOffset), 10, 64)
			if err := errors.Join(errP, errO); err != nil {
				return err
			}
			origin, err := b.cluster.ReadAt(b.ctx, m.Header(stream.HeaderOriginTopic), part, off)
			if err != nil {
				return err
			}
			out[string(origin.Value)] = stream.Message{Key: m.Key, Value: v, Headers: m.Headers}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func testPoison(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "poison", 1), b.topic(t, "poison-dead", 1)
	p := b.producer(t)
	cfg := b.config(p, dead)
	cfg.MaxAttempts = 3
	cfg.Redact = func(v []byte) []byte { return fmt.Appendf(nil, "%d bytes", len(v)) }
	var mu sync.Mutex
	handled := map[string]bool{}
	b.join(t, topic, cfg, func(_ context.Context, n note, _ stream.Meta) error {
		switch n.Key {
		case "permanent":
			return fmt.Errorf("outer: %w", stream.Permanent(errors.New("wrong kind")))
		case "exhausted":
			return errors.New(strings.Repeat("long ", 500))
		case "panic":
			panic("secret of the payload")
		case "index":
			var none []int
			_ = none[n.Seq]
		}
		mu.Lock()
		defer mu.Unlock()
		handled[n.Key] = true
		return nil
	})
	for _, v := range []string{"a:1", "permanent:1", "b:1", "no number", "c:1", "exhausted:1", "panic:1", "index:1", "d:1"} {
		key, _, _ := strings.Cut(v, ":")
		if _, _, err := p.Produce(b.ctx, stream.Message{Topic: topic, Key: []byte(key), Value: []byte(v)}); err != nil {
			t.Fatal(err)
		}
	}
	b.eventually(t, "the partition has moved on", func() bool { return b.committedAll(cfg.Group, topic) })
	mu.Lock()
	defer mu.Unlock()
	if len(handled) != 4 {
		t.Errorf("handled %v, want a, b, c and d", handled)
	}
	checkLetters(t, cfg.Group, b.letters(t, dead))
}

func checkLetters(t *testing.T, group string, letters map[string]stream.Message) {
	t.Helper()
	want := map[string][2]string{ // kind, attempts
		"permanent:1": {stream.KindPermanent, "1"},
		"no number":   {stream.KindDecode, "0"},
		"exhausted:1": {stream.KindExhausted, "3"},
		"panic:1":     {stream.KindPanic, "3"},
		"index:1":     {stream.KindPanic, "3"},
	}
	if len(letters) != len(want) {
		t.Errorf("%d dead letters, want %d", len(letters), len(want))
	}
	for origin, w := range want {
		m, ok := letters[origin]
		if !ok {
			t.Errorf("%s: no dead letter", origin)
			continue
		}
		if m.Header(stream.HeaderErrorKind) != w[0] || m.Header(stream.HeaderAttempts) != w[1] || m.Header(stream.HeaderGroup) != group {
			t.Errorf("%s: headers %s", origin, m.Headers)
		}
		key, _, _ := strings.Cut(origin, ":")
		if string(m.Key) != key || string(m.Value) != fmt.Sprintf("%d bytes", len(origin)) {
			t.Errorf("%s: key %q, value %q", origin, m.Key, m.Value)
		}
		text := m.Header(stream.HeaderError)
		if text == "" || len(text) > 512 || strings.Contains(text, "secret") {
			t.Errorf("%s: error text of %d bytes: %.80s", origin, len(text), text)
		}
		if _, err := time.Parse(time.RFC3339Nano, m.Header(stream.HeaderFailedAt)); err != nil {
			t.Errorf("%s: %v", origin, err)
		}
	}
}

func testBlocked(t *testing.T, b *bench) {
	topic := b.topic(t, "blocked", 1)
	dead := b.name("blocked-dead") // does not exist yet
	p := b.producer(t)
	cfg := b.config(p, dead)
	cfg.HandlersPerPartition = 1
	handle := func(_ context.Context, n note, _ stream.Meta) error {
		if n.Seq == 2 {
			return stream.Permanent(errFlaky)
		}
		return nil
	}
	first := b.join(t, topic, cfg, handle)
	b.publish(t, topic, 1, 5)
	b.eventually(t, "the blocked partition shows", func() bool {
		return b.metric(t, "pfr_stream_blocked_partitions") == 1
	})
	b.eventually(t, "the lag shows", func() bool { return b.metric(t, "pfr_stream_lag_records") == 3 })
	first.leave(t) // without a dead letter the poison stays with the group
	committed, err := b.cluster.Committed(b.ctx, cfg.Group, topic)
	if err != nil || committed[0] != 2 {
		t.Errorf("committed %v, %v: want 2, the offset of the poison", committed, err)
	}
	b.join(t, topic, cfg, handle)
	if err := b.cluster.EnsureTopics(b.ctx, stream.TopicSpec{Name: dead, Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	b.eventually(t, "the partition moves on", func() bool { return b.committedAll(cfg.Group, topic) })
	if n := len(b.letters(t, dead)); n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
	b.eventually(t, "the partition is not blocked any more", func() bool {
		return b.metric(t, "pfr_stream_blocked_partitions") == 0
	})
}

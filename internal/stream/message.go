package stream

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/segmentio/kafka-go"
)

// Header is one record header. Keys may repeat and keep their order.
type Header struct {
	Key   string
	Value []byte
}

// Message is one record. Produce reads Topic, Key, Value, Headers and Time (zero means now);
// the other fields are set on records that were read. Nobody changes the byte slices after
// handing a Message over.
type Message struct {
	Topic     string
	Partition int
	Offset    int64
	// HighWaterMark is the end of the partition when the record was fetched.
	HighWaterMark int64
	Key           []byte
	Value         []byte
	Headers       []Header
	Time          time.Time
}

// Header returns the value of the first header called key, or "" when there is none.
func (m Message) Header(key string) string { return headerValue(m.Headers, key) }

// size estimates the bytes of m inside a batch.
func (m Message) size() int {
	n := len(m.Key) + len(m.Value) + recordOverhead
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value) + headerOverhead
	}
	return n
}

// Upper bounds of the framing of a record and of a header in a v2 batch.
const (
	recordOverhead = 32
	headerOverhead = 10
)

// Meta says where a payload came from and which attempt at handling it this is.
type Meta struct {
	Topic         string
	Partition     int
	Offset        int64
	HighWaterMark int64
	Key           []byte
	Time          time.Time
	Headers       []Header
	Attempt       int // 1 for the first attempt
}

// Header returns the value of the first header called key, or "" when there is none.
func (m Meta) Header(key string) string { return headerValue(m.Headers, key) }

func headerValue(hs []Header, key string) string {
	for _, h := range hs {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func metaOf(m Message, attempt int) Meta {
	return Meta{
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, HighWaterMark: m.HighWaterMark,
		Key: m.Key, Time: m.Time, Headers: m.Headers, Attempt: attempt,
	}
}

// Topic binds a topic name to a payload type.
type Topic[T any] struct {
	Name string
	// Key picks the partition key; payloads of one key keep their order. A nil Key, or an
	// empty result, spreads records over the partitions.
	Key func(T) string
	// Encode returns bytes that the producer may keep until the write has ended.
	Encode func(T) ([]byte, error)
	// Decode must not keep or change its argument, and its errors must not quote payload
	// bytes: their text goes into the headers of dead letters.
	Decode func([]byte) (T, error)
}

// Handler deals with one payload. Nil means that its effect is durable: the record may be
// committed. An error is retried, then dead-lettered; see [Permanent]. The context ends when
// the attempt times out or the drain time of a leaving member is over.
type Handler[T any] func(ctx context.Context, v T, m Meta) error

// laneOf spreads keys over n lanes; records without a key go round by offset.
func laneOf(seed maphash.Seed, m Message, n int) int {
	if n == 1 {
		return 0
	}
	if len(m.Key) == 0 {
		return int(m.Offset % int64(n))
	}
	return int(maphash.Bytes(seed, m.Key) % uint64(n))
}

func fromKafka(k kafka.Message) Message {
	m := Message{
		Topic: k.Topic, Partition: k.Partition, Offset: k.Offset, HighWaterMark: k.HighWaterMark,
		Key: k.Key, Value: k.Value, Time: k.Time,
	}
	if len(k.Headers) > 0 {
		m.Headers = make([]Header, len(k.Headers))
		for i, h := range k.Headers {
			m.Headers[i] = Header{Key: h.Key, Value: h.Value}
		}
	}
	return m
}

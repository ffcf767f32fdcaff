package outcome

import (
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Record is where and when a message was read.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time // of the record; it must be set
}

// ID is a correlation id.
type ID [16]byte

// ParseID reads the usual form of a UUID.
func ParseID(s string) (id ID, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	var digits [32]byte
	n := 0
	for _, part := range [...]string{s[:8], s[9:13], s[14:18], s[19:23], s[24:]} {
		n += copy(digits[n:], part)
	}
	_, err := hex.Decode(id[:], digits[:])
	return id, err == nil
}

// String returns the usual form.
func (id ID) String() string {
	var out [36]byte
	hex.Encode(out[:8], id[:4])
	hex.Encode(out[9:13], id[4:6])
	hex.Encode(out[14:18], id[6:8])
	hex.Encode(out[19:23], id[8:10])
	hex.Encode(out[24:], id[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// Subject is the pseudonym of a client or a user; 0 is nobody.
type Subject uint64

// pseudonymDigits is the length of a pseudonym.
const pseudonymDigits = 16

// SubjectOf returns the subject of a pseudonym: its value if it is 16 hexadecimal digits,
// as the aggregator makes them, else a hash of it. "" is nobody.
func SubjectOf(pseudonym string) Subject {
	if pseudonym == "" {
		return 0
	}
	if len(pseudonym) == pseudonymDigits {
		if n, err := strconv.ParseUint(pseudonym, 16, 64); err == nil && n != 0 {
			return Subject(n)
		}
	}
	return Subject(hash(pseudonym))
}

// String returns the pseudonym in 16 hexadecimal digits, "" for nobody.
func (s Subject) String() string {
	if s == 0 {
		return ""
	}
	text := strconv.FormatUint(uint64(s), 16)
	for len(text) < pseudonymDigits {
		text = "0" + text
	}
	return text
}

// hash is FNV-1a, without the allocation of hash/fnv. It is the same in every process:
// snapshots hold its results.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// Stage is a part of the time of a page.
type Stage int

// Stages, as in [schemas.Timings].
const (
	StageTotal Stage = iota
	StageQueued
	StageRouter
	StageTools
	StageRefine
	Stages // how many there are
)

// String returns the name of the stage in metrics.
func (s Stage) String() string {
	return [...]string{"total", "queued", "router", "tools", "refine"}[s]
}

// Bin is a duration as a bin of [schemas.Histogram].
type Bin int16

// ZeroBin is of durations that have no bin.
const ZeroBin Bin = math.MinInt16

// BinOf returns the bin of a duration in milliseconds.
func BinOf(ms float64) Bin {
	bin, ok := schemas.HistogramBin(ms)
	if !ok {
		return ZeroBin
	}
	return Bin(min(bin, math.MaxInt16))
}

// MS returns the duration that stands for the bin, in milliseconds.
func (b Bin) MS() float64 {
	if b == ZeroBin {
		return 0
	}
	return schemas.HistogramValue(int(b))
}

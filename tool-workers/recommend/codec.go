package recommend

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
)

// ErrFormat is returned for a file that is no model, is damaged, or is of another version.
var ErrFormat = errors.New("not a readable model file")

// magic opens a model; its last byte is the version of the form.
const magic = "pfr-recs\x01"

// maxText bounds the JSON header, a key and a name.
const maxText = 1 << 16

// header is the part of a model that is stored as JSON.
type header struct {
	Saturation Saturation `json:"saturation"`
	Mix        Mix        `json:"mix"`
	Rank       int        `json:"rank"`
	Alpha      float64    `json:"alpha"`
	Reg        float64    `json:"reg"`
}

// Save writes the model: magic, header, tables and arrays in little endian, each with its
// length before it, and the SHA-256 of all that.
func (m *Model) Save(w io.Writer) error {
	sum, err := m.write(w)
	if err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	if _, err := w.Write(sum); err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	return nil
}

// write writes all but the checksum, which it returns.
func (m *Model) write(w io.Writer) ([]byte, error) {
	e := &encoder{sum: sha256.New()}
	e.w = bufio.NewWriterSize(io.MultiWriter(w, e.sum), 1<<16)
	e.bytes([]byte(magic))
	h := header{Saturation: m.saturation, Mix: m.mix, Alpha: m.alpha, Reg: m.reg}
	if m.factors != nil {
		h.Rank = m.factors.rank
	}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	e.text(string(text))
	e.table(m.items)
	e.table(m.users)
	putArray(e, m.listeners)
	e.sparse(&m.predictors.sparse)
	putArray(e, m.predictors.shared)
	e.optional(m.histories)
	e.factors(m.factors)
	e.factors(m.userFactors)
	if e.err == nil {
		e.err = e.w.Flush()
	}
	return e.sum.Sum(nil), e.err
}

// seal prepares a new model and computes its version.
func (m *Model) seal() error {
	if err := m.prepare(); err != nil {
		return err
	}
	sum, err := m.write(io.Discard)
	if err != nil {
		return fmt.Errorf("version: %w", err)
	}
	m.version = hex.EncodeToString(sum[:8])
	return nil
}

// encoder writes until the first error.
type encoder struct {
	w   *bufio.Writer
	sum hash.Hash
	err error
}

func (e *encoder) bytes(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}

func (e *encoder) length(n int) { e.bytes(binary.AppendUvarint(nil, uint64(n))) }

func (e *encoder) text(s string) {
	if len(s) > maxText && e.err == nil {
		e.err = fmt.Errorf("text of %d bytes: longer than %d", len(s), maxText)
	}
	e.length(len(s))
	e.bytes([]byte(s))
}

func (e *encoder) table(t table) {
	e.length(len(t.keys))
	for _, k := range t.keys {
		e.text(k)
	}
}

func (e *encoder) optional(m *sparse) {
	if m == nil {
		m = &sparse{ptr: []int{0}}
	}
	e.sparse(m)
}

// sparse writes the lengths of the rows, the columns and the values.
func (e *encoder) sparse(m *sparse) {
	lengths := make([]uint32, m.rows())
	for r := range lengths {
		lengths[r] = uint32(m.ptr[r+1] - m.ptr[r])
	}
	putArray(e, lengths)
	putArray(e, m.col)
	putArray(e, m.val)
}

func (e *encoder) factors(f *factors) {
	if f == nil {
		f = &factors{}
	}
	putArray(e, f.a)
}

// chunk is how many numbers are converted at a time.
const chunk = 1 << 14

func putArray[T uint32 | float32](e *encoder, xs []T) {
	e.length(len(xs))
	buf := make([]byte, 0, 4*min(chunk, len(xs)))
	for len(xs) > 0 {
		n := min(chunk, len(xs))
		buf = buf[:0]
		for _, x := range xs[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, toBits(x))
		}
		e.bytes(buf)
		xs = xs[n:]
	}
}

func toBits[T uint32 | float32](x T) uint32 {
	if f, ok := any(x).(float32); ok {
		return math.Float32bits(f)
	}
	return uint32(x)
}

func fromBits[T uint32 | float32](b uint32) (x T) {
	switch p := any(&x).(type) {
	case *float32:
		*p = math.Float32frombits(b)
	case *uint32:
		*p = b
	}
	return x
}

// Load reads what Save wrote, and nothing beyond it when r is an io.ByteReader. It fails
// with ErrFormat for anything else; a file that lies about its lengths costs no more memory
// than a few times its size.
func Load(r io.Reader) (*Model, error) {
	m, err := load(r)
	if err != nil {
		return nil, fmt.Errorf("load model: %w", err)
	}
	return m, nil
}

func load(r io.Reader) (*Model, error) {
	d := newDecoder(r)
	if got := d.bytes(len(magic)); d.err == nil && !bytes.Equal(got, []byte(magic)) {
		return nil, fmt.Errorf("%w: it opens with %q", ErrFormat, got)
	}
	var h header
	if text := d.text(); d.err == nil {
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			return nil, fmt.Errorf("%w: header: %w", ErrFormat, err)
		}
	}
	m := &Model{saturation: h.Saturation, mix: h.Mix, alpha: h.Alpha, reg: h.Reg}
	m.items, m.users = d.table(), d.table()
	m.listeners = getArray[uint32](d)
	m.predictors = &lists{sparse: *d.sparse(m.Items())}
	m.predictors.shared = getArray[uint32](d)
	m.histories = d.sparse(m.Items())
	m.factors = d.factors(h.Rank)
	m.userFactors = d.factors(h.Rank)
	sum := d.sum.Sum(nil)
	if stored := d.bytes(len(sum)); d.err == nil && !bytes.Equal(stored, sum) {
		return nil, fmt.Errorf("%w: its checksum does not match", ErrFormat)
	}
	if d.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, d.err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	m.version = hex.EncodeToString(sum[:8])
	return m, m.prepare()
}

// check reports parts that do not fit each other.
func (m *Model) check() error {
	n := m.Items()
	if len(m.histories.ptr) == 1 {
		m.histories = nil
	}
	switch {
	case len(m.listeners) != n:
		return fmt.Errorf("%d counts of listeners for %d items", len(m.listeners), n)
	case m.predictors.rows() != n || len(m.predictors.shared) != len(m.predictors.col):
		return fmt.Errorf("%d rows of predictors for %d items", m.predictors.rows(), n)
	case m.histories != nil && m.histories.rows() != m.Users():
		return fmt.Errorf("%d histories for %d users", m.histories.rows(), m.Users())
	case m.factors != nil && m.factors.rows() != n:
		return fmt.Errorf("%d item factors for %d items", m.factors.rows(), n)
	case m.userFactors != nil && (m.factors == nil || m.userFactors.rows() != m.Users()):
		return fmt.Errorf("user factors do not fit %d users", m.Users())
	}
	return m.saturation.validate()
}

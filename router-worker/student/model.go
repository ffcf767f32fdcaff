package student

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Model is a trained classifier: multinomial logistic regression over hashed features.
// It is immutable.
type Model struct {
	header
	weights  []float32           // buckets × stride
	everyday map[uint64]struct{} // see view
}

// header says what a model is and where it came from.
type header struct {
	Format   int      `json:"format"`
	Routes   []string `json:"routes"`
	Data     string   `json:"data"`   // hash of what it was trained on, see [TrainingData.Hash]
	Public   string   `json:"public"` // hash of the labels whose public queries it learnt; empty: none
	Seed     uint64   `json:"seed"`
	Examples int      `json:"examples"`
	calibration
	Words int `json:"words"`
	Rows  int `json:"rows"`
}

// calibration turns scores into probabilities that say how often a route is right.
type calibration struct {
	Temperature float64 `json:"temperature"` // of the softmax
	// Floor is the share of the probability that all routes get alike: how often a query is
	// not what it looks like, however sure the scores are.
	Floor float64 `json:"floor"`
}

const (
	modelMagic  = "pfr student\n"
	modelFormat = 2
	stride      = 8         // most routes a model tells apart
	unit        = 1.0 / 512 // of a stored weight
)

// ErrModel says that bytes are not a model that this code can use.
var ErrModel = errors.New("not a student model")

// MarshalBinary writes the model. Weights are rounded to 1/512.
func (m *Model) MarshalBinary() ([]byte, error) {
	h := m.header
	h.Words = len(m.everyday)
	rows := m.rows()
	h.Rows = len(rows)
	head, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("model header: %w", err)
	}
	out := append([]byte(modelMagic), head...)
	out = append(out, '\n')
	words := make([]uint64, 0, len(m.everyday))
	for w := range m.everyday {
		words = append(words, w)
	}
	slices.Sort(words)
	for _, w := range words {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	for _, b := range rows {
		out = binary.LittleEndian.AppendUint16(out, uint16(b))
		for r := range h.Routes {
			out = binary.LittleEndian.AppendUint16(out, uint16(quantise(m.weights[b*stride+r])))
		}
	}
	return out, nil
}

func quantise(w float32) int16 {
	return int16(max(math.MinInt16, min(math.MaxInt16, math.RoundToEven(float64(w)/unit))))
}

// rows lists the buckets with weights.
func (m *Model) rows() []int {
	var rows []int
	for b := range buckets {
		for r := range m.Routes {
			if quantise(m.weights[b*stride+r]) != 0 {
				rows = append(rows, b)
				break
			}
		}
	}
	return rows
}

// ReadModel reads what [Model.MarshalBinary] wrote. Its errors wrap [ErrModel].
func ReadModel(data []byte) (*Model, error) {
	rest, ok := bytes.CutPrefix(data, []byte(modelMagic))
	head, rest, found := bytes.Cut(rest, []byte("\n"))
	m := &Model{}
	if !ok || !found || json.Unmarshal(head, &m.header) != nil {
		return nil, fmt.Errorf("%w: header", ErrModel)
	}
	row := 2 + 2*len(m.Routes)
	switch {
	case m.Format != modelFormat:
		return nil, fmt.Errorf("%w: format %d", ErrModel, m.Format)
	case len(m.Routes) == 0 || len(m.Routes) > stride:
		return nil, fmt.Errorf("%w: %d routes", ErrModel, len(m.Routes))
	case !(m.Temperature > 0) || !(m.Floor >= 0 && m.Floor < 1): // NaN too
		return nil, fmt.Errorf("%w: temperature %v, floor %v", ErrModel, m.Temperature, m.Floor)
	case m.Words < 0 || m.Rows < 0 || m.Words > len(rest) || m.Rows > buckets || len(rest) != 8*m.Words+row*m.Rows:
		return nil, fmt.Errorf("%w: %d bytes of weights", ErrModel, len(rest))
	}
	m.everyday = make(map[uint64]struct{}, m.Words)
	for range m.Words {
		m.everyday[binary.LittleEndian.Uint64(rest)] = struct{}{}
		rest = rest[8:]
	}
	m.weights = make([]float32, buckets*stride)
	for range m.Rows {
		at := int(binary.LittleEndian.Uint16(rest)) * stride
		for r := range m.Routes {
			m.weights[at+r] = float32(int16(binary.LittleEndian.Uint16(rest[2+2*r:]))) * unit
		}
		rest = rest[row:]
	}
	return m, nil
}

// raw adds up the evidence for each route, scaled by norm.
func (m *Model) raw(fs []feature, norm float32) [stride]float32 {
	var s [stride]float32
	for _, f := range fs {
		row := m.weights[f.bucket*stride : f.bucket*stride+stride]
		for r := range s {
			s[r] += float32(row[r] * f.value)
		}
	}
	for r := range s {
		s[r] *= norm
	}
	return s
}

// evidence is the length that every text's features are scaled to.
const evidence = 4

// normalise returns the factor that gives the features of a text the same length as those
// of any other, so that a long text is not surer than a short one.
func normalise(fs []feature) float32 {
	var sum float32
	for _, f := range fs {
		sum += float32(f.value * f.value)
	}
	if sum == 0 {
		return 0
	}
	return evidence / float32(math.Sqrt(float64(sum)))
}

// probabilities turns n scores into probabilities.
func (c calibration) probabilities(s [stride]float32, n int) (p [stride]float64) {
	top := slices.Max(s[:n])
	var sum float64
	for r := range n {
		p[r] = math.Exp(float64(s[r]-top) / c.Temperature)
		sum += p[r]
	}
	for r := range n {
		p[r] = (1-c.Floor)*p[r]/sum + c.Floor/float64(n)
	}
	return p
}

// best returns the most probable route and its probability.
func best(p [stride]float64, n int) (int, float64) {
	at := 0
	for r := 1; r < n; r++ {
		if p[r] > p[at] {
			at = r
		}
	}
	return at, p[at]
}

func shortHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

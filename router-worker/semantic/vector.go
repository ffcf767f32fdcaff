package semantic

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxText bounds what is looked at of a text, in bytes.
const maxText = 256

func limit(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// vector is a text as a bag of its words, pairs of words and runs of three characters, by
// hash: sorted by feature, without repeats, of length 1.
type vector []weight

type weight struct {
	feature uint64
	value   float32
}

const gram = 3 // characters

func vectorOf(text string) vector {
	words := strings.Fields(text)
	v := make(vector, 0, len(text)+2*len(words))
	last := ""
	for _, w := range words {
		v = append(v, weight{feature("w", w), 1})
		if last != "" {
			v = append(v, weight{feature("p", last+" "+w), 1})
		}
		last = w
	}
	padded := " " + strings.Join(words, " ") + " "
	ends := make([]int, 0, len(padded)) // where characters begin, and the end
	for i := range padded {
		ends = append(ends, i)
	}
	ends = append(ends, len(padded))
	for i := 0; i+gram < len(ends); i++ {
		v = append(v, weight{feature("c", padded[ends[i]:ends[i+gram]]), 1})
	}
	return v.normal()
}

// normal sorts, adds up what occurs twice and scales to length 1.
func (v vector) normal() vector {
	slices.SortFunc(v, func(a, b weight) int { return cmp.Compare(a.feature, b.feature) })
	out := v[:0]
	for _, w := range v {
		if n := len(out); n > 0 && out[n-1].feature == w.feature {
			out[n-1].value += w.value
		} else {
			out = append(out, w)
		}
	}
	sum := 0.0
	for _, w := range out {
		sum += float64(w.value) * float64(w.value)
	}
	scale := float32(1 / math.Sqrt(max(sum, 1)))
	for i := range out {
		out[i].value *= scale
	}
	return slices.Clip(out)
}

// cosine returns the similarity of two vectors, 0 to 1.
func cosine(a, b vector) float64 {
	sum := 0.0
	for len(a) > 0 && len(b) > 0 {
		switch x, y := a[0], b[0]; {
		case x.feature < y.feature:
			a = a[1:]
		case x.feature > y.feature:
			b = b[1:]
		default:
			sum += float64(x.value) * float64(y.value)
			a, b = a[1:], b[1:]
		}
	}
	return sum
}

// signature is a SimHash (Charikar, 2002): each bit tells on which side of a random plane
// a vector lies. Two vectors differ in a share of bits that is their angle over π.
type signature [2]uint64

const signatureBits = 128

func (v vector) signature() (s signature) {
	var sides [signatureBits]float32
	for _, w := range v {
		for word := range s {
			h := mix(w.feature + uint64(word)*0x9e3779b97f4a7c15)
			for bit := range 64 {
				sides[word*64+bit] += w.value * float32(int64(h>>bit&1)*2-1)
			}
		}
	}
	for i, side := range sides {
		if side > 0 {
			s[i/64] |= 1 << (i % 64)
		}
	}
	return s
}

func (s signature) distance(t signature) int {
	return bits.OnesCount64(s[0]^t[0]) + bits.OnesCount64(s[1]^t[1])
}

// reach returns a distance that signatures of vectors with at least this cosine do not
// come to, but for one pair in thirty thousand: the mean and four standard deviations.
func reach(cosine float64) int {
	p := math.Acos(min(cosine, 1)) / math.Pi
	return int(signatureBits*p+4*math.Sqrt(signatureBits*p*(1-p))) + 1
}

// mix spreads the bits of a number (SplitMix64: Steele, Lea, Flood, 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// feature hashes a part of a text, apart by kind (FNV-1a).
func feature(kind, part string) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range [...]string{kind, part} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	return mix(h)
}

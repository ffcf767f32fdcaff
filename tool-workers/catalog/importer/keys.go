package importer

import (
	"crypto/sha256"
	"encoding/hex"
)

// mbPrefix marks keys that are MBIDs.
const mbPrefix = "mb-"

// digest stands for a key or name in an index: the MBID itself, or a hash. Two that differ
// do not collide in practice.
type digest [16]byte

func digestOf(key string) digest {
	if len(key) == len(mbPrefix)+36 && key[:len(mbPrefix)] == mbPrefix {
		if d, ok := parseUUID(key[len(mbPrefix):]); ok {
			return d
		}
	}
	sum := sha256.Sum256([]byte(key))
	return digest(sum[:16])
}

// shortHash returns 16 hexadecimal digits that stand for s.
func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// parseUUID reads the usual form with hyphens, in either case.
func parseUUID(s string) (d digest, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return digest{}, false
	}
	at := 0
	for i := range 36 {
		if s[i] == '-' {
			if i != 8 && i != 13 && i != 18 && i != 23 {
				return digest{}, false
			}
			continue
		}
		nibble, ok := unhex(s[i])
		if !ok {
			return digest{}, false
		}
		d[at/2] = d[at/2]<<4 | nibble
		at++
	}
	return d, at == 32
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	default:
		return 0, false
	}
}

// numbering gives the keys of one type numbers in the order in which they come.
type numbering struct {
	numbers map[digest]int32
	keys    []digest
	named   map[int32]string // keys that are not MBIDs
}

func newNumbering() *numbering {
	return &numbering{numbers: map[digest]int32{}, named: map[int32]string{}}
}

// add returns the number of a key, and whether it is new.
func (n *numbering) add(key string) (int32, bool) {
	d := digestOf(key)
	if at, ok := n.numbers[d]; ok {
		return at, false
	}
	at := int32(len(n.keys))
	n.numbers[d] = at
	n.keys = append(n.keys, d)
	if mbForm(d) != key {
		n.named[at] = key
	}
	return at, true
}

func (n *numbering) find(key string) (int32, bool) {
	at, ok := n.numbers[digestOf(key)]
	return at, ok
}

// key is the inverse of find.
func (n *numbering) key(at int32) string {
	if key, ok := n.named[at]; ok {
		return key
	}
	return mbForm(n.keys[at])
}

func (n *numbering) len() int { return len(n.keys) }

// mbForm writes a digest as the key of an MBID.
func mbForm(d digest) string {
	const form = "00000000-0000-0000-0000-000000000000"
	out := make([]byte, 0, len(mbPrefix)+len(form))
	out = append(out, mbPrefix...)
	for i, part := range [][]byte{d[:4], d[4:6], d[6:8], d[8:10], d[10:]} {
		if i > 0 {
			out = append(out, '-')
		}
		out = hex.AppendEncode(out, part)
	}
	return string(out)
}

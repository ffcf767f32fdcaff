package stream

import (
	"encoding/binary"
	"math/rand/v2"
)

// partitionOf picks the partition of key as the Java client does: murmur2 of the key, sign bit
// cleared, modulo n. A nil or empty key goes anywhere.
func partitionOf(key []byte, n int) int {
	if len(key) == 0 {
		return rand.IntN(n)
	}
	return int(murmur2(key)&0x7fffffff) % n
}

// murmur2 is the 32-bit MurmurHash2 with the seed of Kafka's Java client.
func murmur2(data []byte) uint32 {
	const mix = 0x5bd1e995
	h := 0x9747b28c ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * mix
		k ^= k >> 24
		h = h*mix ^ k*mix
	}
	if len(data) > 0 {
		var tail [4]byte
		copy(tail[:], data)
		h = (h ^ binary.LittleEndian.Uint32(tail[:])) * mix
	}
	h ^= h >> 13
	h *= mix
	return h ^ h>>15
}

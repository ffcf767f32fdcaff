package stream

import "testing"

// TestMurmur2 holds the vectors of UtilsTest.testMurmur2 in Apache Kafka's Java client.
func TestMurmur2(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
}

// TestPartitionOf checks Java's toPositive: the sign bit is cleared, not negated.
func TestPartitionOf(t *testing.T) {
	for key, want := range map[string]int{
		"21":     (-973932308 & 0x7fffffff) % 12,
		"foobar": (-790332482 & 0x7fffffff) % 12,
		"abc":    479470107 % 12,
	} {
		if got := partitionOf([]byte(key), 12); got != want {
			t.Errorf("partition of %q is %d, want %d", key, got, want)
		}
	}
	seen := map[int]bool{}
	for range 1000 {
		seen[partitionOf(nil, 3)] = true
	}
	if len(seen) != 3 {
		t.Errorf("records without a key reach %d of 3 partitions", len(seen))
	}
}

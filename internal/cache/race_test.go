//go:build race

package cache_test

// raceDetector slows everything tenfold. Replays of a million requests by one goroutine
// leave it nothing to find.
const raceDetector = true

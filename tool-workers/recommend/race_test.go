//go:build race

package recommend_test

// raceDetector makes tests that only compute ten times slower.
const raceDetector = true

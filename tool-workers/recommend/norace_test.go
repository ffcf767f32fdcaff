//go:build !race

package recommend_test

const raceDetector = false

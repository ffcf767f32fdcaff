package listening_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// BenchmarkNewFinder makes the finder that all tools share, over a hundred thousand tracks.
func BenchmarkNewFinder(b *testing.B) {
	c := invented.New(b, invented.Many, 0).Catalog
	for b.Loop() {
		if _, err := taste.NewFinder(c, taste.Nobody{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkListener looks up what the models expect of a listener.
func BenchmarkListener(b *testing.B) {
	w := invented.New(b, invented.Many, invented.Listeners)
	l := w.Learn(b, nil)
	for i := 0; b.Loop(); i++ {
		if _, ok := l.Listener(w.Plays[i*97%len(w.Plays)].User); !ok {
			b.Fatal("a listener is not known")
		}
	}
}

package listening_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// TestCompanionsAreOfTheSameCircle counts, for the artists with twenty listeners or more, how
// many of the first five companions are of the same scene and circle of taste, which the
// models are not told.
//
// Measured: 0.999 of the scene and 0.473 of the circle, where 0.019 and 0.002 would be by
// chance. The thresholds leave a margin.
func TestCompanionsAreOfTheSameCircle(t *testing.T) {
	w := invented.New(t, invented.Tracks, invented.Listeners)
	l := w.Learn(t, nil)
	listeners := map[int]map[string]bool{}
	for _, p := range w.Plays {
		if a := w.Artist(p); listeners[a] == nil {
			listeners[a] = map[string]bool{p.User: true}
		} else {
			listeners[a][p.User] = true
		}
	}
	artists, companions, scene, circle := 0, 0, 0, 0
	for i := range w.Catalog.Count(catalog.TypeArtist) {
		if len(listeners[i]) < 20 {
			continue
		}
		artists++
		own, _ := w.Truth.Artist(w.Catalog.Artist(i).ID())
		near := l.Companions(i)
		for _, x := range near[:min(5, len(near))] {
			companions++
			place, _ := w.Truth.Artist(w.Catalog.Artist(x.Artist).ID())
			if place.Scene == own.Scene {
				scene++
			}
			if place == own {
				circle++
			}
		}
	}
	inScene, inCircle := float64(scene)/float64(companions), float64(circle)/float64(companions)
	t.Logf("artists %d, companions %d: %.3f of the scene, %.3f of the circle", artists, companions, inScene, inCircle)
	if artists < 100 || inScene < 0.95 || inCircle < 0.4 {
		t.Error("want 0.95 of the scene and 0.4 of the circle")
	}
}

package generate

import (
	"strconv"
	"strings"
)

// Truth knows how an invented catalogue was made, which no tool is told. Tools are judged
// by it.
type Truth struct{ w *world }

// NewTruth returns the truth of the catalogue that [Catalogue] makes of the same sizes and
// seed.
func NewTruth(sizes Sizes, seed uint64) (*Truth, error) {
	w, err := sizes.world(seed)
	if err != nil {
		return nil, err
	}
	return &Truth{w}, nil
}

// Place is where an artist belongs: a scene, and in it a circle of artists that are heard
// together beyond what the scene explains.
type Place struct{ Scene, Circle int }

// Artist returns the place of the artist with this id, false for one that is not of the
// catalogue.
func (t *Truth) Artist(id string) (Place, bool) {
	i, err := strconv.Atoi(strings.TrimPrefix(id, "artist:g"))
	if err != nil || i < 0 || i >= t.w.artists {
		return Place{}, false
	}
	scene, _ := t.w.scene(i)
	return Place{scene, circle(i)}, true
}

package dj

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// intro speaks: a greeting for the wish, how the mix opens, where it goes. Which words it
// takes depends on the query alone.
func (t mixer) intro(query string, w taste.Wish, items []schemas.Item) string {
	h := fnv.New64a()
	h.Write([]byte(strings.ToLower(query) + "\x00" + w.String()))
	rng := rand.New(rand.NewPCG(h.Sum64(), 0))
	what := t.wished(w)
	first, last := items[0], items[len(items)-1]
	open := pick(rng,
		fmt.Sprintf("All right: %s.", what),
		fmt.Sprintf("You asked for %s, so here we go.", what),
		fmt.Sprintf("Let me put on %s.", what),
		fmt.Sprintf("Here is %s, end to end.", what))
	start := pick(rng,
		fmt.Sprintf("We open with %s by %s", first.Title, first.Artists[0]),
		fmt.Sprintf("%s by %s gets us going", first.Title, first.Artists[0]),
		fmt.Sprintf("First up is %s with %s", first.Artists[0], first.Title))
	way := ""
	if name := between(items); name != "" {
		way = pick(rng, ", then it goes by way of "+name, ", with "+name+" halfway through", ", and "+name+" takes over in the middle")
	}
	end := pick(rng,
		fmt.Sprintf(". Stay for %s: %s closes.", last.Title, last.Artists[0]),
		fmt.Sprintf(". We land on %s by %s.", last.Title, last.Artists[0]),
		fmt.Sprintf(". %s and %s bring us home.", last.Artists[0], last.Title))
	return open + " " + start + way + end
}

// between returns an artist from the middle of the mix that neither opens nor closes it.
func between(items []schemas.Item) string {
	for _, item := range items[len(items)/2:] {
		if name := item.Artists[0]; name != items[0].Artists[0] && name != items[len(items)-1].Artists[0] {
			return name
		}
	}
	return ""
}

func pick(rng *rand.Rand, lines ...string) string { return lines[rng.IntN(len(lines))] }

// wished names the mix. Of an artist it says only a name that the catalogue has.
func (t mixer) wished(w taste.Wish) string {
	what := w.String()
	if what != "" && w.Genre == "" { // "sad", "for dinner", "from the 1980s"
		music := w
		music.Genre = "music"
		what = music.String()
	}
	_, known := t.finder.Catalog().Named(w.Artist)
	switch {
	case what == "" && known:
		return "music in the way of " + w.Artist
	case what == "" && w.Artist != "":
		return "music for fans of just that"
	case what == "" && w.Language != "":
		return "music in " + taste.LanguageName(w.Language)
	case what == "" && w.Weeks > 0:
		return "what just came out"
	case what == "":
		return "a bit of everything that people love"
	case w.Weeks > 0:
		return "fresh " + what
	default:
		return what
	}
}

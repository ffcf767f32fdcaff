package generate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

func showForms() []string {
	return []string{
		"The %s Hour", "%s Weekly", "Inside %s", "All About %s", "%s Stories", "The %s Desk", "%s, Explained", "A Little %s",
		"%s after Dark", "The Daily %s", "Mostly %s", "Field Notes: %s",
	}
}

func episodeForms() []string {
	return []string{
		"Where to begin with %s", "What changed in %s this month", "Your questions about %s", "A short history of %s",
		"%s: the listener special", "The people behind %s", "Everything we missed about %s", "%s, one year on",
		"Three myths about %s", "A conversation on %s", "The case for %s", "What %s costs",
	}
}

func talkTongues() []string {
	return []string{"en", "en", "en", "en", "es", "de", "fr", "pt", "it", "en", "ja", "nl", "tr"}
}

// giveTalk invents shows, their episodes and playlists.
func (w *world) giveTalk(sink TalkSink, sizes Sizes) error {
	for i := range sizes.Shows {
		if err := sink.AddShow(w.show(i, sizes.Shows)); err != nil {
			return fmt.Errorf("show %d: %w", i, err)
		}
	}
	for i := range sizes.Shows {
		from, to := sizes.Episodes*i/sizes.Shows, sizes.Episodes*(i+1)/sizes.Shows
		if err := w.giveEpisodes(sink, i, to-from); err != nil {
			return fmt.Errorf("episodes of show %d: %w", i, err)
		}
	}
	for i := range sizes.Playlists {
		if err := sink.AddPlaylist(w.playlist(i)); err != nil {
			return fmt.Errorf("playlist %d: %w", i, err)
		}
	}
	return nil
}

func (w *world) talkOf(i int) talk {
	total := 0
	for _, t := range w.talks {
		total += t.weight
	}
	at := w.rng(streamShow, uint64(i)<<1|1).IntN(total)
	for _, t := range w.talks {
		if at -= t.weight; at < 0 {
			return t
		}
	}
	return w.talks[0]
}

func (w *world) show(i, of int) catalog.ShowRow {
	rng, t := w.rng(streamShow, uint64(i)<<1), w.talkOf(i)
	lang := pick(rng, talkTongues())
	host := w.tongues[lang].person(rng)
	title := fmt.Sprintf(pick(rng, showForms()), capitals(t.topic))
	if rng.IntN(2) == 0 {
		title += " with " + host
	}
	rank := float64(1 + (i*2654435761)%max(1, of))
	return catalog.ShowRow{
		Key: fmt.Sprintf("g%d", i), Title: title, Publisher: host + " Audio",
		Description: fmt.Sprintf("%s talks about %s and %s.", host, t.topic, t.other), Language: lang, Topics: []string{t.topic, t.other},
		Country: talkCountry(lang), Audience: pick(rng, []string{"general", "general", "general", "learners", "professionals"}),
		Popularity: max(1, int(1+99*(1-math.Log(rank)/math.Log(float64(of+1))))),
	}
}

// talkCountry returns where shows in a language are from.
func talkCountry(lang string) string {
	switch lang {
	case "en":
		return "GB"
	case "ja":
		return "JP"
	default:
		return strings.ToUpper(lang)
	}
}

func capitals(s string) string {
	words := strings.Fields(s)
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, " ")
}

func (w *world) giveEpisodes(sink TalkSink, show, n int) error {
	rng, t := w.rng(streamShow, uint64(show)<<1|1<<40), w.talkOf(show)
	gap := pick(rng, []int{1, 7, 7, 7, 14, 30})
	day := w.asOf.AddDate(0, 0, -rng.IntN(gap+1))
	for number := n; number > 0; number-- {
		topic := t.topic
		if rng.IntN(3) == 0 {
			topic = t.other
		}
		title := fmt.Sprintf(pick(rng, episodeForms()), topic)
		err := sink.AddEpisode(catalog.EpisodeRow{
			Key: fmt.Sprintf("g%d-%d", show, number), Title: strings.ToUpper(title[:1]) + title[1:], Show: fmt.Sprintf("g%d", show), Number: number,
			Topic: topic, Released: catalog.Day(day), Seconds: 600 + rng.IntN(5400), Synthetic: true,
		})
		if err != nil {
			return err
		}
		day = day.AddDate(0, 0, -gap)
	}
	return nil
}

func (w *world) playlist(i int) catalog.PlaylistRow {
	rng := w.rng(streamPlaylist, uint64(i))
	number := rng.IntN(len(w.scenes))
	s := w.scenes[number]
	mood := pick(rng, s.moods)
	row := catalog.PlaylistRow{
		Key: fmt.Sprintf("g%d", i), Title: capitals(mood) + " " + capitals(s.genres[0]), Genres: s.genres, Moods: []string{mood},
		Description: fmt.Sprintf("%s %s, invented for testing.", capitals(mood), s.genres[0]), Popularity: 1 + rng.IntN(100),
	}
	if rng.IntN(3) == 0 {
		row.Activities = []string{pick(rng, []string{"study", "workout", "party", "sleep", "road trip", "dinner", "focus", "running"})}
	}
	if rng.IntN(3) == 0 {
		row.EraFrom = s.from - s.from%10
		row.EraTo = row.EraFrom + 9
		row.Title += fmt.Sprintf(" %ds", row.EraFrom)
	}
	for range 12 {
		if key := w.artistKey(w.draw(rng, number)); !slices.Contains(row.Artists, key) {
			row.Artists = append(row.Artists, key)
		}
	}
	return row
}

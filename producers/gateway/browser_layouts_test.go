package gateway_test

import (
	"fmt"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// Displays as a manifest gives them to its components.
func shelfOfCards(width int) schemas.Display {
	return schemas.Display{Flow: schemas.FlowShelf, Form: schemas.FormCard, Width: width, Room: 6}
}

func gridOfCards(width, room int) schemas.Display {
	return schemas.Display{Flow: schemas.FlowGrid, Form: schemas.FormCard, Width: width, Room: room}
}

func listOfRows(width, room int) schemas.Display {
	return schemas.Display{Flow: schemas.FlowStack, Form: schemas.FormRow, Numbered: true, Width: width, Room: room}
}

func topHit(width, room int) schemas.Display {
	return schemas.Display{Flow: schemas.FlowStack, Form: schemas.FormRow, Lead: 1, Width: width, Room: room}
}

func answerCard(width int) schemas.Display {
	return schemas.Display{Flow: schemas.FlowStack, Form: schemas.FormRow, Text: schemas.TextAnswer, Width: width, Room: 1}
}

func spokenMix(width int) schemas.Display {
	return schemas.Display{Flow: schemas.FlowStack, Form: schemas.FormRow, Numbered: true, Text: schemas.TextIntro, Width: width, Room: 8}
}

// some makes items of a type.
func some(kind schemas.ItemType, n int) []schemas.Item {
	first := []string{"Quiet", "Velvet", "Northern", "Golden", "Paper", "Electric", "Hollow", "Saltwater", "Midnight", "Copper", "Distant", "Wildflower"}
	last := []string{"Harbour", "Machine", "Letters", "Orchard", "Signals", "Parade", "Mountain and the Very Long Name of a Thing", "Rooms", "Atlas", "Weather", "Choir"}
	items := make([]schemas.Item, n)
	for i := range items {
		name := first[i%len(first)] + " " + last[(i*5+len(kind))%len(last)]
		items[i] = item(kind, fmt.Sprintf("made/%s-%d", strings.ToLower(strings.ReplaceAll(name, " ", "-")), i), name, "", "")
		it := &items[i]
		it.Genres, it.Synthetic = []string{"dream pop", "indie rock"}, i%5 == 3
		switch kind {
		case "artist":
			it.Subtitle, it.Why = "dream pop · 1.2 M monthly listeners", "Shares listeners and three genres with the artist you named"
		case "album":
			it.Subtitle, it.ReleaseDate, it.Kind = []string{"Album · The ", "The "}[i%2]+last[i%len(last)], "2025-05-16", []string{"album", "ep", "single"}[i%3]
		case "track":
			it.Subtitle, it.ReleaseDate, it.Artists = "The "+last[i%len(last)], "2024-11-08", []string{"The " + last[i%len(last)]}
			if i%3 == 1 {
				it.Versions = []string{"live", "remaster"}
			}
		case "episode":
			it.Subtitle, it.ReleaseDate, it.Why = "A Show About Everything", "2025-06-20", "new this week"
		case "show":
			it.Subtitle, it.Why = "Some Network", "Popular with people who listen to true stories"
		case "playlist":
			it.Subtitle = "50 tracks · 3 h 20 min"
		}
	}
	return items
}

func landed(id, title, component string, d schemas.Display, items []schemas.Item) schemas.Section {
	return schemas.Section{ID: id, Title: title, Component: component, Tool: "search", Status: schemas.SectionOK, TookMS: 12, ServiceMS: 9, Display: d, Items: items}
}

func with(s schemas.Section, change func(*schemas.Section)) schemas.Section {
	change(&s)
	return s
}

// laidOut makes a complete page of sections.
func laidOut(layout string, sections ...schemas.Section) func(*schemas.SERP) {
	return func(p *schemas.SERP) {
		p.Layout, p.Sections, p.Status, p.Coverage = layout, sections, schemas.SERPComplete, 1
	}
}

const spoken = "Good evening. This one begins where the lights go down: slow guitars, a voice that is nearly asleep, and drums from the room next door. Halfway through it wakes up, so stay with it. Everything here is from the last two years, apart from one song that you will know at once, and that had to be in."

// layouts are pages of every design.
func layouts() map[string]func(*schemas.SERP) {
	answered := with(landed("release_date", "Release date", "answer", answerCard(5), some("album", 1)), func(s *schemas.Section) {
		s.Text = "The newest album is Velvet Orchard. It came out on 16 May 2025, six weeks ago."
	})
	mix := with(landed("mix", "A mix for this", "mix", spokenMix(12), some("track", 12)), func(s *schemas.Section) { s.Text = spoken })
	failed := with(landed("tour", "On tour", "cards", gridOfCards(12, 6), nil), func(s *schemas.Section) {
		s.Status, s.Reason, s.TookMS = schemas.SectionTimeout, "no answer within 300 ms", 300
	})
	none := with(landed("clips", "Clips", "list", listOfRows(12, 3), nil), func(s *schemas.Section) { s.Status = schemas.SectionEmpty })
	cached := with(landed("results", "Results", "hero", topHit(12, 7), append(some("artist", 1), some("track", 11)...)), func(s *schemas.Section) { s.Cached = true })
	return map[string]func(*schemas.SERP){
		"top-hit": laidOut("top_hit", cached),
		"artists": laidOut("artist_exploration", landed("similar_artists", "Similar artists", "cards", gridOfCards(12, 12), some("artist", 14)),
			landed("tracks", "Tracks by artists like this", "carousel", shelfOfCards(8), some("track", 10)), landed("artist", "The artist", "hero", topHit(4, 1), some("artist", 1))),
		"release": laidOut("release_watch", landed("latest_releases", "Latest albums", "carousel", shelfOfCards(12), some("album", 9)), answered,
			landed("recent_tracks", "Recent singles and tracks", "list", listOfRows(7, 5), some("track", 9))),
		"release-answer-first": laidOut("release_watch", answered, landed("latest_releases", "Latest albums", "carousel", shelfOfCards(12), some("album", 9)),
			landed("recent_tracks", "Recent singles and tracks", "list", listOfRows(7, 5), some("track", 5))),
		"exploration": laidOut("exploration", landed("for_you", "For you", "cards", gridOfCards(12, 12), some("album", 12)),
			landed("playlists", "Playlists", "carousel", shelfOfCards(12), some("playlist", 8)), mix),
		"podcasts": laidOut("podcast_shelves", landed("shows", "Shows", "carousel", shelfOfCards(12), some("show", 10)), landed("episodes", "Episodes", "list",
			listOfRows(7, 6), some("episode", 10)), landed("because_you_listen", "Because you listen to podcasts like these", "carousel", shelfOfCards(5), some("show", 4))),
		"episodes": laidOut("episode_list", landed("newest_episodes", "Newest episodes", "list", listOfRows(8, 8), some("episode", 10)), landed("show", "The show", "hero", topHit(4, 1), some("show", 1))),
		"plain": func(p *schemas.SERP) {
			laidOut("plain", landed("results", "Results", "list", listOfRows(12, 10), some("track", 10)))(p)
			p.Notice = "This does not look like something to listen to. Here is what a search finds."
		},
		"unknown": laidOut("something_new", with(landed("gallery", "A component of another manifest", "gallery_3000",
			schemas.Display{Flow: schemas.FlowGrid, Form: schemas.FormRow, Lead: 2, Numbered: true, Width: 9, Room: 8}, some("playlist", 11)),
			func(s *schemas.Section) { s.Text = "A note that stands beside the items" }),
			landed("aside", "Aside", "thing", schemas.Display{Flow: schemas.FlowStack, Form: schemas.FormCard, Width: 3, Room: 2}, some("show", 5)),
			with(landed("undisplayed", "Without a display", "list", schemas.Display{}, some("episode", 7)), func(*schemas.Section) {})),
		"fates": func(p *schemas.SERP) {
			laidOut("release_watch", failed, none, answered, landed("recent_tracks", "Recent singles and tracks", "list", listOfRows(7, 5), some("track", 2)),
				with(failed, func(s *schemas.Section) {
					s.ID, s.Status, s.Reason, s.Display = "gone", schemas.SectionNoResponder, "no worker of this tool is there", listOfRows(6, 4)
				}),
				with(failed, func(s *schemas.Section) {
					s.ID, s.Status, s.Reason, s.Display = "shed", schemas.SectionShed, "the tool has enough to do", listOfRows(6, 4)
				}))(p)
			p.Status, p.Coverage = schemas.SERPPartial, .5
		},
	}
}

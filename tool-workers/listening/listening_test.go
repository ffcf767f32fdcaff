package listening_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/listening"
	"github.com/parallel-fusion/pfr/tool-workers/recommend"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// twoCamps is a catalogue of ten artists, and a show, whose names tell their camp.
func twoCamps(t *testing.T) *catalog.Catalog {
	t.Helper()
	b := catalog.NewBuilder(time.Date(2025, time.June, 28, 0, 0, 0, 0, time.UTC))
	var errs []error
	for i := range 10 {
		key := []string{"left", "right"}[i%2] + string(rune('0'+i/2))
		errs = append(errs,
			b.AddArtist(catalog.ArtistRow{Key: key, Name: "The " + key, Popularity: 50 - i}),
			b.AddAlbum(catalog.AlbumRow{Key: key, Title: "Album", Artists: []string{key}, Kind: catalog.KindAlbum}))
		for _, n := range []string{"a", "b"} {
			errs = append(errs, b.AddTrack(catalog.TrackRow{Key: key + n, Title: "Track " + n, Album: key}))
		}
	}
	errs = append(errs,
		b.AddShow(catalog.ShowRow{Key: "s", Title: "Show", Language: "en"}), b.AddShow(catalog.ShowRow{Key: "z", Title: "Other", Language: "en"}),
		b.AddEpisode(catalog.EpisodeRow{Key: "s-1", Title: "Episode", Show: "s"}), b.AddPlaylist(catalog.PlaylistRow{Key: "p", Title: "List"}))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	c, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ref(t *testing.T, c *catalog.Catalog, id string) catalog.Ref {
	t.Helper()
	r, ok := c.Lookup(id)
	if !ok {
		t.Fatalf("no %s", id)
	}
	return r
}

// camps returns plays of forty listeners, each of all artists of one camp but one.
func camps(t *testing.T, c *catalog.Catalog) *listening.Plays {
	t.Helper()
	plays := listening.NewPlays(c)
	for u := range 40 {
		camp := []string{"left", "right"}[u%2]
		for i := range 5 {
			if i == u/2%5 {
				continue
			}
			id := fmt.Sprintf("track:%s%d%s", camp, i, []string{"a", "b"}[u/2%2])
			if err := plays.Add(fmt.Sprint("u", u), ref(t, c, id), 1, c.AsOf); err != nil {
				t.Fatal(err)
			}
		}
	}
	return plays
}

func train(t *testing.T, plays *listening.Plays) recommend.Bundle {
	t.Helper()
	cfg := invented.Training()
	cfg.Rank = 4
	bundle, err := plays.Train(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func TestCompanionsAreOfTheSameCamp(t *testing.T) {
	c := twoCamps(t)
	l := listening.New(c, train(t, camps(t, c)), false)
	left := ref(t, c, "artist:left0").Index
	got := l.Companions(left)
	if len(got) != 4 {
		t.Errorf("%d companions, want the 4 others of the camp", len(got))
	}
	for _, x := range got {
		if name := c.Artist(x.Artist).Name(); !strings.HasPrefix(name, "The left") || x.Artist == left || x.Score <= 0 || x.Score > 1 {
			t.Errorf("%s, score %v", name, x.Score)
		}
		if x.Shared != 12 { // of 20 of the camp, 4 leave out the one and 4 the other
			t.Errorf("%s: %d shared listeners, want 12", c.Artist(x.Artist).Name(), x.Shared)
		}
	}
}

func TestListenerShouldLikeWhatTheCampPlays(t *testing.T) {
	c := twoCamps(t)
	l := listening.New(c, train(t, camps(t, c)), true)
	got, ok := l.Listener("u0") // plays left1 to left4
	if !ok || !l.Invented() {
		t.Fatalf("known %v, invented %v", ok, l.Invented())
	}
	best, most := -1, 0.0
	for artist, likes := range got.Artists {
		if likes > most {
			best, most = artist, likes
		}
		if got.Played[catalog.Ref{Type: catalog.TypeArtist, Index: artist}] {
			t.Errorf("%s was played", c.Artist(artist).Name())
		}
	}
	if best != ref(t, c, "artist:left0").Index || most != 1 {
		t.Errorf("likes %v, want left0 the most, with 1", got.Artists)
	}
	for _, id := range []string{"artist:left1", "track:left1a"} {
		if !got.Played[ref(t, c, id)] {
			t.Errorf("%s is not played", id)
		}
	}
	if got.Played[ref(t, c, "track:left1b")] || got.Played[ref(t, c, "artist:right1")] {
		t.Error("played what was not")
	}
	if x, ok := l.Listener("nobody"); ok || len(x.Artists) > 0 {
		t.Errorf("nobody: %v", x)
	}
}

func TestPlaysCountForWhatTheyArePartOf(t *testing.T) {
	c := twoCamps(t)
	plays := listening.NewPlays(c)
	for _, user := range []string{"u1", "u2"} {
		for _, id := range []string{"track:left0a", "album:left1", "artist:right0", "episode:s-1", "show:z", "playlist:p", "track:left0b"} {
			if err := plays.Add(user, ref(t, c, id), 2, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	bundle := train(t, plays)
	for space, want := range map[string][]string{
		"artist": {"artist:left0", "artist:left1", "artist:right0"},
		"track":  {"track:left0a", "track:left0b"},
		"show":   {"show:s", "show:z"},
	} {
		var got []string
		for i := range bundle[space].Items() {
			got = append(got, bundle[space].Item(i))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", space, got, want)
		}
	}
	if len(bundle) != 3 {
		t.Errorf("%d spaces", len(bundle))
	}
}

func TestAddAllCountsWhatTheCatalogueDoesNotHave(t *testing.T) {
	c := twoCamps(t)
	b := recommend.NewBuilder()
	for _, item := range []string{"track:left0a", "artist:The Left1", "artist:right1", "artist:Nobody Known", "track:none", "what is this"} {
		if err := b.Add("u", item, 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	plays := listening.NewPlays(c)
	if err := plays.AddAll(b.Build()); err != nil {
		t.Fatal(err)
	}
	if plays.Unknown != 3 {
		t.Errorf("%d unknown, want 3", plays.Unknown)
	}
	l, ok := listening.New(c, train(t, plays), false).Listener("u")
	for _, id := range []string{"artist:left0", "artist:left1", "artist:right1"} {
		if !ok || !l.Played[ref(t, c, id)] {
			t.Errorf("%s is not played: %v", id, l.Played)
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	c := twoCamps(t)
	one := listening.NewPlays(c)
	if err := one.Add("u", ref(t, c, "artist:left0"), 1, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Train(t.Context(), invented.Training(), nil); !errors.Is(err, recommend.ErrNoData) {
		t.Errorf("one play: %v, want ErrNoData", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := camps(t, c).Train(ended, invented.Training(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	if _, err := camps(t, c).Train(t.Context(), recommend.Config{}, nil); err == nil {
		t.Error("a config of zeros passes")
	}
	if err := one.Add("", ref(t, c, "artist:left0"), -1, time.Time{}); err == nil {
		t.Error("a play of nobody passes")
	}
}

func TestTrainReportsEachSpace(t *testing.T) {
	c, spaces := twoCamps(t), map[string]bool{}
	_, err := camps(t, c).Train(t.Context(), invented.Training(), func(space, _ string, _, _ int) { spaces[space] = true })
	if want := map[string]bool{"artist": true, "track": true}; err != nil || !reflect.DeepEqual(spaces, want) {
		t.Errorf("%v, %v, want %v", err, spaces, want)
	}
}

// A model may be older than the catalogue: what only one of them has is passed over.
func TestModelOfAnotherCatalogue(t *testing.T) {
	c := twoCamps(t)
	bundle := train(t, camps(t, c))
	b := catalog.NewBuilder(c.AsOf)
	for _, key := range []string{"new", "left3", "left0"} {
		if err := b.AddArtist(catalog.ArtistRow{Key: key, Name: key}); err != nil {
			t.Fatal(err)
		}
	}
	other, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	l := listening.New(other, bundle, false)
	if got := l.Companions(ref(t, other, "artist:new").Index); got != nil {
		t.Errorf("new has %v", got)
	}
	got := l.Companions(ref(t, other, "artist:left0").Index)
	if len(got) != 1 || got[0].Artist != ref(t, other, "artist:left3").Index {
		t.Errorf("left0 has %v, want left3 alone", got)
	}
	for played := range listener(t, l, "u0").Played {
		if played.Type != schemas.ItemType("artist") || played.Index >= 3 {
			t.Errorf("played %v", played)
		}
	}
	empty := listening.New(other, recommend.Bundle{}, false)
	if _, ok := empty.Listener("u0"); ok || empty.Companions(0) != nil {
		t.Error("no models, and yet something is known")
	}
}

func listener(t *testing.T, l *listening.Listening, id string) taste.Listener {
	t.Helper()
	x, ok := l.Listener(id)
	if !ok {
		t.Fatalf("%s is not known", id)
	}
	return x
}

func TestManyAskAtOnce(t *testing.T) {
	c := twoCamps(t)
	l := listening.New(c, train(t, camps(t, c)), false)
	wantC, wantL := l.Companions(0), listener(t, l, "u1")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				got, _ := l.Listener("u1")
				if !reflect.DeepEqual(l.Companions(0), wantC) || !reflect.DeepEqual(got, wantL) {
					t.Error("another answer")
					return
				}
			}
		})
	}
	wg.Wait()
}

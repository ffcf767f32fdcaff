package metrics_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/metrics"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// hourly is a topic of six pages, one every half an hour from noon on. Those before an offset
// are no more.
func hourly(p pipeline, from int) {
	for i := from; i < 6; i++ {
		at := noon.Add(time.Duration(i) * 30 * time.Minute)
		page := dayPage(i)
		page.Asked.At, page.CreatedAt = at, at.Add(time.Second)
		p.Page(page, read(schemas.TopicSERPs, i, page.CreatedAt))
	}
}

// published publishes all that has changed, and returns the searches of each hour and the
// revision.
func published(p pipeline, into map[string]schemas.OnlineMetrics) {
	for list := p.windows.Dirty(noon); len(list) > 0; list = p.windows.Dirty(noon) {
		for _, m := range list {
			into[m.Key()] = m
		}
	}
}

// hour returns the searches of an hour after noon, and the revision.
func hour(all map[string]schemas.OnlineMetrics, n int) [2]int {
	m := all[schemas.OnlineMetrics{Window: schemas.WindowHour, Start: noon.Add(time.Duration(n) * time.Hour)}.Key()]
	return [2]int{m.Counts.Searches, m.Revision}
}

// A state that is made anew from topics which have forgotten the first pages leaves what was
// published of their windows as it was, also after it was saved and loaded.
func TestForgottenRecordsLowerNothing(t *testing.T) {
	topic := map[string]schemas.OnlineMetrics{}
	first := newPipeline(t, outcome.DefaultConfig(), metrics.DefaultConfig())
	hourly(first, 0)
	published(first, topic)
	if hour(topic, 0) != [2]int{2, 1} || hour(topic, 1) != [2]int{2, 1} || !first.windows.Begun().IsZero() {
		t.Fatalf("%v, %v", hour(topic, 0), hour(topic, 1))
	}
	seed := func(p pipeline) {
		p.windows.Seeded()
		for key, m := range topic {
			p.windows.Seed(key, m.Revision)
		}
	}
	cfg := metrics.DefaultConfig()
	cfg.Batch = 1 // what is passed over must not look like the end
	anew := newPipeline(t, outcome.DefaultConfig(), cfg)
	seed(anew)
	hourly(anew, 1)
	published(anew, topic)
	if hour(topic, 0) != [2]int{2, 1} || hour(topic, 1) != [2]int{2, 2} || hour(topic, 2) != [2]int{2, 2} {
		t.Errorf("published %v, %v, %v", hour(topic, 0), hour(topic, 1), hour(topic, 2))
	}
	var file bytes.Buffer
	if err := anew.Save(&file); err != nil {
		t.Fatal(err)
	}
	again := newPipeline(t, outcome.DefaultConfig(), cfg)
	if err := again.Load(&file); err != nil {
		t.Fatal(err)
	}
	if !again.windows.Begun().Equal(anew.windows.Begun()) || again.windows.Begun().IsZero() {
		t.Errorf("begun %v, saved %v", again.windows.Begun(), anew.windows.Begun())
	}
	seed(again)
	for i, after := range []time.Duration{31 * time.Minute, 61 * time.Minute} { // late pages of both hours
		page := dayPage(10 + i)
		page.Asked.At, page.CreatedAt = noon.Add(after), noon.Add(after)
		again.Page(page, read(schemas.TopicSERPs, 6+i, noon.Add(3*time.Hour)))
	}
	published(again, topic)
	if hour(topic, 0) != [2]int{2, 1} || hour(topic, 1) != [2]int{3, 3} {
		t.Errorf("published after a restart %v, %v", hour(topic, 0), hour(topic, 1))
	}
}

// What nobody has published before is published as far as it is known, and windows of topics
// that are whole are corrected.
func TestKnownRecordsArePublished(t *testing.T) {
	topic := map[string]schemas.OnlineMetrics{}
	p := newPipeline(t, outcome.DefaultConfig(), metrics.DefaultConfig())
	hourly(p, 1)
	published(p, topic)
	if hour(topic, 0) != [2]int{1, 1} {
		t.Errorf("published first %v", hour(topic, 0))
	}
	whole := newPipeline(t, outcome.DefaultConfig(), metrics.DefaultConfig())
	for key, m := range topic {
		whole.windows.Seed(key, m.Revision)
	}
	hourly(whole, 0)
	published(whole, topic)
	if hour(topic, 0) != [2]int{2, 2} {
		t.Errorf("published of whole topics %v", hour(topic, 0))
	}
}

// Topics that were made anew begin with their first record.
func TestTopicsMadeAnewLowerNothing(t *testing.T) {
	topic := map[string]schemas.OnlineMetrics{}
	p := newPipeline(t, outcome.DefaultConfig(), metrics.DefaultConfig())
	hourly(p, 0)
	published(p, topic)
	if err := p.Reset(); err != nil {
		t.Fatal(err)
	}
	for key, m := range topic {
		p.windows.Seed(key, m.Revision)
	}
	page := dayPage(1)
	page.Asked.At, page.CreatedAt = noon.Add(30*time.Minute), noon.Add(31*time.Minute)
	p.Page(page, read(schemas.TopicSERPs, 0, page.CreatedAt))
	published(p, topic)
	if hour(topic, 0) != [2]int{2, 1} {
		t.Errorf("published %v", hour(topic, 0))
	}
}

package outcome

import "time"

// expire drops what the watermark has passed by the horizon.
func (j *Join) expire() {
	if j.clock.watermark == unread {
		return
	}
	end := j.clock.watermark - j.cfg.Horizon().Milliseconds()
	if minuteOf(end) > j.floor {
		j.raise(minuteOf(end), leftExpired)
		j.m.watermark.Set(float64(j.clock.watermark) / float64(time.Second/time.Millisecond))
	}
}

// makeRoom drops the oldest minutes while too many searches are held.
func (j *Join) makeRoom() {
	for j.held > j.cfg.Searches {
		oldest, ok := j.timeline.oldest()
		if !ok {
			return
		}
		j.raise(oldest+1, leftEarly)
	}
}

// raise drops what is older than a minute, and from now on takes nothing older.
func (j *Join) raise(floor int64, why string) {
	j.floor = floor
	for oldest, ok := j.timeline.oldest(); ok && oldest < floor; oldest, ok = j.timeline.oldest() {
		list := j.timeline.take(oldest)
		for _, s := range list {
			sh := j.shard(s.id)
			j.touch(sh)
			delete(sh.searches, s.id)
			j.shapes.leave(s.shape)
		}
		j.held -= len(list)
		j.m.left.WithLabelValues(why).Add(float64(len(list)))
	}
	for len(j.queue) > 0 && minuteOf(j.queue[0].since+maxEarly.Milliseconds()) < floor {
		j.dropWaiter()
	}
	j.m.searches.Set(float64(j.held))
	j.m.waiting.Set(float64(j.waiting))
	for _, sub := range j.subs {
		sub.Settled(time.UnixMilli(0).Add(time.Duration(floor) * time.Minute).UTC())
	}
}

// Erase forgets who asked, and in which words, for the searches of these clients and users.
// What was counted stays: subscribers are told by [Change].Erased. It returns how many searches it changed. Snapshots that were
// saved before still know: save, and drop the previous one.
func (j *Join) Erase(pseudonyms ...string) int {
	subjects := map[Subject]bool{}
	for _, p := range pseudonyms {
		if s := SubjectOf(p); s != 0 {
			subjects[s] = true
		}
	}
	erased := 0
	for _, minute := range j.minutes() {
		erased += j.eraseMinute(minute, subjects)
	}
	return erased
}

// minutes returns those that hold searches.
func (j *Join) minutes() []int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := make([]int64, 0, len(j.timeline.minutes))
	for m := range j.timeline.minutes {
		list = append(list, m)
	}
	return list
}

func (j *Join) eraseMinute(minute int64, subjects map[Subject]bool) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []*search
	for _, s := range j.timeline.minutes[minute] {
		if subjects[s.client] || subjects[s.user] {
			found = append(found, s)
		}
	}
	for _, s := range found {
		j.timeline.remove(s)
		c := j.changed(s, s.forget)
		c.Erased = true
		j.tell(c)
		j.timeline.insert(s)
	}
	return len(found)
}

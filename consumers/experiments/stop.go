package experiments

import (
	"slices"
	"strings"
	"time"
)

// Stop says that an arm, as experiment/arm, was switched off at a time, or on again.
//
// What comes of an arm that is off is no longer of chance: its clients get what the control
// gets and count for no arm, while those of the control go on. So it is left out for good of
// what comes after that time, and of the sample ratio. When fewer than two arms are left, or
// the control is off, nothing counts any more, and the last report stays as it is. Switched
// on again it counts only if nothing was counted meanwhile; else it takes another start or
// salt, which is another experiment.
func (e *Experiments) Stop(name string, off bool, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !off {
		delete(e.off, name)
	} else if _, known := e.off[name]; !known {
		e.off[name] = at
	}
	experiment, arm, _ := strings.Cut(name, "/")
	t := e.byID[experiment]
	switch {
	case t == nil || !slices.Contains(t.arms, arm):
	case off:
		e.switchOff(t)
	case len(t.clients) == 0 && len(t.looks) == 0:
		delete(t.stopped, arm)
		t.last = nil
	}
}

// switchOff notes which arms of an experiment are off.
func (e *Experiments) switchOff(t *trial) {
	for _, arm := range t.arms {
		at, off := e.off[t.plan.Name+"/"+arm]
		if _, known := t.stopped[arm]; off && !known {
			t.stopped[arm] = at
		}
	}
}

// ended returns when too few arms were left to compare; zero: there are enough.
func (t *trial) ended() time.Time {
	if at, off := t.stopped[t.plan.Control]; off {
		return at
	}
	if len(t.arms)-len(t.stopped) >= 2 {
		return time.Time{}
	}
	var last time.Time
	for _, at := range t.stopped {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// over reports whether searches of an arm do not count any more at a time.
func (t *trial) over(arm string, at time.Time) bool {
	if len(t.stopped) == 0 {
		return false
	}
	if off, stopped := t.stopped[arm]; stopped && !at.Before(off) {
		return true
	}
	end := t.ended()
	return !end.IsZero() && !at.Before(end)
}

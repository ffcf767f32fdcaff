package experiments

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// maxLeft bounds the experiments that are remembered although the plan does not have them.
const maxLeft = 64

// leave keeps an experiment that is not in the plan any more: what comes late of its searches
// is still counted, until they have settled, a day later. Then only its looks are kept.
func (e *Experiments) leave(t *trial) {
	e.m.forget(t.plan.Name)
	if e.byID[t.plan.Name] != nil {
		return // another one goes by its name
	}
	t.leftAt = e.latest
	e.left[t.plan.Name] = t
	if len(e.left) > maxLeft {
		oldest := slices.MinFunc(slices.Collect(maps.Values(e.left)), func(a, b *trial) int { return a.leftAt.Compare(b.leftAt) })
		delete(e.left, oldest.plan.Name)
	}
}

// back returns an experiment that was taken out of the plan and is the same; nil for none.
// Nobody was in its arms meanwhile, which is a change of the plan.
func (e *Experiments) back(p Plan) *trial {
	t := e.left[p.Name]
	delete(e.left, p.Name)
	if t == nil || t.plan.draw() != p.draw() {
		return nil
	}
	t.returned(e.latest)
	e.switchOff(t)
	return t
}

// returned notes that an experiment is in the plan again.
func (t *trial) returned(at time.Time) {
	if t.hollow {
		t.since = at
	}
	if t.hollow || t.begun() {
		t.changed = at
	}
	t.leftAt, t.hollow = time.Time{}, false
}

// begun reports whether there are numbers.
func (t *trial) begun() bool { return len(t.clients) > 0 || len(t.looks) > 0 }

// recall tells a new experiment what was read out under its name before anything that is
// known here.
func (e *Experiments) recall(t *trial) {
	r, ok := e.said[t.plan.Name]
	if !ok || r.Draw != t.plan.draw() {
		return
	}
	delete(e.said, t.plan.Name)
	t.remember(r)
	if t.begun() {
		t.changed = e.latest
	}
}

// known returns an experiment of the plan, or one that was taken out of it; nil for none.
func (e *Experiments) known(name string) *trial {
	if t := e.byID[name]; t != nil {
		return t
	}
	return e.left[name]
}

// all returns the experiments of the plan, and those that were taken out of it.
func (e *Experiments) all() iter.Seq2[string, *trial] {
	return func(yield func(string, *trial) bool) {
		for _, list := range []map[string]*trial{e.byID, e.left} {
			for name, t := range list {
				if !yield(name, t) {
					return
				}
			}
		}
	}
}

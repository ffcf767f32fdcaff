package labelling

import (
	"fmt"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/agreement"
	"github.com/parallel-fusion/pfr/internal/journal"
)

// Session is one rater at work on tasks. It is not safe for concurrent use.
type Session struct {
	rater string
	tasks []Task
	file  *journal.Journal
	said  map[agreement.Item]string // by the task's own item, "": taken back
	at    int                       // task that is next
	path  []int                     // tasks that were shown before it, for undo
}

// Open opens a file of labels, or makes it, and returns a session at the first task that
// the rater has not labelled. The caller closes it. A last line that was being written when
// its process was killed is cut off, so raters who work at the same time need a file each.
func Open(path, rater string, tasks []Task) (*Session, error) {
	s := &Session{rater: rater, tasks: tasks, said: map[agreement.Item]string{}}
	var labels []agreement.Label
	var err error
	s.file, err = journal.Open(path, 1, func(line []byte) error {
		l, err := agreement.ParseLabel(line)
		labels = append(labels, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open labels: %w", err)
	}
	s.resume(agreement.Latest(labels))
	s.forward()
	return s, nil
}

// resume takes up what the rater has said before.
func (s *Session) resume(labels []agreement.Label) {
	for _, l := range labels {
		if l.Rater != s.rater {
			continue
		}
		s.said[l.Item] = l.Label
		if l.Dimension == agreement.Pair { // labels of pairs come in the order of the hashes
			s.said[agreement.Item{Dimension: l.Dimension, Hash: l.Other, Other: l.Hash}] = l.Label
		}
	}
}

// Close closes the file.
func (s *Session) Close() error { return s.file.Close() }

// forward moves on to the next task without a label, from where the session is.
func (s *Session) forward() {
	for s.at < len(s.tasks) && s.said[s.tasks[s.at].Item] != "" {
		s.at++
	}
}

// Task returns what is asked now, and false at the end.
func (s *Session) Task() (Task, bool) {
	if s.at >= len(s.tasks) {
		return Task{}, false
	}
	return s.tasks[s.at], true
}

// Progress returns how many of the tasks are labelled.
func (s *Session) Progress() (labelled, of int) {
	for _, t := range s.tasks {
		if s.said[t.Item] != "" {
			labelled++
		}
	}
	return labelled, len(s.tasks)
}

// Label writes what the rater says about the task, and moves on.
func (s *Session) Label(label string) error {
	t, ok := s.Task()
	if !ok || !slices.Contains(t.Labels(), label) {
		return fmt.Errorf("label %q: there is no task that may have it", label)
	}
	if err := s.write(t, label); err != nil {
		return err
	}
	s.Skip()
	return nil
}

// Skip moves on. The task is asked again in the next session.
func (s *Session) Skip() {
	s.path = append(s.path, s.at)
	s.at++
	s.forward()
}

// Undo goes back to the task before, takes its label back, and reports whether there was
// one in this session.
func (s *Session) Undo() (bool, error) {
	if len(s.path) == 0 {
		return false, nil
	}
	back := s.path[len(s.path)-1]
	if t := s.tasks[back]; s.said[t.Item] != "" {
		if err := s.write(t, ""); err != nil {
			return false, err
		}
	}
	s.path, s.at = s.path[:len(s.path)-1], back
	return true, nil
}

// write appends a line, which is on disk when it returns.
func (s *Session) write(t Task, label string) error {
	c := t.Subjects[0].Case
	err := s.file.Append(agreement.Label{
		Case: c.ID, UseCase: string(c.UseCase), Item: t.Item, Label: label, Rater: s.rater, At: time.Now().UTC().Truncate(time.Second),
	})
	if err != nil {
		return fmt.Errorf("write label: %w", err)
	}
	s.said[t.Item] = label
	return nil
}

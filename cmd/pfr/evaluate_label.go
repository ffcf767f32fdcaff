package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	agree "github.com/parallel-fusion/pfr/evaluation/agreement"
	"github.com/parallel-fusion/pfr/evaluation/agreement/labelling"
	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/schemas"
)

type evaluateLabelCmd struct {
	File       string   `arg:"" type:"existingfile" help:"Pages: the records.jsonl that 'pfr evaluate serps' writes."`
	Rater      string   `required:"" help:"Who labels." placeholder:"NAME"`
	Labels     string   `default:"labels.jsonl" help:"Where labels go; a file that is there is continued. Raters who work at the same time need a file each." placeholder:"FILE"`
	Dimensions []string `name:"dimension" default:"overall" enum:"relevance,diversity,freshness,overall" help:"What pages are judged by: ${enum}. Can be repeated."`
	Pairs      bool     `help:"Compare the pages that different systems made for a case, instead."`
	Seed       uint64   `default:"1" help:"Of the order of pages, which is another one for every rater."`
}

// Run asks until all is labelled or the rater leaves.
func (c *evaluateLabelCmd) Run(ctx context.Context, p *program) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	records, err := judge.ReadRecords(f)
	f.Close()
	if err == nil && len(records) == 0 {
		err = errors.New("it has no pages")
	}
	if err != nil {
		return fmt.Errorf("%s: want records.jsonl of 'pfr evaluate serps': %w", c.File, err)
	}
	cfg := labelling.Config{Rater: c.Rater, Dimensions: c.Dimensions, Seed: c.Seed}
	if c.Pairs {
		cfg.Dimensions = nil
	}
	tasks, err := labelling.Tasks(cfg, records)
	if err != nil {
		return err
	}
	session, err := labelling.Open(c.Labels, c.Rater, tasks)
	if err != nil {
		return err
	}
	size, tty := terminal(p)
	d := desk{
		session: session, out: p.out, keys: newKeys(p.in), clear: tty,
		view: view{width: size.columns, color: tty && variable(p.env, "NO_COLOR") == "", all: true},
	}
	err = d.work(ctx)
	done, of := session.Progress()
	fmt.Fprintf(p.out, "%d of %d labelled by %s in %s\n", done, of, c.Rater, c.Labels)
	return errors.Join(err, session.Close())
}

// desk is where a rater sits.
type desk struct {
	session *labelling.Session
	out     io.Writer
	keys    *keys
	view    view
	clear   bool // the screen before each task
}

// work shows one task after the other.
func (d desk) work(ctx context.Context) error {
	for ctx.Err() == nil {
		task, ok := d.session.Task()
		if !ok {
			return nil
		}
		d.show(task)
		quit, err := d.answer(task)
		if quit || err != nil {
			return err
		}
	}
	return nil
}

// show draws a task.
func (d desk) show(t labelling.Task) {
	if d.clear {
		fmt.Fprint(d.out, "\x1b[H\x1b[2J")
	}
	done, of := d.session.Progress()
	for _, line := range d.view.task(t, fmt.Sprintf("%d of %d", done+1, of)) {
		fmt.Fprintln(d.out, line)
	}
}

// choices are the keys of a task and what they say.
func choices(t labelling.Task) map[rune]string {
	if t.Dimension == agree.Pair {
		return map[rune]string{'1': agree.First, '2': agree.Second, '0': agree.Tie}
	}
	return map[rune]string{'p': agree.Pass, 'n': agree.NoPass}
}

// answer reads keys until one of them means something.
func (d desk) answer(t labelling.Task) (quit bool, err error) {
	means := choices(t)
	var help strings.Builder
	for _, key := range slices.Sorted(maps.Keys(means)) {
		fmt.Fprintf(&help, "%c %s · ", key, means[key])
	}
	for {
		fmt.Fprintf(d.out, "%ss skip · u undo · q quit > ", help.String())
		key, err := d.keys.next()
		fmt.Fprintln(d.out)
		if err != nil {
			return true, err
		}
		label, ok := means[key]
		switch {
		case ok:
			return false, d.session.Label(label)
		case key == 's':
			d.session.Skip()
			return false, nil
		case key == 'u':
			_, err := d.session.Undo()
			return false, err
		case key == 'q':
			return true, nil
		}
	}
}

// task returns the lines of what a rater is asked: who asks what, and the page or pages as
// listeners see them, but for what would tell which system made them.
func (v view) task(t labelling.Task, progress string) []string {
	p := &paper{width: max(v.width, minWidth), color: v.color}
	s := t.Subjects[0]
	p.line(span{bold, s.Case.Query}, span{faint, "  " + progress})
	p.line(span{faint, strings.Join(slices.DeleteFunc([]string{s.Case.Market, "today is " + s.Today}, func(s string) bool { return s == "" }), " · ")})
	if who := s.Case.Profile; who != nil {
		if len(who.Likes) > 0 {
			p.wrap(faint, "", "likes "+strings.Join(who.Likes, ", "))
		}
		for _, key := range slices.Sorted(maps.Keys(who.Features)) {
			p.wrap(faint, "", key+": "+who.Features[key])
		}
	}
	if len(t.Subjects) == 1 {
		v.shown(p, s.Page)
		p.blank()
		p.line(span{accent, question(t.Dimension)})
		return p.lines
	}
	for i, side := range t.Subjects {
		p.blank()
		p.line(span{accent, fmt.Sprintf("═══ page %d ", i+1) + strings.Repeat("═", max(p.width-11, 0))})
		v.shown(p, side.Page)
	}
	p.blank()
	p.line(span{accent, "Which page would the listener rather have?"})
	return p.lines
}

// question is what a dimension asks.
func question(dimension string) string {
	switch judge.Dimension(dimension) {
	case judge.Relevance:
		return "Relevance: do most of the items suit the wish, and does what is asked for by name appear?"
	case judge.Diversity:
		return "Diversity: do the items differ as far as the wish allows?"
	case judge.Freshness:
		return "Freshness: are the items as new as the wish asks?"
	case judge.Overall:
	}
	return "Overall: would the listener be content with this page as the answer?"
}

// shown draws a page that a judge may see.
func (v view) shown(p *paper, page judge.Page) {
	if page.Notice != "" {
		p.wrap(warn, "! ", page.Notice)
	}
	if len(page.Sections) == 0 {
		p.blank()
		p.line(span{faint, "   nothing was found"})
	}
	for _, s := range page.Sections {
		p.blank()
		p.line(span{faint, "── "}, span{bold, s.Title})
		if s.Text != "" {
			p.wrap(normal, "   ", s.Text)
		}
		v.rows(p, schemas.Display{Numbered: true}, asItems(s.Items), 0)
	}
}

// asItems returns items as pages hold them.
func asItems(items []judge.Item) []schemas.Item {
	out := make([]schemas.Item, len(items))
	for i, it := range items {
		what := []string{it.Type, strings.Join(it.Artists, ", "), strings.Join(it.Genres, ", ")}
		out[i] = schemas.Item{
			ID: it.ID, Type: schemas.ItemType(it.Type), Title: it.Title, ReleaseDate: it.ReleaseDate,
			Subtitle: strings.Join(slices.DeleteFunc(what, func(s string) bool { return s == "" }), " · "),
		}
	}
	return out
}

// keys reads what a rater types: a key at a time from a terminal, otherwise the first
// letter of each line.
type keys struct {
	in   *bufio.Reader
	file *os.File // nil: no terminal
}

func newKeys(in io.Reader) *keys {
	k := &keys{in: bufio.NewReader(in)}
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		k.file = f
	}
	return k
}

// Keys that end a session, as a terminal in raw mode sends them.
const (
	interrupt       = 3
	endOfInput      = 4
	quitKey    rune = 'q'
)

// next returns the next key in lower case. The end of the input is a wish to quit.
func (k *keys) next() (rune, error) {
	if k.file != nil {
		return k.press()
	}
	line, err := k.in.ReadString('\n')
	for _, r := range strings.ToLower(strings.TrimSpace(line)) {
		return r, nil
	}
	if errors.Is(err, io.EOF) {
		return quitKey, nil
	}
	return 0, err
}

// press reads one key of a terminal, which is in raw mode only so long.
func (k *keys) press() (rune, error) {
	before, err := term.MakeRaw(int(k.file.Fd()))
	if err != nil {
		return 0, fmt.Errorf("terminal: %w", err)
	}
	r, _, err := k.in.ReadRune()
	err = errors.Join(err, term.Restore(int(k.file.Fd()), before))
	if errors.Is(err, io.EOF) || r == interrupt || r == endOfInput {
		return quitKey, nil
	}
	if err != nil {
		return 0, fmt.Errorf("terminal: %w", err)
	}
	return []rune(strings.ToLower(string(r)))[0], nil
}

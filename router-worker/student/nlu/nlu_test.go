package nlu_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/router-worker/student/nlu"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// grammar makes sentences about a kitchen: orders of dishes, and timers.
type grammar struct{ rng *rand.Rand }

func (g grammar) pick(list string) string {
	words := strings.Split(list, "|")
	return words[g.rng.IntN(len(words))]
}

// name makes a word that nobody has seen.
func (g grammar) name() string {
	var b strings.Builder
	for range 2 + g.rng.IntN(2) {
		b.WriteString(g.pick("zo|ki|bra|mu|tel|fen|gru|pla"))
	}
	return b.String()
}

func (g grammar) example() nlu.Example {
	var e nlu.Example
	say := func(s string) { e.Text += s }
	slot := func(slot, s string) {
		e.Spans = append(e.Spans, nlu.Span{From: len(e.Text), To: len(e.Text) + len(s), Slot: slot})
		say(s)
	}
	if g.rng.IntN(2) == 0 {
		e.Intent = "timer"
		say(g.pick("set a timer for |wake me in |count down "))
		slot("minutes", g.pick("5|10|25|40"))
		say(" minutes")
		return e
	}
	e.Intent = "order"
	say(g.pick("bring me |I would like |can we have "))
	slot("count", g.pick("one|two|three"))
	say(" ")
	dish := g.pick("soup|fried eggs|apple pie") // the dictionary has them, and half are not in it
	if g.rng.IntN(2) == 0 {
		dish = g.name() + " " + g.name()
	}
	slot("dish", dish)
	say(g.pick(" for | with a smile for "))
	slot("guest", g.name())
	return e
}

func grammarExamples(seed uint64, n int) []nlu.Example {
	g := grammar{rand.New(rand.NewPCG(seed, 0))}
	list := make([]nlu.Example, n)
	for i := range list {
		list[i] = g.example()
	}
	return list
}

func train(t testing.TB, cfg nlu.Config, list []nlu.Example) *nlu.Model {
	t.Helper()
	m, err := nlu.Train(cfg, list)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func bytesOf(t testing.TB, m *nlu.Model) []byte {
	t.Helper()
	data, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestLearnsAGrammar(t *testing.T) {
	m := train(t, nlu.DefaultConfig(), grammarExamples(1, 400))
	r := nlu.Evaluate(m, grammarExamples(2, 200)) // with names that it has not seen
	if r.Right < 199 || r.All.F1() < 0.97 || r.Frames < 190 {
		t.Error(r)
	}
	var p nlu.Parse
	m.Parse("Bring me two baked potatoes for Anna", &p)
	want := []nlu.Span{{From: 9, To: 12, Slot: "count"}, {From: 13, To: 27, Slot: "dish"}, {From: 32, To: 36, Slot: "guest"}}
	if p.Intent != "order" || p.P < 0.8 || !reflect.DeepEqual(p.Spans, want) {
		t.Errorf("%+v", p)
	}
	if len(p.Alternatives) != 1 || p.Alternatives[0].Intent != "timer" || p.P+p.Alternatives[0].P < 0.999 {
		t.Errorf("alternatives %+v", p.Alternatives)
	}
}

// What a hint means is learnt: here it says which of two equal words is the name.
func TestLearnsHints(t *testing.T) {
	var list []nlu.Example
	for i := range 60 {
		e := nlu.Example{Intent: "call", Text: "ring bo al"}
		from := 5 + 3*(i%2)
		e.Spans = []nlu.Span{{From: from, To: from + 2, Slot: "name"}}
		e.Hints = []nlu.Hint{{From: from, To: from + 2, Kind: 3}}
		list = append(list, e)
	}
	m := train(t, nlu.DefaultConfig(), list)
	for _, from := range []int{5, 8} {
		got := m.Tag("call", "ring bo al", []nlu.Hint{{From: from, To: from + 2, Kind: 3}}, nil)
		if want := []nlu.Span{{From: from, To: from + 2, Slot: "name"}}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if got := m.Tag("write", "ring bo al", nil, nil); got != nil {
		t.Errorf("an unknown intent has %v", got)
	}
}

func TestTrainingIsDeterministic(t *testing.T) {
	list := grammarExamples(1, 150)
	cfg := nlu.DefaultConfig()
	cfg.Epochs = 4
	write := func(seed uint64, workers int) []byte {
		cfg.Seed, cfg.Workers = seed, workers
		return bytesOf(t, train(t, cfg, list))
	}
	one := write(1, 1)
	if !bytes.Equal(one, write(1, 4)) {
		t.Error("the number of workers changed the model")
	}
	if bytes.Equal(one, write(2, 1)) {
		t.Error("the seed has no effect")
	}
}

func TestModelSurvivesWriting(t *testing.T) {
	cfg := nlu.DefaultConfig()
	cfg.Source = "a kitchen"
	was := train(t, cfg, grammarExamples(1, 200))
	data := bytesOf(t, was)
	m, err := nlu.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if m.Source != "a kitchen" || m.Examples != 200 || !reflect.DeepEqual(m.Provenance, was.Provenance) {
		t.Errorf("provenance %+v", m.Provenance)
	}
	if !bytes.Equal(bytesOf(t, m), data) {
		t.Error("written again, it differs")
	}
	for _, e := range grammarExamples(3, 100) {
		var a, b nlu.Parse
		was.Parse(e.Text, &a)
		m.Parse(e.Text, &b)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%s: %+v and %+v", e.Text, a, b)
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	if _, err := nlu.Train(nlu.Config{}, grammarExamples(1, 10)); err == nil {
		t.Error("an invalid config passed")
	}
	for name, list := range map[string][]nlu.Example{
		"nothing":          nil,
		"a span outside":   {{Text: "abc", Intent: "x", Spans: []nlu.Span{{From: 1, To: 4, Slot: "s"}}}},
		"an empty span":    {{Text: "abc", Intent: "x", Spans: []nlu.Span{{From: 1, To: 1, Slot: "s"}}}},
		"overlapping":      {{Text: "abc", Intent: "x", Spans: []nlu.Span{{From: 0, To: 2, Slot: "s"}, {From: 1, To: 3, Slot: "s"}}}},
		"a nameless slot":  {{Text: "abc", Intent: "x", Spans: []nlu.Span{{From: 0, To: 2}}}},
		"too many intents": manyIntents(),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := nlu.Train(nlu.DefaultConfig(), list); err == nil {
				t.Error("passed")
			}
		})
	}
}

func manyIntents() (list []nlu.Example) {
	for i := range 200 {
		list = append(list, nlu.Example{Text: "a", Intent: strings.Repeat("i", i+1)})
	}
	return list
}

func TestReadRefusesWhatIsNotAModel(t *testing.T) {
	data := bytesOf(t, train(t, nlu.DefaultConfig(), grammarExamples(1, 40)))
	for name, bad := range map[string][]byte{
		"empty":       nil,
		"cut":         data[:len(data)-1],
		"longer":      append(bytes.Clone(data), 0),
		"format":      bytes.Replace(data, []byte(`"format":1`), []byte(`"format":9`), 1),
		"temperature": bytes.Replace(data, []byte(`"temperature":`), []byte(`"temperature":-`), 1),
		"words":       bytes.Replace(data, []byte(`"words":`), []byte(`"words":-`), 1),
		"slot":        bytes.Replace(data, []byte(`"slots":[`), []byte(`"slots":[7,`), 1),
		"intent":      bytes.Replace(data, []byte(`"order",`), nil, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := nlu.Read(bad); !errors.Is(err, nlu.ErrModel) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Changed weights may make a model say nonsense, but not make it crash.
func FuzzRead(f *testing.F) {
	cfg := nlu.DefaultConfig()
	cfg.Epochs = 1
	f.Add(bytesOf(f, train(f, cfg, grammarExamples(1, 20))), "bring me two soup")
	f.Add([]byte("pfr nlu\n{}\n"), "")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		m, err := nlu.Read(data)
		if err != nil {
			return
		}
		var p nlu.Parse
		m.Parse(text, &p)
		checkSpans(t, text, p.Spans)
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", " ", "bring me two pies for Ann", "!?'s 's", "\xff'\xfe", "a'", "’", "5 10 15", strings.Repeat("word ", 500), "É́t́é 新しい", "it's Ann's.", "R.E.M."} {
		f.Add(s)
	}
	m := train(f, nlu.DefaultConfig(), grammarExamples(1, 100))
	f.Fuzz(func(t *testing.T, text string) {
		var p nlu.Parse
		m.Parse(text, &p)
		if !(p.P > 0 && p.P <= 1) {
			t.Errorf("%q: %+v", text, p)
		}
		checkSpans(t, text, p.Spans)
	})
}

// checkSpans requires spans to be in order, in the text and at the edges of characters.
func checkSpans(t *testing.T, text string, spans []nlu.Span) {
	t.Helper()
	at := 0
	for _, s := range spans {
		if s.From < at || s.To <= s.From || s.To > len(text) {
			t.Fatalf("%q: span %+v after %d", text, s, at)
		}
		if utf8.ValidString(text) && !utf8.ValidString(text[s.From:s.To]) {
			t.Fatalf("%q: span %+v cuts a character", text, s)
		}
		at = s.To
	}
}

func TestF1(t *testing.T) {
	if got := (nlu.PRF{Want: 4, Got: 2, Hit: 2}).F1(); got < 0.6666 || got > 0.6667 {
		t.Error(got)
	}
	if got := (nlu.PRF{Want: 4}).F1(); got != 0 {
		t.Error(got)
	}
}

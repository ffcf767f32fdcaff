package agreement_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/evaluation/agreement"
)

// table makes a table with labels a, b, ... of counts by row.
func table(rows ...[]int) agreement.Table {
	t := agreement.Table{Counts: rows}
	for i := range rows {
		t.Labels = append(t.Labels, string(rune('a'+i)))
	}
	return t
}

// Figures that were published with the coefficients.
func TestPublishedCoefficients(t *testing.T) {
	for name, tc := range map[string]struct {
		table      agreement.Table
		kappa, ac1 float64
		digits     float64
	}{
		// Fleiss, Statistical Methods for Rates and Proportions, 1981, table 13.1: two
		// raters' diagnoses of 100 subjects, κ = .68. Its AC1 is worked by hand:
		// pe = (.8·.2 + .075·.925 + .125·.875)/2 with the means of the margins.
		"Fleiss": {table([]int{75, 1, 4}, []int{5, 4, 1}, []int{0, 0, 10}), .6765, .8675, 5e-4},
		// Gwet, Kappa statistic is not satisfactory for assessing the extent of agreement
		// between raters, 2002: 118 of 125 agree on one label, and κ is below 0.
		"Gwet": {table([]int{118, 5}, []int{2, 0}), -.0234, .9408, 5e-4},
		// The textbook table of 50 grant proposals: κ = .4.
		"grants":      {table([]int{20, 5}, []int{10, 15}), .4, .4059, 5e-4},
		"perfect":     {table([]int{7, 0}, []int{0, 3}), 1, 1, 1e-12},
		"by chance":   {table([]int{25, 25}, []int{25, 25}), 0, 0, 1e-12},
		"one label":   {table([]int{9, 0}, []int{0, 0}), 0, 1, 1e-12}, // κ is undefined
		"of no items": {table([]int{0, 0}, []int{0, 0}), 0, 0, 0},
	} {
		if k, a := tc.table.Kappa(), tc.table.AC1(); math.Abs(k-tc.kappa) > tc.digits || math.Abs(a-tc.ac1) > tc.digits {
			t.Errorf("%s: κ %.4f, AC1 %.4f", name, k, a)
		}
	}
}

// units turns the rows of raters, a label a character and a point for none, into units.
func units(rows ...string) [][]string {
	out := make([][]string, len(rows[0]))
	for _, row := range rows {
		for u, label := range row {
			if label != '.' {
				out[u] = append(out[u], string(label))
			}
		}
	}
	return out
}

func TestPublishedAlpha(t *testing.T) {
	for name, tc := range map[string]struct {
		units [][]string
		want  float64
	}{
		// Krippendorff, Computing Krippendorff's alpha-reliability, 2011, sections A and C.
		"two raters, two labels":        {units("0100000010", "1110010000"), .095},
		"four raters, five labels":      {units("123321412...", "1233224125.3", ".3332342251.", "12332441251."), .743},
		"all the same":                  {units("1122", "1122"), 1},
		"one label":                     {units("1111", "1111"), 0},
		"nobody shares":                 {units("1.2.", ".1.2"), 0},
		"of nothing":                    {nil, 0},
		"a unit of one does not matter": {units("11223", "1122."), 1},
	} {
		if got := agreement.Alpha(tc.units); math.Abs(got-tc.want) > 5e-4 {
			t.Errorf("%s: α %.4f, want %.3f", name, got, tc.want)
		}
	}
}

// With two raters, no gaps and many items α and κ of the pooled margins meet: α is Scott's π
// but for a term of 1/n.
func TestAlphaIsScottsPi(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var us [][]string
		same, ones := 0.0, 0.0
		n := rapid.IntRange(2, 300).Draw(t, "n")
		for range n {
			a, b := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "a"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "b")
			us = append(us, []string{a, b})
			for _, label := range us[len(us)-1] {
				if label == "x" {
					ones++
				}
			}
			if a == b {
				same++
			}
		}
		p := ones / float64(2*n)
		chance := p*p + (1-p)*(1-p)
		if chance == 1 {
			return
		}
		pi := (same/float64(n) - chance) / (1 - chance)
		if want := pi + (1-pi)/float64(2*n); math.Abs(agreement.Alpha(us)-want) > 1e-9 {
			t.Fatalf("α %v, want %v", agreement.Alpha(us), want)
		}
	})
}

// ratings are so many of each kind, spread over so many cases.
func ratings(bothPass, onlyHuman, onlyJudge, neither, cases int) []agreement.Rating {
	var out []agreement.Rating
	add := func(n int, human, judge string) {
		for range n {
			out = append(out, agreement.Rating{Case: fmt.Sprint(len(out) % cases), Human: human, Judge: judge})
		}
	}
	add(bothPass, agreement.Pass, agreement.Pass)
	add(onlyHuman, agreement.Pass, agreement.NoPass)
	add(onlyJudge, agreement.NoPass, agreement.Pass)
	add(neither, agreement.NoPass, agreement.NoPass)
	return out
}

// The interval agrees with the standard error of κ for large samples (Fleiss, Cohen and
// Everitt 1969), is the same every time, and is wider where items hang together.
func TestKappaInterval(t *testing.T) {
	labels := agreement.LabelsOf("overall")
	all := ratings(200, 50, 50, 100, 400)
	got, err := agreement.KappaInterval(labels, all)
	again, _ := agreement.KappaInterval(labels, all)
	// po = .75, pe = .625² + .375² = .53125, κ = .4667; the standard error is .0467.
	if err != nil || got != again || math.Abs(got.Low-(.4667-1.96*.0467)) > .02 || math.Abs(got.High-(.4667+1.96*.0467)) > .02 {
		t.Errorf("%+v, %+v, %v", got, again, err)
	}
	// Pages are judged at once, so answers come in any order.
	slices.Reverse(all)
	if turned, err := agreement.KappaInterval(labels, all); err != nil || turned != got {
		t.Errorf("%+v in one order, %+v in another: %v", got, turned, err)
	}
	var twins []agreement.Rating
	for i, r := range ratings(50, 12, 13, 25, 100) {
		r.Case = fmt.Sprint(i)
		twins = append(twins, r, r, r, r)
	}
	wide, err := agreement.KappaInterval(labels, twins)
	for i := range twins {
		twins[i].Case = fmt.Sprint(i)
	}
	narrow, err2 := agreement.KappaInterval(labels, twins)
	if ratio := (wide.High - wide.Low) / (narrow.High - narrow.Low); errors.Join(err, err2) != nil || ratio < 1.7 || ratio > 2.3 {
		t.Errorf("four of a kind make the interval %.2f times as wide, want twice", ratio)
	}
	if _, err := agreement.KappaInterval(labels, []agreement.Rating{{Case: "c", Human: "PASS", Judge: "maybe"}}); err == nil {
		t.Error("a label that does not exist is counted")
	}
}

func TestCorrected(t *testing.T) {
	// By hand: p = .6, q0 = .8, q1 = .9, so θ = (.6 + .8 − 1)/(.8 + .9 − 1) = .4/.7.
	// Interval by the formulas of Lang and Reiczigel: n′ = 203.84146, p′ = .598115;
	// q0′ = 81/102, q1′ = 91/102; θ′ = (.598115 + .794118 − 1)/.686275 = .571537;
	// v0 = .794118·.205882/102 = .00160289, v1 = .892157·.107843/102 = .00094326;
	// d = 2·3.841459·(.571537·.00094326 − .428463·.00160289) = −.00113445;
	// half = 1.959964·√(.598115·.401885/203.84146 + .428463²·.00160289 + .571537²·.00094326)/.686275 = .120546.
	got, err := agreement.Corrected(agreement.Share{Of: 120, N: 200}, agreement.Share{Of: 80, N: 100}, agreement.Share{Of: 90, N: 100})
	if err != nil || math.Abs(got.Value-.4/.7) > 1e-12 || math.Abs(got.Low-(.571537-.001134-.120546)) > 2e-5 || math.Abs(got.High-(.571537-.001134+.120546)) > 2e-5 {
		t.Errorf("%+v, %v", got, err)
	}
	half := agreement.Share{Of: 50, N: 100}
	if _, err := agreement.Corrected(half, half, half); !errors.Is(err, agreement.ErrBlind) {
		t.Errorf("a judge that tosses a coin: %v", err)
	}
	if _, err := agreement.Corrected(half, half, agreement.Share{Of: 2, N: 1}); err == nil || errors.Is(err, agreement.ErrBlind) {
		t.Errorf("two of one: %v", err)
	}
	if _, err := agreement.Corrected(half, half, agreement.Share{}); err == nil {
		t.Error("a share of nothing")
	}
	perfect, err := agreement.Corrected(agreement.Share{Of: 100, N: 100}, agreement.Share{Of: 50, N: 50}, agreement.Share{Of: 50, N: 50})
	if err != nil || perfect.Value != 1 || perfect.High != 1 || perfect.Low < .9 {
		t.Errorf("%+v, %v", perfect, err)
	}
}

// Of many studies the intervals hold the true rate in about 95 %; of uncorrected rates next
// to none do.
func TestCorrectedCovers(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 1))
	draw := func(n int, p float64) agreement.Share {
		s := agreement.Share{N: n}
		for range n {
			if random.Float64() < p {
				s.Of++
			}
		}
		return s
	}
	for _, tc := range []struct{ theta, q0, q1 float64 }{{.5, .8, .9}, {.7, .9, .75}, {.2, .85, .85}} {
		const studies = 1000
		covered, raw := 0, 0
		for range studies {
			passed := draw(600, tc.theta*tc.q1+(1-tc.theta)*(1-tc.q0))
			e, err := agreement.Corrected(passed, draw(100, tc.q0), draw(120, tc.q1))
			if err != nil {
				t.Fatal(err)
			}
			if e.Low <= tc.theta && tc.theta <= e.High {
				covered++
			}
			if math.Abs(float64(passed.Of)/600-tc.theta) < 1.96*math.Sqrt(.25/600) {
				raw++
			}
		}
		t.Logf("θ %.1f: %.1f %% covered, uncorrected %.1f %%", tc.theta, 100*float64(covered)/studies, 100*float64(raw)/studies)
		if share := float64(covered) / studies; share < .93 || share > .975 {
			t.Errorf("%+v: %.3f of the intervals hold the rate", tc, share)
		}
	}
}

func TestReadLabels(t *testing.T) {
	text := `{"case":"c1","dimension":"overall","hash":"h1","label":"PASS","rater":"ada","at":"2026-03-02T10:00:00Z"}
{"case":"c2","dimension":"overall","hash":"h2","label":"PASS","rater":"ada"}
{"case":"c1","dimension":"overall","hash":"h1","label":"NO PASS","rater":"bo"}
{"case":"c3","dimension":"pair","hash":"z","other":"b","label":"first","rater":"ada"}
{"case":"c2","dimension":"overall","hash":"h2","label":"","rater":"ada"}
{"case":"c1","dimension":"overall","hash":"h1","label":"NO PASS","rater":"ada","at":"2026-03-02T10:00:00Z"}
{"case":"c4","dimension":"overall","hash":"h4","lab`
	got, err := agreement.ReadLabels(strings.NewReader(text))
	got = agreement.Latest(got)
	want := "h1 NO PASS ada, h1 NO PASS bo, b second ada"
	var said []string
	for _, l := range got {
		said = append(said, l.Hash+" "+l.Label+" "+l.Rater)
	}
	if strings.Join(said, ", ") != want || err != nil || got[2].Other != "z" {
		t.Errorf("%q, %v", said, err)
	}
	whole := text[:strings.Index(text, "\n")]
	if got, err := agreement.ReadLabels(strings.NewReader(whole)); err != nil || len(got) != 1 {
		t.Errorf("a last line that only lacks its end is lost: %v, %v", got, err)
	}
	for name, line := range map[string]string{
		"line 1: unexpected end":  `{"case":`,
		"is none of":              `{"case":"c","dimension":"overall","hash":"h","label":"maybe","rater":"a"}`,
		"a pair has two pages":    `{"case":"c","dimension":"pair","hash":"h","label":"tie","rater":"a"}`,
		"rater: must not":         `{"case":"c","dimension":"overall","hash":"h","label":"PASS"}`,
		`is none of ["first" "se`: `{"case":"c","dimension":"pair","hash":"h","other":"i","label":"PASS","rater":"a"}`,
	} {
		if _, err := agreement.ReadLabels(strings.NewReader(line + "\n")); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A rater who has several files has said what their times say, whichever file is read first.
func TestLatestAcrossFiles(t *testing.T) {
	label := func(hash, said string, minute int) agreement.Label {
		return agreement.Label{Item: agreement.Item{Dimension: "overall", Hash: hash}, Label: said, Rater: "ada", At: time.Date(2026, 3, 2, 10, minute, 0, 0, time.UTC)}
	}
	old := []agreement.Label{label("changed", agreement.Pass, 1), label("taken back", agreement.Pass, 2), label("kept", agreement.Pass, 3)}
	late := []agreement.Label{label("changed", agreement.NoPass, 4), label("taken back", "", 5)}
	for _, all := range [][]agreement.Label{append(slices.Clone(old), late...), append(slices.Clone(late), old...)} {
		held := map[string]string{}
		for _, l := range agreement.Latest(all) {
			held[l.Hash] = l.Label
		}
		if len(held) != 2 || held["changed"] != agreement.NoPass || held["kept"] != agreement.Pass {
			t.Errorf("holds %v", held)
		}
	}
}

// study is labels of three people and a judge about pages of three use cases: the judge
// agrees with them but for every so many pages.
func study(pages, wrong int) (people, judges []agreement.Label) {
	for i := range pages {
		l := agreement.Label{
			Case: fmt.Sprint("c", i), UseCase: []string{"broad_music", "new_releases", "broad_podcast"}[i%3],
			Item: agreement.Item{Dimension: "overall", Hash: fmt.Sprint("h", i)}, At: time.Unix(int64(i), 0),
		}
		for r, rater := range []string{"ada", "bo", "cy"} {
			l.Rater, l.Label = rater, agreement.LabelsOf("overall")[i%2]
			if r == 2 && i%10 == 0 {
				l.Label = agreement.LabelsOf("overall")[1-i%2]
			}
			people = append(people, l)
		}
		l.Rater, l.Label = "llm/x", agreement.LabelsOf("overall")[i%2]
		if i%wrong == wrong-1 {
			l.Label = agreement.LabelsOf("overall")[1-i%2]
		}
		judges = append(judges, l)
	}
	return people, judges
}

func TestGate(t *testing.T) {
	for name, tc := range map[string]struct {
		pages, wrong int
		missing      string
	}{
		"enough":             {240, 15, ""},
		"too few":            {150, 15, "150 items of 200 are labelled"},
		"too few of a kind":  {89, 15, "89 items of 200 are labelled; 29 of 30 for broad_podcast"},
		"not good":           {240, 4, "κ is below 0.60"},
		"not good at all":    {240, 3, "κ is below 0.60; κ may be below 0.40"},
		"good by chance":     {12, 12, "12 items of 200 are labelled; 4 of 30 for broad_music; 4 of 30 for broad_podcast; 4 of 30 for new_releases"},
		"the opposite":       {240, 1, "κ is below 0.60; κ may be below 0.40"},
		"exactly calibrated": {200, 1000, ""},
	} {
		people, judges := study(tc.pages, tc.wrong)
		r, err := agreement.Measure(agreement.DefaultGate(), people, judges)
		if err != nil || len(r.Judges) != 1 {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		c := r.Judges[0].Calibration
		if got := strings.Join(c.Missing, "; "); got != tc.missing || c.Passed != (tc.missing == "") || c.Covers("broad_music") != c.Passed || c.Covers("other") {
			t.Errorf("%s: %q: %s", name, got, c.Statement())
		}
	}
	if s := (agreement.Calibration{}).Statement(); !strings.HasPrefix(s, "uncalibrated: ") {
		t.Errorf("nothing is known: %q", s)
	}
}

func TestMeasure(t *testing.T) {
	people, judges := study(240, 15)
	for i := range 6 { // two raters who are divided
		l := people[0]
		l.Case, l.Hash, l.Rater, l.Label = "new", fmt.Sprint("n", i/2), []string{"ada", "bo"}[i%2], agreement.LabelsOf("overall")[i%2]
		people = append(people, l)
	}
	people = append(people, people[:30]...) // from a second file that holds the same
	lonely := people[0]                     // a page that no judge has seen
	lonely.Case, lonely.Hash = "lonely", "lonely"
	people = append(people, lonely)
	pair := agreement.Label{Case: "c1", Item: agreement.Item{Dimension: agreement.Pair, Hash: "a", Other: "b"}, Label: agreement.First, Rater: "ada"}
	people = append(people, pair)
	pair.Hash, pair.Other, pair.Label, pair.Rater = "b", "a", agreement.Second, "llm/x"
	judges = append(judges, pair)
	r, err := agreement.Measure(agreement.DefaultGate(), people, judges)
	if err != nil {
		t.Fatal(err)
	}
	h := r.Humans[0]
	if h.Items != 244 || h.Shared != 243 || h.Divided != 3 || h.Alpha < .8 || h.Alpha > .9 || r.Unused["llm/x"] != 1 {
		t.Errorf("%+v, unused %v", h, r.Unused)
	}
	j := r.Judges[0]
	if j.Items != 240 || j.Passed.Of != 120 || j.Corrected == nil || math.Abs(j.Corrected.Value-.5) > 1e-9 {
		t.Errorf("%+v, %+v", j, j.Corrected)
	}
	if p := r.Judges[1]; p.Dimension != agreement.Pair || p.Items != 1 || p.Table.Counts[0][0] != 1 || p.Passed != nil {
		t.Errorf("%+v", p)
	}
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report.txt", b.String())
	if _, err := agreement.Measure(agreement.Gate{}, people, judges); err == nil {
		t.Error("the zero gate is open")
	}
}

// golden compares with a file, which UPDATE_GOLDEN=1 rewrites.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || string(want) != got {
		t.Errorf("%v, got\n%s", err, got)
	}
}

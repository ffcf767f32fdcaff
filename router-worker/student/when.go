package student

import (
	"strconv"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// freshWeeks is how recent "new" is, when nothing more exact is said.
const freshWeeks = 4

// weeksInYear is a year's; a quarter of it has three months.
const weeksInYear = 52

// weeksIn returns the whole weeks of some months: 4 of one, 13 of three.
func weeksIn(months int) int { return months * weeksInYear / 12 }

// window returns the weeks of a stated window, such as "this week" or "the last 3
// months", or 0. The year counts whole, so that the answer does not depend on the day.
func (r *reader) window() int {
	for i := range r.a.toks {
		switch w := r.word(i); {
		case is(w, "today todays yesterday yesterdays tonight"):
			return 1
		case is(w, "week weeks woche semaine semana settimana"):
			return max(1, r.howMany(i))
		case is(w, "month months monat mois mes mese"):
			return weeksIn(max(1, r.howMany(i)))
		case is(w, "year years jahr annee ano anno"):
			if n := r.howMany(i); n > 0 {
				return weeksInYear * n
			}
		case is(w, "recently lately"):
			return weeksIn(2)
		}
	}
	return 0
}

// howMany returns n of "last n months" for the unit at word i; 1 for "this week"; 0 when
// the unit is not a window into the past.
func (r *reader) howMany(i int) int {
	before := r.word(i - 1)
	if is(before, "this last past diese dieses letzte cette esta este questa questo current") {
		return 1
	}
	if n := count(before); n > 0 && is(r.word(i-2), "last past previous recent these letzten") {
		return n
	}
	return 0
}

// count reads a small number.
func count(word string) int {
	if n, err := strconv.Atoi(word); err == nil && n > 0 && n <= 100 {
		return n
	}
	for i, w := range [...]string{"", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"} {
		if w == word && i > 0 {
			return i
		}
	}
	if is(word, "few couple") {
		return 3
	}
	return 0
}

// fresh reports whether new work is asked for: "new" beside a genre or a kind of result,
// but not "new to jazz", nor a genre or name that begins with it.
func (r *reader) fresh() bool {
	for _, s := range r.a.spans {
		if s.sym != symNone || !is(r.word(s.from), "new newest latest fresh recent newly nuevo nueva nuevos nuevas neue neuer neues nouveau nouvelle nouveaux nouveautes nuovo nuova novo nova lanzamientos neuerscheinungen") {
			continue
		}
		if is(r.word(s.from-1), "im am something anything someone totally completely absolutely") || is(r.word(s.to), "to york orleans years year s age") {
			continue
		}
		return true
	}
	return false
}

// era sets the first and the last year of the era that is asked for.
func (r *reader) era(p schemas.Params) {
	from, to := 0, 0
	for i, s := range r.a.spans {
		a, b := r.years(s)
		if a == 0 {
			continue
		}
		switch w := r.word(s.from - 1); {
		case is(w, "before pre until") && i > 0:
			a = 0
		case is(w, "since after post") && i > 0:
			b = 0
		}
		if from == 0 || a > 0 && a < from {
			from = a
		}
		to = max(to, b)
	}
	if from > 0 {
		p["era_from"] = from
	}
	if to > 0 {
		p["era_to"] = to
	}
}

// years returns the years a span stands for, or zeros.
func (r *reader) years(s span) (from, to int) {
	w := r.word(s.from)
	switch s.sym {
	case symYear:
		if y, err := strconv.Atoi(w); err == nil && y >= 1900 {
			return y, y
		}
	case symNumber:
		if is(r.word(s.from-1), "anni anos annees") && len(w) == 2 && w[1] == '0' {
			from = decade(w)
			return from, from + 9
		}
	case symDecade:
		from = decade(w[:strings.IndexFunc(w, func(c rune) bool { return c > '9' })])
		return part(r.word(s.from-1), from)
	case symEra:
		first, last, ok := strings.Cut(s.phrase.value(kindEra), "-")
		if a, err := strconv.Atoi(first); ok && err == nil {
			b, _ := strconv.Atoi(last) // the lexicon's test reads them all
			if b-a == 9 {
				return part(r.word(s.from-1), a)
			}
			return a, b
		}
	}
	return 0, 0
}

// part narrows a decade by a word such as "early".
func part(word string, from int) (int, int) {
	switch word {
	case "early":
		return from, from + 4
	case "mid":
		return from + 3, from + 6
	case "late":
		return from + 5, from + 9
	}
	return from, from + 9
}

// decade returns the first year of 80 or 1980. Two digits mean the last time they were.
func decade(digits string) int {
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil:
		return 0
	case n >= 100:
		return n
	case n < 30:
		return 2000 + n
	}
	return 1900 + n
}

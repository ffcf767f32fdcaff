package schemas

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a message. They bound what a hostile producer can make us hold.
const (
	MaxQueryRunes    = 256
	MaxNameBytes     = 64   // ids, codes and names
	MaxCalls         = 16   // calls of one decision
	MaxItems         = 200  // items of one section
	MaxItemNames     = 64   // artists or genres of one item
	MaxTitleBytes    = 1024 // titles and subtitles of items
	MaxExperiments   = 32
	MaxFeatures      = 256
	MaxUserBytes     = 256
	MaxSectionText   = 4096
	MaxParamBytes    = utf8.UTFMax * MaxQueryRunes // a parameter may be the whole query
	MaxListParams    = 32
	MaxParams        = 32
	MaxItemRefsBytes = 256
	MaxDeadlineMS    = 60_000 // of one call
)

// maxProblems bounds an error: a long hostile list need not fill a log.
const maxProblems = 16

// problems gathers what is wrong with a message, one entry a field. Its texts name fields
// and bounds, and never quote a value: they end up in logs and dead letters.
type problems struct{ errs []error }

func (p *problems) put(err error) {
	switch n := len(p.errs); {
	case n < maxProblems:
		p.errs = append(p.errs, err)
	case n == maxProblems:
		p.errs = append(p.errs, invalid("more problems are not listed"))
	}
}

func (p *problems) check(ok bool, field, format string, args ...any) {
	if !ok {
		p.put(fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
	}
}

// version records a bad schema_version. It keeps ErrVersion visible to errors.Is.
func (p *problems) version(v string) {
	if err := CheckVersion(v); err != nil {
		p.put(err)
	}
}

func (p *problems) query(field, text string) {
	if err := CheckText(text); err != nil {
		p.put(fmt.Errorf("%s: %w", field, err))
	}
}

// name wants a short printable token that is not empty.
func (p *problems) name(field, v string) {
	p.check(v != "", field, "must not be empty")
	p.optional(field, v)
}

// optional wants a short printable token, or nothing.
func (p *problems) optional(field, v string) { p.token(field, v, MaxNameBytes) }

func (p *problems) token(field, v string, maxBytes int) {
	p.length(field, v, maxBytes)
	p.check(isASCII(v) || utf8.ValidString(v) && !strings.ContainsFunc(v, unicode.IsControl),
		field, "must be valid UTF-8 without control characters")
}

// isASCII is the short way to say yes: most texts are printable ASCII.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// length formats nothing unless it must: it runs for every text of every item.
func (p *problems) length(field, v string, maxBytes int) {
	if len(v) > maxBytes {
		p.check(false, field, "must have at most %d bytes", maxBytes)
	}
}

func (p *problems) id(field, v string) {
	p.check(IsCorrelationID(v), field, "must be a UUIDv7 in lower case, such as 01890a5d-ac96-774b-bcce-b302099a8057")
}

func (p *problems) market(v string) {
	p.check(IsMarket(v), "market", "must be two upper-case letters (ISO 3166-1), such as US")
}

func (p *problems) time(field string, t time.Time) {
	p.check(!t.IsZero(), field, "must be a time in RFC 3339 form")
}

// text wants prose: white space is fine, characters that steer a terminal are not.
func (p *problems) text(field, v string, maxBytes int) {
	p.length(field, v, maxBytes)
	p.check(isASCII(v) || utf8.ValidString(v) && !strings.ContainsFunc(v, isControl),
		field, "must be valid UTF-8 without control characters")
}

// amount wants a finite number that is not negative.
func (p *problems) amount(field string, v float64) {
	p.check(v >= 0 && !math.IsInf(v, 1), field, "must be a number that is not negative")
}

// ratio wants a number between 0 and 1; NaN is none.
func (p *problems) ratio(field string, v float64) {
	p.check(v >= 0 && v <= 1, field, "must lie between 0 and 1")
}

func (p *problems) between(field string, v, lowest, highest int) {
	if v < lowest || v > highest {
		p.check(false, field, "must lie between %d and %d", lowest, highest)
	}
}

func oneOf[T ~string](p *problems, field string, v T, allowed ...T) {
	if slices.Contains(allowed, v) {
		return
	}
	var names []string
	for _, a := range allowed {
		if a != "" {
			names = append(names, string(a))
		}
	}
	p.check(false, field, "must be one of %s", strings.Join(names, ", "))
}

// within puts the problems of a nested value under field.
func within[T any](p *problems, field string, v *T, check func(*T, *problems)) {
	var inner problems
	check(v, &inner)
	for _, err := range inner.errs {
		p.put(fmt.Errorf("%s.%w", field, err))
	}
}

// each puts the problems of every entry of a list under field[i]. The list must be there:
// a nil list would travel as null, which readers in other languages trip over.
func each[T any](p *problems, field string, list []T, check func(*T, *problems)) {
	p.check(list != nil, field, "must be a list, which may be empty")
	var inner problems
	for i := range list {
		check(&list[i], &inner)
		for _, err := range inner.errs {
			p.put(fmt.Errorf("%s[%d].%w", field, i, err))
		}
		inner.errs = nil
	}
}

// optional is each for a list that is left out when it is empty.
func optional[T any](p *problems, field string, list []T, check func(*T, *problems)) {
	if len(list) > 0 {
		each(p, field, list, check)
	}
}

func (p *problems) err(message string) error {
	if len(p.errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrInvalid, message, errors.Join(p.errs...))
}

// IsCorrelationID reports whether s is a UUID of version 7 in its lower-case text form
// (RFC 9562).
func IsCorrelationID(s string) bool {
	if len(s) != 36 || s[14] != '7' || !strings.ContainsRune("89ab", rune(s[19])) {
		return false
	}
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') {
			return false
		} else if !dash && !isHex(s[i]) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

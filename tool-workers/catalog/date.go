package catalog

import (
	"fmt"
	"time"
)

// Date is a day, month or year: the precision is what is known. The zero Date is unknown.
// Dates compare as numbers; one of lesser precision comes first among those it may mean.
type Date uint32 // year, month (0: unknown), day (0: unknown): 23, 4 and 5 bits

// ParseDate reads YYYY, YYYY-MM or YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	for _, form := range []string{time.DateOnly, "2006-01", "2006"} {
		t, err := time.Parse(form, s)
		if err != nil || t.Year() == 0 {
			continue
		}
		d := Day(t)
		switch form {
		case "2006":
			return d &^ 511, nil
		case "2006-01":
			return d &^ 31, nil
		default:
			return d, nil
		}
	}
	return 0, fmt.Errorf("date %q: want YYYY, YYYY-MM or YYYY-MM-DD", s)
}

// Day returns the date of t, to the day.
func Day(t time.Time) Date {
	y, m, d := t.Date()
	return Date(y<<9 | int(m)<<5 | d)
}

// Year returns the year, 0 when unknown.
func (d Date) Year() int { return int(d >> 9) }

func (d Date) month() time.Month { return time.Month(d >> 5 & 15) }

func (d Date) day() int { return int(d & 31) }

// String returns the date in its precision, "" when unknown.
func (d Date) String() string {
	switch {
	case d == 0:
		return ""
	case d.month() == 0:
		return fmt.Sprintf("%04d", d.Year())
	case d.day() == 0:
		return fmt.Sprintf("%04d-%02d", d.Year(), d.month())
	default:
		return fmt.Sprintf("%04d-%02d-%02d", d.Year(), d.month(), d.day())
	}
}

// Time returns the first moment that the date can mean, the zero time when unknown.
func (d Date) Time() time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Date(d.Year(), max(d.month(), 1), max(d.day(), 1), 0, 0, 0, 0, time.UTC)
}

// Exact reports whether the day is known.
func (d Date) Exact() bool { return d.day() != 0 }

// Within reports whether the date lies at most so many weeks before now, and not after it.
// A date of lesser precision counts by the first moment it can mean, so what may be older
// is not called new.
func (d Date) Within(weeks int, now time.Time) bool {
	first := d.Time()
	return d != 0 && !first.After(now) && !first.Before(now.AddDate(0, 0, -7*weeks))
}

// Ago says when a release with this date came out, as seen at now: "released 3 weeks ago",
// "upcoming, out on 4 July 2025". It claims no more than the date's precision, and returns
// "" for an unknown date.
func (d Date) Ago(now time.Time) string {
	if d == 0 {
		return ""
	}
	switch days := d.days(now); {
	case days < 0:
		return "upcoming, out " + d.On()
	case !d.Exact():
		return "released " + d.On()
	case days == 0:
		return "released today"
	case days == 1:
		return "released yesterday"
	case days < 14:
		return fmt.Sprintf("released %d days ago", days)
	case days < 7*26:
		return fmt.Sprintf("released %d weeks ago", days/7)
	default:
		return "released " + d.On()
	}
}

// On returns the date in words with its preposition: "on 7 March 2025", "in March 2025",
// "in 2025". It is "" for an unknown date.
func (d Date) On() string {
	switch {
	case d == 0:
		return ""
	case d.Exact():
		return "on " + d.Time().Format("2 January 2006")
	case d.month() != 0:
		return "in " + d.Time().Format("January 2006")
	default:
		return fmt.Sprintf("in %d", d.Year())
	}
}

// After reports whether the date surely lies after now. What may already be out is not
// after it.
func (d Date) After(now time.Time) bool { return d != 0 && d.days(now) < 0 }

// days returns the whole days from the first moment of the date to now.
func (d Date) days(now time.Time) int {
	return int(Day(now).Time().Sub(d.Time()) / (24 * time.Hour))
}

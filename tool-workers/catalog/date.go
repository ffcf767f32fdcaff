package catalog

import (
	"fmt"
	"time"
)

// Date is a day, month or year: the precision is what is known.
type Date struct {
	first time.Time // the first moment it can mean; zero when unknown
	form  string    // the layout of its precision
}

// ParseDate reads YYYY, YYYY-MM or YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	for _, form := range []string{time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(form, s); err == nil {
			return Date{t, form}, nil
		}
	}
	return Date{}, fmt.Errorf("date %q: want YYYY, YYYY-MM or YYYY-MM-DD", s)
}

// Day returns the date of t, to the day.
func Day(t time.Time) Date {
	y, m, d := t.Date()
	return Date{time.Date(y, m, d, 0, 0, 0, 0, time.UTC), time.DateOnly}
}

// String returns the date in its precision, "" when unknown.
func (d Date) String() string {
	if d.first.IsZero() {
		return ""
	}
	return d.first.Format(d.form)
}

// Time returns the first moment that the date can mean.
func (d Date) Time() time.Time { return d.first }

// Year returns the year, 0 when unknown.
func (d Date) Year() int {
	if d.first.IsZero() {
		return 0
	}
	return d.first.Year()
}

// Exact reports whether the day is known.
func (d Date) Exact() bool { return d.form == time.DateOnly }

// Within reports whether the date lies at most so many weeks before now, and not after it.
// A date of lesser precision counts by the first moment it can mean, so what may be older
// is not called new.
func (d Date) Within(weeks int, now time.Time) bool {
	return !d.first.IsZero() && !d.first.After(now) && !d.first.Before(now.AddDate(0, 0, -7*weeks))
}

// Ago says when a release with this date came out, as seen at now: "released 3 weeks ago",
// "upcoming, out on 4 July 2025". It claims no more than the date's precision, and returns
// "" for an unknown date.
func (d Date) Ago(now time.Time) string {
	switch days := d.days(now); {
	case d.first.IsZero():
		return ""
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
// "in 2025".
func (d Date) On() string {
	switch d.form {
	case time.DateOnly:
		return "on " + d.first.Format("2 January 2006")
	case "2006-01":
		return "in " + d.first.Format("January 2006")
	default:
		return "in " + d.first.Format("2006")
	}
}

// After reports whether the date surely lies after now. What may already be out is not
// after it.
func (d Date) After(now time.Time) bool { return d.days(now) < 0 }

// days returns the whole days from the first moment of the date to now.
func (d Date) days(now time.Time) int {
	today := Day(now).first
	return int(today.Sub(d.first) / (24 * time.Hour))
}

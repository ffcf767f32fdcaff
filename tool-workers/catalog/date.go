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

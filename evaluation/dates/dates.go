// Package dates reads the dates of releases, of which often the year alone is known.
package dates

import "time"

// Days returns the first and the last day that a date of YYYY-MM-DD, YYYY-MM or YYYY may
// stand for, in UTC, and false for any other text.
func Days(date string) (first, last time.Time, ok bool) {
	for _, form := range []struct {
		layout        string
		years, months int // that it leaves open
	}{{time.DateOnly, 0, 0}, {"2006-01", 0, 1}, {"2006", 1, 0}} {
		first, err := time.Parse(form.layout, date)
		if err != nil {
			continue
		}
		if last = first; form.years+form.months > 0 {
			last = first.AddDate(form.years, form.months, -1)
		}
		return first, last, true
	}
	return first, last, false
}

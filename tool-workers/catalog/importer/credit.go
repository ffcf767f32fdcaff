package importer

import (
	"regexp"
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// guests matches the words after which a credit names guests.
var guests = regexp.MustCompile(`(?i)\b(feat|ft|featuring)\b`)

// credit is who is on something.
type credit struct {
	artists  []string // keys of the main artists
	main     string   // how they are printed, "" where that is the name of the only one
	full     string   // how all are printed, guests included; "" as with main
	featured []string // names of the guests
}

// readCredit splits a credit at its join phrases: what follows "feat." and the like is a
// guest, everything else ("&", "x", "vs.", a comma) joins artists of equal right. Artists
// without an MBID stay in the printed form.
func readCredit(parts []mbCredit) credit {
	var (
		c          credit
		main, full strings.Builder
		plain      = true // the only artist, by its own name
		guest      bool
	)
	for i, part := range parts {
		name := orElse(part.Name, part.Artist.Name)
		full.WriteString(name + part.Join)
		if key, err := mbKey(part.Artist.ID); !guest && err == nil {
			c.artists = append(c.artists, key)
		}
		if guest {
			c.featured = append(c.featured, name)
		} else {
			main.WriteString(name)
			plain = plain && i == 0 && name == part.Artist.Name
		}
		guest = guest || guests.MatchString(part.Join)
		if !guest {
			main.WriteString(part.Join)
		}
	}
	if !plain {
		c.main = strings.TrimSpace(main.String())
	}
	if !plain || len(c.featured) > 0 {
		c.full = strings.TrimSpace(full.String())
	}
	return c
}

func orElse(s, other string) string {
	if s = strings.TrimSpace(s); s != "" {
		return s
	}
	return strings.TrimSpace(other)
}

// partialDate reads as much of a date as is known and possible: of "1998-??-12" it is 1998,
// of "2001-02-30" February 2001, of "????" nothing.
func partialDate(s string) catalog.Date {
	s = strings.TrimSpace(s)
	for _, length := range []int{10, 7, 4} {
		if len(s) < length || len(s) > length && s[length] != '-' && s[length] != 'T' {
			continue
		}
		if d, err := catalog.ParseDate(s[:length]); err == nil {
			return d
		}
	}
	return 0
}

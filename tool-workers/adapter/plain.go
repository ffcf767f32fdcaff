package adapter

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	tag  = regexp.MustCompile(`</?[A-Za-z!][^<>]*>`)
	link = regexp.MustCompile(`!?\[([^\[\]]*)\]\((?:[^()]|\([^()]*\))*\)`)
)

// Plain returns s as plain text of at most limit bytes: without tags, Markdown links,
// control characters and characters that change the direction of writing. White space
// becomes single spaces. It is not HTML-safe by itself: pages escape every text.
func Plain(s string, limit int) string {
	if len(s) > 4*limit { // whatever is left of the rest would be cut
		s = s[:4*limit]
	}
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
	s = link.ReplaceAllString(s, "$1")
	for i := 0; tag.MatchString(s); i++ {
		if s = tag.ReplaceAllString(s, ""); i == 8 { // made of tags in tags
			s = strings.NewReplacer("<", "", ">", "").Replace(s)
		}
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > limit {
		s = strings.TrimRight(strings.ToValidUTF8(s[:limit], ""), " ")
	}
	return s
}

package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parallel-fusion/pfr/schemas"
)

// Suggestions knows what others search for.
type Suggestions interface {
	// Suggest returns at most n queries that begin as prefix does, or have a word that does,
	// the best first. An empty prefix is that of every query.
	Suggest(prefix, market string, n int) []Suggestion
}

// Suggestion is a query to try.
type Suggestion struct {
	Query  string           `json:"query"`
	Source SuggestionSource `json:"source"`
}

// SuggestionSource says where a suggestion is from.
type SuggestionSource string

// Sources of suggestions.
const (
	SuggestPopular SuggestionSource = "popular" // enough clients have asked it of late
	SuggestExample SuggestionSource = "example" // the manifest has it
)

const (
	defaultSuggestions = 8
	maxSuggestions     = 20
)

// suggest serves queries to try while one is typed.
func (g *Gateway) suggest(w http.ResponseWriter, r *http.Request) *problem {
	prefix, market, n, p := suggestionOf(r.URL.Query())
	if p == nil {
		p = inMarket(r.Context(), market) // what is popular there is not for everybody either
	}
	if p != nil {
		return p
	}
	found := []Suggestion{}
	if g.ports.Suggestions != nil {
		found = append(found, g.ports.Suggestions.Suggest(prefix, market, n)...)
	}
	return writeJSON(w, http.StatusOK, map[string][]Suggestion{"suggestions": found})
}

func suggestionOf(params url.Values) (prefix, market string, n int, p *problem) {
	for name, v := range params {
		if name != "q" && name != "market" && name != "limit" {
			return "", "", 0, newProblem(http.StatusBadRequest, name+": there is no such parameter. There are limit, market, q.")
		}
		if len(v) > 1 {
			return "", "", 0, newProblem(http.StatusBadRequest, name+": must be given once.")
		}
	}
	prefix, market, n = strings.ToValidUTF8(params.Get("q"), ""), cmp.Or(params.Get("market"), defaultMarket), defaultSuggestions
	if utf8.RuneCountInString(prefix) > schemas.MaxQueryRunes {
		return "", "", 0, newProblem(http.StatusBadRequest, fmt.Sprintf("q: must have at most %d characters.", schemas.MaxQueryRunes))
	}
	if !schemas.IsMarket(market) {
		return "", "", 0, newProblem(http.StatusBadRequest, "market: must be two upper-case letters, such as US.")
	}
	if params.Has("limit") {
		var err error
		if n, err = strconv.Atoi(params.Get("limit")); err != nil || n < 1 || n > maxSuggestions {
			return "", "", 0, newProblem(http.StatusBadRequest, fmt.Sprintf("limit: must be an integer from 1 to %d.", maxSuggestions))
		}
	}
	return prefix, market, n, nil
}

package llm

import (
	chat "github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/schemas"
)

// userTurn returns the user turn: the query, untrusted, as a JSON string that it cannot
// leave.
func userTurn(query string) string {
	turn, _ := chat.Turn(struct { // of a string: it cannot go wrong
		Q string `json:"q"`
	}{chat.Clean(query, schemas.MaxQueryRunes)})
	return turn
}

package tools_test

import (
	"context"
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// concertParams are what a call asks for.
type concertParams struct {
	Artist string `param:"artist" doc:"who plays" required:"true"`
	Weeks  int    `param:"weeks" doc:"from now at most" min:"1" max:"52" default:"8"`
}

// A tool is a function with typed parameters and a description.
func ExampleTyped() {
	tool, err := tools.Typed("concert_search", tools.Spec{
		Version: "1.0.0", For: "finds concerts of an artist", CacheFor: time.Hour, Results: []schemas.ItemType{"concert"},
		Example: tools.Example{Query: "khruangbin live", Params: schemas.Params{"artist": "Khruangbin"}},
	}, func(_ context.Context, c tools.Call[concertParams]) (tools.Result, error) {
		return tools.Result{Text: fmt.Sprintf("%s does not play in the next %d weeks.", c.Params.Artist, c.Params.Weeks)}, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, params := range []schemas.Params{{"artist": "Khruangbin"}, {"weeks": 99}} {
		result, err := tool.Run(context.Background(), schemas.ToolRequest{Params: params, Limit: 5})
		fmt.Println(result.Text, err)
	}
	// Output:
	// Khruangbin does not play in the next 8 weeks. <nil>
	//  bad tool request: artist: got nothing, want a text of at most 1024 bytes, not empty
	// weeks: got 99, want an integer from 1 to 52
}

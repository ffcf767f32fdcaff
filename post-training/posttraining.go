// Package posttraining makes training rows for small routers by rejection sampling, as the
// article describes it: a teacher decides for a query at a high temperature, cheap gates and
// a judge throw out what is bad, and sampling goes on until a decision passes or the limit
// is reached.
//
// The vocabulary: a sample is one answer of a teacher; an attempt is a sample with what gates
// and judge made of it; a row is an attempt that passed, with where it comes from; a hard
// query is one that no attempt passed; a rejection is an attempt that did not, with why. A
// run is a folder: its settings, its queries, a journal of finished attempts, and the files
// that follow from these. A form is how the small router is asked and how it answers: what
// it is trained on is what it is served.
package posttraining

import (
	"context"
	"errors"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/schemas"
)

// Source is where a query comes from.
type Source string

// Sources.
const (
	Written   Source = "written"   // by hand
	Catalogue Source = "catalogue" // a template filled with names
	Logs      Source = "logs"      // asked by listeners
	Public    Source = "public"    // of a public set
)

// Query is what a decision is wanted for. Everything in it is plain data: runs keep it.
type Query struct {
	ID     string        `json:"id"` // unique in a run
	Text   string        `json:"query"`
	Source Source        `json:"source"`
	Split  testset.Split `json:"split"` // always [testset.Train]
	Market string        `json:"market,omitempty"`
	// Template is the text with slots in place of names, such as "artists like {artist}"; ""
	// where nothing was filled in.
	Template string         `json:"template,omitempty"`
	Cluster  string         `json:"cluster,omitempty"`
	Gold     []testset.Gold `json:"gold,omitempty"`  // decisions that suit; none: not labelled
	Names    []Named        `json:"names,omitempty"` // that a decision must carry
}

// Named is what a query is known to name, because it was put there.
type Named struct {
	Parameters []string `json:"parameters"` // where it belongs: the first that the route takes
	Spellings  []string `json:"spellings"`  // any of them will do
}

// Decision is a route with canonical parameters.
type Decision struct {
	Route  string
	Params schemas.Params
	// Text is the decision as the small router must write it: minified JSON, the same bytes
	// for the same decision. See [Form].
	Text string
}

// Sample is one answer of a teacher.
type Sample struct {
	Route       string
	Params      schemas.Params // canonical
	Temperature float64
	Prompt      string // version of the prompt; "" where there is none
	Model       string // as the teacher names itself while it answers
	Tokens      schemas.Tokens
	CostUSD     float64
}

// ErrInvalid marks an answer of a teacher that is no valid decision. It is a rejection; any
// other error of a teacher says that it could not be asked.
var ErrInvalid = errors.New("no valid decision")

// Ask is one attempt that a teacher is asked for.
type Ask struct {
	Query   Query
	Attempt int    // from 1
	Seed    uint64 // depends on the seed of the run, the query and the attempt alone
}

// Teacher decides. It is safe for concurrent use. Its answers must not come from a cache.
type Teacher interface {
	// ID names the teacher with everything that its answers depend on.
	ID() string
	// Sample returns one answer. What it cost is in the sample, with an [ErrInvalid] too.
	Sample(ctx context.Context, a Ask) (Sample, error)
}

// Gate is a cheap check on a decision before it is judged.
type Gate struct {
	Name string
	// Check returns nil or one line that says what is wrong. It is safe for concurrent use.
	Check func(Query, Decision) error
}

// Verdict is what a judge says of a decision.
type Verdict struct {
	Pass    bool
	None    bool   // there is no verdict: nothing is known of the decision, and it does not pass
	Reason  string // one line
	Prompt  string // version of the judge's prompt; "" where there is none
	Tokens  schemas.Tokens
	CostUSD float64
}

// Judge says whether a decision suits its query. It is safe for concurrent use.
type Judge interface {
	// ID names the judge with everything that its verdicts depend on.
	ID() string
	Judge(ctx context.Context, q Query, d Decision) (Verdict, error)
}

// Form is how the small router is asked and how it answers. It is safe for concurrent use.
type Form interface {
	// Version names the form: rows of another one are not for the same model.
	Version() string
	// Turns returns what the router is asked for a query.
	Turns(query string) (system, user string)
	// Answer returns a decision as it must be written: minified JSON in which every member
	// has its place. Equal decisions have equal texts.
	Answer(route string, params schemas.Params) (string, error)
}

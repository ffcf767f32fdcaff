package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/parallel-fusion/pfr/evaluation/routing"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	posttraining "github.com/parallel-fusion/pfr/post-training"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas"
)

// QuerySources are where the queries of a run come from. Equal sources give equal queries.
type QuerySources struct {
	TestSets []string // files of cases, of which those to train on are taken
	Own      bool     // the cases of the product, likewise
	Student  bool     // the queries that the student was trained on, with names in their slots
	Data     string   // folder of such queries; "" is the embedded one
	Public   string   // folder of the public query sets, of which the half to learn from is taken
	Logs     []string // files of queries; see [routing.ReadLog]
	Fillings int      // of a query with slots
	Seed     uint64   // of the names in slots
}

// Read returns the queries, each text once: the first source that has it keeps it.
func (s QuerySources) Read(routeNames []string) ([]posttraining.Query, error) {
	var all []posttraining.Query
	for _, read := range []func([]string) ([]posttraining.Query, error){s.readTestSets, s.readStudent, s.readPublic, s.readLogs} {
		found, err := read(routeNames)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	seen := map[string]bool{}
	var out []posttraining.Query
	for _, q := range all {
		key := router.Normalise(q.Text)
		if seen[key] || schemas.CheckText(q.Text) != nil {
			continue
		}
		seen[key] = true
		if q.ID == "" {
			sum := sha256.Sum256([]byte(key))
			q.ID = string(q.Source) + "/" + hex.EncodeToString(sum[:6])
		}
		q.Split = testset.Train
		out = append(out, q)
	}
	if len(out) == 0 {
		return nil, errors.New("there are no queries: say where they come from")
	}
	return out, nil
}

func (s QuerySources) readTestSets([]string) ([]posttraining.Query, error) {
	var out []posttraining.Query
	if s.Own {
		cases, err := testset.Own()
		if err != nil {
			return nil, err
		}
		out = append(out, toTrainOn(cases)...)
	}
	for _, file := range s.TestSets {
		cases, err := testset.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found := toTrainOn(cases)
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: has no case to train on", file)
		}
		out = append(out, found...)
	}
	return out, nil
}

// toTrainOn returns the queries of the cases to train on.
func toTrainOn(cases []testset.Case) []posttraining.Query {
	var out []posttraining.Query
	for _, c := range testset.In(cases, testset.Train) {
		out = append(out, posttraining.Query{
			ID: "case/" + c.ID, Text: c.Query, Source: sourceOf(c.Origin), Split: c.Split, Market: c.Market, Cluster: c.Cluster, Gold: c.Gold,
		})
	}
	return out
}

func sourceOf(o testset.Origin) posttraining.Source {
	switch o {
	case testset.FromCatalogue:
		return posttraining.Catalogue
	case testset.FromLogs:
		return posttraining.Logs
	case testset.Written:
	}
	return posttraining.Written
}

func (s QuerySources) readStudent([]string) ([]posttraining.Query, error) {
	if !s.Student && s.Data == "" {
		return nil, nil
	}
	data, err := StudentTraining{Data: s.Data}.read()
	if err != nil {
		return nil, err
	}
	cfg := student.DefaultTrainConfig()
	cfg.Seed, cfg.Fillings = s.Seed, s.Fillings
	filled, err := data.Fill(cfg)
	if err != nil {
		return nil, err
	}
	out := make([]posttraining.Query, len(filled))
	for i, f := range filled {
		out[i] = posttraining.Query{Text: f.Query, Source: posttraining.Written, Gold: goldOf(f.Routes)}
		if f.Template != "" {
			out[i].Source, out[i].Template, out[i].Cluster, out[i].Names = posttraining.Catalogue, f.Template, f.Template, namedBy(f.Names)
		}
	}
	return out, nil
}

func (s QuerySources) readPublic([]string) ([]posttraining.Query, error) {
	if s.Public == "" {
		return nil, nil
	}
	learn, _, _, err := StudentTraining{Public: s.Public}.public()
	if err != nil {
		return nil, err
	}
	out := make([]posttraining.Query, len(learn))
	for i, e := range learn {
		out[i] = posttraining.Query{Text: e.Query, Source: posttraining.Public, Gold: goldOf(e.Routes)}
	}
	return out, nil
}

func (s QuerySources) readLogs(routeNames []string) ([]posttraining.Query, error) {
	var out []posttraining.Query
	for _, file := range s.Logs {
		cases, err := readRouted(file, func(r io.Reader) ([]routing.Case, error) { return routing.ReadLog(r, routeNames) })
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			q := posttraining.Query{Text: c.Query, Source: posttraining.Logs, Gold: goldOf(c.Routes)}
			if len(q.Gold) > 0 {
				q.Gold[0].Params = c.Wish
			}
			out = append(out, q)
		}
	}
	return out, nil
}

func goldOf(routeNames []string) []testset.Gold {
	out := make([]testset.Gold, len(routeNames))
	for i, name := range routeNames {
		out[i].Route = name
	}
	return out
}

// namedBy returns what the names in slots must be the values of. A parameter holds one name:
// of several of a kind any will do.
func namedBy(fillings []student.Filling) []posttraining.Named {
	parameters := map[string][]string{
		"artist": {"artist", "text"}, "show": {"show", "text"}, "genre": {"genre"},
		"track": {"text"}, "album": {"text"}, "playlist": {"text"}, "work": {"text"},
	}
	var out []posttraining.Named
	at := map[string]int{}
	for _, f := range fillings {
		i, there := at[f.Slot]
		if !there {
			i = len(out)
			at[f.Slot] = i
			out = append(out, posttraining.Named{Parameters: parameters[f.Slot]})
		}
		out[i].Spellings = append(out[i].Spellings, f.Text)
		if f.Canonical != f.Text {
			out[i].Spellings = append(out[i].Spellings, f.Canonical)
		}
	}
	return out
}

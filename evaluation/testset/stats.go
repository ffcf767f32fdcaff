package testset

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Counts says how many cases of a use case there are.
type Counts struct {
	Cases    map[Split]int `json:"cases"`
	Clusters map[Split]int `json:"clusters"` // what an interval should resample
	Profiles int           `json:"profiles"` // cases asked by somebody known
	Gold     int           `json:"gold"`     // cases with gold
	Params   int           `json:"params"`   // and with its parameters
	Needs    int           `json:"needs"`
}

// Count counts cases by use case.
func Count(cs []Case) map[UseCase]Counts {
	out := map[UseCase]Counts{}
	seen := map[UseCase]map[string]bool{}
	for _, c := range cs {
		n, known := out[c.UseCase]
		if !known {
			n = Counts{Cases: map[Split]int{}, Clusters: map[Split]int{}}
			seen[c.UseCase] = map[string]bool{}
		}
		n.Cases[c.Split]++
		if !seen[c.UseCase][c.Cluster] {
			seen[c.UseCase][c.Cluster] = true
			n.Clusters[c.Split]++
		}
		n.Profiles += one(c.Profile != nil)
		n.Gold += one(len(c.Gold) > 0)
		n.Params += one(len(c.Gold) > 0 && c.Gold[0].Params != nil)
		n.Needs += one(c.Needs != nil)
		out[c.UseCase] = n
	}
	return out
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// WriteCounts writes counts as a table.
func WriteCounts(w io.Writer, counts map[UseCase]Counts) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "use case\ttrain\tdevelopment\ttest\ttest clusters\twith profile\twith gold\twith parameters\twith needs\t")
	for _, u := range append(UseCases(), Unlabelled) {
		if n, there := counts[u]; there {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", u, n.Cases[Train], n.Cases[Development], n.Cases[Test], n.Clusters[Test], n.Profiles, n.Gold, n.Params, n.Needs)
		}
	}
	return t.Flush()
}

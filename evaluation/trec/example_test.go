package trec_test

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/trec"
)

func Example() {
	qrels, err := trec.ReadQrels(strings.NewReader("q1 0 a 3\nq1 0 b 2\nq1 0 c 0\nq1 0 d 1\n"))
	if err != nil {
		log.Fatal(err)
	}
	run, err := trec.ReadRun(strings.NewReader("q1 Q0 c 1 4 mine\nq1 Q0 a 2 3 mine\nq1 Q0 d 3 2 mine\nq1 Q0 x 4 1 mine\n"))
	if err != nil {
		log.Fatal(err)
	}
	measures, err := trec.Measures("map", "recip_rank", "ndcg_cut.3", "judged.3")
	if err != nil {
		log.Fatal(err)
	}
	e, err := trec.Evaluate(trec.DefaultConfig(), qrels, run, measures)
	if err != nil {
		log.Fatal(err)
	}
	if err := e.Write(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// map                   	all	0.3889
	// recip_rank            	all	0.5000
	// ndcg_cut_3            	all	0.5025
	// judged_3              	all	1.0000
}

// A ranking whose documents serve several intents.
func ExampleCover() {
	intents := trec.Aspects{"a": {"albums", "singles"}, "b": {"albums"}, "c": {"release date"}}
	c := trec.Cover([]string{"a", "b", "d", "c"}, intents)
	fmt.Printf("%.4f %.4f %.4f\n", c.AlphaNDCG(0.5, 5), c.ERRIA(0.5, 10), c.SubtopicRecall(2))
	// Output: 0.9532 0.6012 0.6667
}

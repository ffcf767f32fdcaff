package serpstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/serpstore"
	"github.com/parallel-fusion/pfr/schemas"
)

const canary = "canary-client-41c9"

// uuid returns the n-th correlation id.
func uuid(n int) string { return fmt.Sprintf("01890a5d-ac96-774b-bcce-%012x", n) }

// fill stores pages and decisions, of which every third is the canary's.
func fill(t *testing.T, s *serpstore.Store, n int) {
	t.Helper()
	for i := range n {
		p, d := page(uuid(i), "query", time.Now()), schemas.RouteDecision{}
		client := "other"
		if i%3 == 0 {
			client = canary
		}
		p.Asked = &schemas.Asked{Client: client, Locale: "en-US"}
		d.Query.CorrelationID, d.Query.ClientID = p.CorrelationID, client
		if err := errors.Join(s.Put(p, at(0, int64(i))), s.PutDecision(d, serpstore.Position{Topic: schemas.TopicRouteDecisions, Offset: int64(i)})); err != nil {
			t.Fatal(err)
		}
	}
}

func canarys() serpstore.Theirs {
	return serpstore.Theirs{
		Page:     func(p schemas.SERP) bool { return p.Asked.Client == canary },
		Decision: func(e serpstore.Explained) bool { return e.Query.ClientID == canary },
	}
}

// What is erased is in no byte of the file, and all else is as it was, also for those who
// write meanwhile.
func TestErase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pages.db")
	s := open(t, path, time.Hour)
	const n = 300
	fill(t, s, n)
	if data, err := os.ReadFile(path); err != nil || !bytes.Contains(data, []byte(canary)) {
		t.Fatalf("the canary is not there: %v", err)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range n {
			if err := s.Put(page(uuid(n+i), "later", time.Now()), at(1, int64(i))); err != nil {
				t.Error(err)
			}
		}
	})
	all := canarys()
	all.Page = func(p schemas.SERP) bool { return p.Asked != nil && p.Asked.Client == canary }
	erased, err := s.Erase(t.Context(), all)
	writing.Wait()
	if err != nil || erased != n/3 {
		t.Errorf("%d erased: %v; want %d pages, which take their decisions along", erased, err, n/3)
	}
	data, err := os.ReadFile(path)
	if err != nil || bytes.Contains(data, []byte(canary)) {
		t.Errorf("bytes are left: %v", err)
	}
	for i := range 2 * n {
		_, err := s.Get(uuid(i))
		_, decided := s.Decision(uuid(i))
		gone := i < n && i%3 == 0
		if errors.Is(err, serpstore.ErrNotFound) != gone || errors.Is(decided, serpstore.ErrNotFound) != (gone || i >= n) {
			t.Errorf("page %d: %v, decision: %v", i, err, decided)
		}
	}
	if next, err := s.Offsets(schemas.TopicSERPs); err != nil || next[0] != n || next[1] != n {
		t.Errorf("offsets %v %v", next, err)
	}
	if erased, err := s.Erase(t.Context(), all); err != nil || erased != 0 {
		t.Errorf("again: %d %v", erased, err)
	}
}

// Decisions without a page are found by themselves. What a crash has left of an erasure, the
// next one finishes: the bytes are gone though nothing is left to find.
func TestEraseIsResumed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pages.db")
	s := open(t, path, time.Hour)
	fill(t, s, 30)
	blocked := path + ".next" // a folder there lets no copy be made
	if err := os.MkdirAll(filepath.Join(blocked, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	onlyDecisions := canarys()
	onlyDecisions.Page = func(schemas.SERP) bool { return false }
	if n, err := s.Erase(t.Context(), onlyDecisions); err == nil || n != 10 {
		t.Fatalf("%d erased, %v", n, err)
	}
	if n, err := s.Erase(t.Context(), canarys()); err == nil || n != 10 {
		t.Fatalf("%d erased, %v", n, err)
	}
	if err := errors.Join(s.Close(), os.RemoveAll(blocked)); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, time.Hour)
	if n, err := s.Erase(t.Context(), canarys()); err != nil || n != 0 {
		t.Fatalf("%d erased, %v", n, err)
	}
	if data, err := os.ReadFile(path); err != nil || strings.Contains(string(data), canary) {
		t.Errorf("bytes are left: %v", err)
	}
	if err := s.Done(serpstore.Position{Topic: schemas.TopicErasures, Offset: 6}); err != nil {
		t.Fatal(err)
	}
	if next, err := s.Offsets(schemas.TopicErasures); err != nil || next[0] != 7 {
		t.Errorf("offsets %v %v", next, err)
	}
}

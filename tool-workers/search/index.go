package search

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/document"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"
	index "github.com/blevesearch/bleve_index_api"
	"golang.org/x/sync/errgroup"
)

// The index is bleve's scorch, in memory, opened once and only read after that. It holds
// one field, without scores, positions or stored text: it says which groups of entries
// hold some words, and looking closer and ranking are left to us. A group is a record with
// its tracks or a show with its episodes; a document for each, and not for each track,
// makes the index a quarter of the size and of the time to build. The documents are
// written in two batches at once; when they are in, the writing half is closed, so that an
// index owns no goroutine.

const (
	field   = "words"
	batches = 2
)

// textIndex finds the groups that hold words. It is safe for concurrent use.
type textIndex struct {
	reader  index.IndexReader
	mapping mapping.IndexMapping
	groups  []int32 // document number → group
}

// newTextIndex indexes texts of folded words, by their place in the list.
func newTextIndex(texts []string) (*textIndex, error) {
	workers := index.NewAnalysisQueue(batches)
	defer workers.Close()
	writer, err := scorch.NewScorch(scorch.Name, map[string]any{"path": ""}, workers)
	if err != nil {
		return nil, fmt.Errorf("new index: %w", err)
	}
	if err := writer.Open(); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	defer func() { _ = writer.Close() }() // what is in memory stays with the reader
	var g errgroup.Group
	for n := range batches {
		from, to := len(texts)*n/batches, len(texts)*(n+1)/batches
		g.Go(func() error { return writer.Batch(batch(texts, from, to)) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("fill index: %w", err)
	}
	reader, err := writer.Reader()
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	x := &textIndex{reader: reader, mapping: mapping.NewIndexMapping()}
	return x, x.number()
}

func batch(texts []string, from, to int) *index.Batch {
	b := index.NewBatch()
	for i := from; i < to; i++ {
		d := document.NewDocument(strconv.Itoa(i))
		d.AddField(document.NewTextFieldCustom(field, nil, []byte(texts[i]), index.IndexField|index.SkipFreqNorm, spaces{}))
		b.Update(d)
	}
	return b
}

// number notes which group each document is: batches keep no order.
func (x *textIndex) number() error {
	count, err := x.reader.DocCount()
	if err != nil {
		return fmt.Errorf("count documents: %w", err)
	}
	x.groups = make([]int32, count)
	for doc := range x.groups {
		id, err := x.reader.ExternalID(binary.BigEndian.AppendUint64(nil, uint64(doc)))
		if err != nil {
			return fmt.Errorf("document %d: %w", doc, err)
		}
		group, err := strconv.Atoi(id)
		if err != nil {
			return fmt.Errorf("document %d: %w", doc, err)
		}
		x.groups[doc] = int32(group)
	}
	return nil
}

// spaces takes folded text apart.
type spaces struct{}

// Analyze implements [analysis.Analyzer].
func (spaces) Analyze(text []byte) analysis.TokenStream {
	var out analysis.TokenStream
	for word := range strings.FieldsSeq(string(text)) {
		out = append(out, &analysis.Token{Term: []byte(word), Position: len(out) + 1})
	}
	return out
}

// find returns the groups that hold the words of l, in no order.
func (x *textIndex) find(ctx context.Context, l look) ([]int32, error) {
	clauses := make([]query.Query, len(l.words))
	for i, w := range l.words {
		clauses[i] = clause(w, l.prefix && i == len(l.words)-1, l.typos)
	}
	var q query.Query = query.NewConjunctionQuery(clauses)
	if l.spare > 0 {
		some := query.NewDisjunctionQuery(clauses)
		some.SetMin(float64(len(clauses) - l.spare))
		q = some
	}
	s, err := q.Searcher(ctx, x.reader, x.mapping, search.SearcherOptions{Score: "none"})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	defer func() { _ = s.Close() }()
	sctx := search.SearchContext{DocumentMatchPool: search.NewDocumentMatchPool(s.DocumentMatchPoolSize()+1, 0), IndexReader: x.reader}
	var found []int32
	for {
		hit, err := s.Next(&sctx)
		if err != nil {
			return nil, fmt.Errorf("next match: %w", err)
		}
		if hit == nil {
			return found, nil
		}
		found = append(found, x.groups[binary.BigEndian.Uint64(hit.IndexInternalID)])
		sctx.DocumentMatchPool.Put(hit)
	}
}

// clause asks for one word. Words are data: nothing in them is query syntax.
func clause(word string, prefix, typos bool) query.Query {
	var any []query.Query
	if n := allowedTypos(word); typos && n > 0 {
		fuzzy := query.NewFuzzyQuery(word)
		fuzzy.SetField(field)
		fuzzy.SetFuzziness(n)
		any = append(any, fuzzy)
	} else {
		term := query.NewTermQuery(word)
		term.SetField(field)
		any = append(any, term)
	}
	if prefix {
		begins := query.NewPrefixQuery(word)
		begins.SetField(field)
		any = append(any, begins)
	}
	if len(any) == 1 {
		return any[0]
	}
	return query.NewDisjunctionQuery(any)
}

package export

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"

	"github.com/parallel-fusion/pfr/schemas"
)

// ItemBehaviour counts the searches whose page showed an item, and what listeners did with
// it there.
type ItemBehaviour struct {
	Shown    int // a section with the item came into view
	Clicked  int // of those, with a click on it
	Streamed int // of those, with a stream of [schemas.MinStreamMS] at least
}

// ReadBehaviour counts over a folder of both tables, by the id of the item. It needs about
// 40 bytes for each section that came into view, and for each item of a search that was
// clicked or streamed. Pages of health checks are not in the tables, and erased ones no more.
func ReadBehaviour(dir string) (map[string]ItemBehaviour, error) {
	r := behaviourReader{seed: maphash.MakeSeed(), acts: map[uint64]acts{}, items: map[string]ItemBehaviour{}}
	if err := scanTable(dir, TableInteractions, r.event); err != nil {
		return nil, fmt.Errorf("behaviour: %w", err)
	}
	if err := scanTable(dir, TableSearches, r.page); err != nil {
		return nil, fmt.Errorf("behaviour: %w", err)
	}
	return r.items, nil
}

// acts are what happened to a section or an item of one search.
type acts uint8

const (
	viewed acts = 1 << iota
	clicked
	streamed
)

type behaviourReader struct {
	seed  maphash.Seed
	acts  map[uint64]acts // by a hash of the search and the id of the section or item
	items map[string]ItemBehaviour
}

// behaviourEvent has the columns of an [InteractionRow] that matter here.
type behaviourEvent struct {
	Action    string `parquet:"action,dict"`
	QueryID   string `parquet:"query_id"`
	SectionID string `parquet:"section_id,optional,dict"`
	ObjectID  string `parquet:"object_id,optional"`
	MSPlayed  int64  `parquet:"ms_played"`
}

// behaviourPage has those of a [SearchRow].
type behaviourPage struct {
	CorrelationID string             `parquet:"correlation_id"`
	Sections      []behaviourSection `parquet:"sections,list"`
}

type behaviourSection struct {
	ID      string   `parquet:"id,optional,dict"`
	ItemIDs []string `parquet:"item_ids,list"`
}

// of returns the key of a section or an item of a search.
func (r *behaviourReader) of(search, kind, id string) uint64 {
	return maphash.Comparable(r.seed, [3]string{search, kind, id})
}

func (r *behaviourReader) event(e behaviourEvent) {
	switch e.Action {
	case schemas.ActionImpression:
		r.acts[r.of(e.QueryID, "section", e.SectionID)] |= viewed
	case schemas.ActionClick:
		r.acts[r.of(e.QueryID, "item", e.ObjectID)] |= clicked
	case schemas.ActionStream:
		if e.MSPlayed >= schemas.MinStreamMS {
			r.acts[r.of(e.QueryID, "item", e.ObjectID)] |= streamed
		}
	}
}

func (r *behaviourReader) page(p behaviourPage) {
	shown := map[string]bool{} // an item may be in several sections
	for _, s := range p.Sections {
		if r.acts[r.of(p.CorrelationID, "section", s.ID)]&viewed == 0 {
			continue
		}
		for _, id := range s.ItemIDs {
			shown[id] = true
		}
	}
	for id := range shown {
		did, b := r.acts[r.of(p.CorrelationID, "item", id)], r.items[id]
		b.Shown++
		if did&clicked != 0 {
			b.Clicked++
		}
		if did&streamed != 0 {
			b.Streamed++
		}
		r.items[id] = b
	}
}

// scanTable hands every row of a table to do, with the columns that T has.
func scanTable[T any](dir, table string, do func(T)) error {
	names, err := filepath.Glob(filepath.Join(dir, table, "date=*", "market=*", "[^_]*.parquet"))
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no table of %s: name a folder of 'pfr export parquet'", dir, table)
	}
	for _, name := range names {
		if err := scanFile(name, do); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// scanFile reads one file, unless somebody has deleted it since it was listed.
func scanFile[T any](name string, do func(T)) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	rows := parquet.NewGenericReader[T](f)
	defer func() { _ = rows.Close() }() // nothing was written
	for buf := make([]T, 256); ; clear(buf) {
		n, err := rows.Read(buf)
		for _, row := range buf[:n] {
			do(row)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// Subjects names by pseudonym who is to be forgotten. A row goes if its client is one of
// Clients or its user is one of Users.
type Subjects struct {
	Clients []string
	Users   []string
}

// Report is what an erasure did.
type Report struct {
	Searches     Erased `json:"searches"`
	Interactions Erased `json:"interactions"`
}

// Erased is what an erasure did to one table.
type Erased struct {
	FilesRead      int   `json:"files_read"`
	FilesRewritten int   `json:"files_rewritten"`
	Rows           int64 `json:"rows"` // that are gone
}

// Erase removes the searches of the subjects, and the interactions that are theirs or that
// belong to one of those searches. Open chunks are committed first. Each file that held such
// rows is replaced at once by one of the same name without them, so readers see the file as
// it was or as it shall be; a file may be left without rows. Records wait until it is over.
//
// Erase may be repeated at will. When it was interrupted, by ctx or by a crash, repeating
// it finishes the work: interactions go before the searches that lead to them. The report
// counts what this call did, also beside an error.
//
// What the topics still hold and the exporter has not read yet is not erased: repeat Erase
// once the topics no longer hold the subjects.
func (e *Exporter) Erase(ctx context.Context, s Subjects) (Report, error) {
	var r Report
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := s.validate(); err != nil {
		return r, fmt.Errorf("erase from %s: %w", e.cfg.Dir, err)
	}
	if err := e.flush(ctx, "erase", func(*chunk) bool { return true }); err != nil {
		return r, err
	}
	err := e.erase(ctx, s, &r)
	e.m.erased.WithLabelValues(TableSearches).Add(float64(r.Searches.Rows))
	e.m.erased.WithLabelValues(TableInteractions).Add(float64(r.Interactions.Rows))
	if err != nil {
		return r, fmt.Errorf("erase from %s: %w", e.cfg.Dir, err)
	}
	return r, nil
}

// validate refuses the empty pseudonym, which no row has.
func (s Subjects) validate() error {
	if len(s.Clients)+len(s.Users) == 0 {
		return errors.New("nobody is named")
	}
	if slices.Contains(s.Clients, "") || slices.Contains(s.Users, "") {
		return errors.New("a pseudonym is empty")
	}
	return nil
}

func (e *Exporter) erase(ctx context.Context, s Subjects, r *Report) error {
	clients, users := setOf(s.Clients), setOf(s.Users)
	queries := map[string]bool{}
	theirs := match{{"client", clients}, {"user", users}}
	var hit []string
	err := e.each(ctx, TableSearches, func(name string) error {
		r.Searches.FilesRead++
		ids, err := e.searchesOf(name, theirs)
		if len(ids) > 0 {
			hit = append(hit, name)
		}
		for _, id := range ids {
			queries[id] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	err = e.each(ctx, TableInteractions, func(name string) error {
		r.Interactions.FilesRead++
		return e.rewrite(name, match{{"client", clients}, {"query_id", queries}}, &r.Interactions)
	})
	if err != nil {
		return err
	}
	for _, name := range hit {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.rewrite(name, theirs, &r.Searches); err != nil {
			return err
		}
	}
	return nil
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// each calls do with the files of a table.
func (e *Exporter) each(ctx context.Context, table string, do func(name string) error) error {
	names, err := e.disk.files(table)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := do(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// match picks the rows that have one of the values in one of the columns.
type match []struct {
	column string
	values map[string]bool
}

// searchesOf returns the correlation ids of the rows that m picks.
func (e *Exporter) searchesOf(name string, m match) (ids []string, err error) {
	err = e.read(name, func(f *parquet.File) error {
		picked, err := m.pick(f)
		if err != nil || len(picked) == 0 {
			return err
		}
		all, err := column(f, "correlation_id")
		if err != nil {
			return err
		}
		if picked[len(picked)-1] >= len(all) {
			return errors.New("columns differ in length")
		}
		for _, row := range picked {
			ids = append(ids, all[row])
		}
		return nil
	})
	return ids, err
}

// read hands a file to do, unless somebody has deleted it since it was listed.
func (e *Exporter) read(name string, do func(*parquet.File) error) error {
	src, err := os.Open(e.disk.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	f, err := parquet.OpenFile(src, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	return do(f)
}

// pick returns the numbers of the rows, in order. It reads only the columns it needs.
func (m match) pick(f *parquet.File) ([]int, error) {
	var rows []int
	for _, c := range m {
		if len(c.values) == 0 {
			continue
		}
		values, err := column(f, c.column)
		if err != nil {
			return nil, err
		}
		for row, v := range values {
			if c.values[v] {
				rows = append(rows, row)
			}
		}
	}
	slices.Sort(rows)
	return slices.Compact(rows), nil
}

// column returns the values of a flat column of strings, with "" for null, or nothing if
// the file is older than the column.
func column(f *parquet.File, name string) ([]string, error) {
	leaf, ok := f.Schema().Lookup(name)
	if !ok {
		return nil, nil
	}
	var values []string
	for _, group := range f.RowGroups() {
		pages := group.ColumnChunks()[leaf.ColumnIndex].Pages()
		err := eachValue(pages, func(v parquet.Value) { values = append(values, textOf(v)) })
		if err := errors.Join(err, pages.Close()); err != nil {
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
	}
	return values, nil
}

// textOf returns a copy of a string value, "" for null.
func textOf(v parquet.Value) string {
	if v.IsNull() {
		return ""
	}
	return string(v.ByteArray())
}

// eachValue calls do with every value of the pages.
func eachValue(pages parquet.Pages, do func(parquet.Value)) error {
	buf := make([]parquet.Value, 512)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		values := page.Values()
		for err == nil {
			var n int
			n, err = values.ReadValues(buf)
			for _, v := range buf[:n] {
				do(v)
			}
		}
		parquet.Release(page)
		if !errors.Is(err, io.EOF) {
			return err
		}
	}
}

// rewrite replaces a file by one without the rows that m picks. Its columns, versions and
// metadata stay what they are.
func (e *Exporter) rewrite(name string, m match, done *Erased) error {
	return e.read(name, func(f *parquet.File) error {
		gone, err := m.pick(f)
		if err != nil || len(gone) == 0 {
			return err
		}
		if err := e.disk.replace(name, func(w io.Writer) error { return e.copyWithout(w, f, gone) }); err != nil {
			return err
		}
		done.FilesRewritten++
		done.Rows += int64(len(gone))
		return nil
	})
}

// copyWithout writes the file without the rows of these numbers, which are in order.
func (e *Exporter) copyWithout(w io.Writer, f *parquet.File, gone []int) error {
	options := []parquet.WriterOption{f.Schema(), parquet.Compression(e.codec), parquet.PageBufferSize(pageBytes)}
	for _, kv := range f.Metadata().KeyValueMetadata {
		options = append(options, parquet.KeyValueMetadata(kv.Key, kv.Value))
	}
	out := parquet.NewWriter(w, options...)
	number := 0
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		err := eachRow(rows, func(row parquet.Row) error {
			number++
			if len(gone) > 0 && gone[0] == number-1 {
				gone = gone[1:]
				return nil
			}
			_, err := out.WriteRows([]parquet.Row{row})
			return err
		})
		if err := errors.Join(err, rows.Close()); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return out.Close()
}

func eachRow(rows parquet.Rows, do func(parquet.Row) error) error {
	buf := make([]parquet.Row, 256)
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			if err := do(row); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

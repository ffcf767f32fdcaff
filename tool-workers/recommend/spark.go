package recommend

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// Spark's ALSModel does not store how it was trained, so that new users are folded in with
// MLlib's defaults for implicit feedback.
const (
	sparkAlpha = 1
	sparkReg   = 0.1
)

// ImportSpark reads the factors of a Spark MLlib ALSModel as saved by model.save(dir): the
// rank in metadata/part-*, and id and features in the Parquet files of userFactors and
// itemFactors. users and items map Spark's integer ids to keys, by rows of id,key with or
// without a header; nil makes the id itself the key. Every id with factors needs a key.
// The model answers ForUser by the factors, and Recommend by folding in; it has no
// neighbours and no popularity. Spark's factors do not say what a user has used, so ForUser
// cannot leave that out: keep can.
func ImportSpark(dir string, users, items io.Reader) (*Model, error) {
	rank, err := sparkRank(filepath.Join(dir, "metadata"))
	if err != nil {
		return nil, fmt.Errorf("import Spark model %s: %w", dir, err)
	}
	m := &Model{saturation: Binary, mix: Mix{Factors: 1}, alpha: sparkAlpha, reg: sparkReg}
	sides := []struct {
		folder string
		keys   io.Reader
		table  *table
		into   **factors
	}{
		{"userFactors", users, &m.users, &m.userFactors},
		{"itemFactors", items, &m.items, &m.factors},
	}
	for _, s := range sides {
		if *s.table, *s.into, err = sparkSide(filepath.Join(dir, s.folder), rank, s.keys); err != nil {
			return nil, fmt.Errorf("import Spark model %s: %s: %w", dir, s.folder, err)
		}
	}
	m.listeners = make([]uint32, m.Items())
	m.predictors = joinRows(make([]listRow, m.Items()))
	return m, m.seal()
}

// sparkParts returns the files that hold data, by name: Spark writes several, beside
// _SUCCESS and hidden checksums.
func sparkParts(dir, suffix string) ([]string, error) {
	parts, err := filepath.Glob(filepath.Join(dir, "part-*"+suffix))
	if err == nil && len(parts) == 0 {
		err = fmt.Errorf("no part-*%s in %s", suffix, dir)
	}
	slices.Sort(parts)
	return parts, err
}

// sparkRank reads the rank from the first line of the metadata.
func sparkRank(dir string) (int, error) {
	parts, err := sparkParts(dir, "")
	if err != nil {
		return 0, err
	}
	for _, p := range parts {
		b, err := os.ReadFile(p)
		if err != nil {
			return 0, err
		}
		if len(b) == 0 {
			continue
		}
		var meta struct {
			Class string `json:"class"`
			Rank  int    `json:"rank"`
		}
		if err := json.NewDecoder(strings.NewReader(string(b))).Decode(&meta); err != nil {
			return 0, fmt.Errorf("%s: %w", p, err)
		}
		if !strings.HasSuffix(meta.Class, ".ALSModel") || meta.Rank < 1 || meta.Rank > maxRank {
			return 0, fmt.Errorf("%s: class %q, rank %d: want an ALSModel of rank 1 to %d", p, meta.Class, meta.Rank, maxRank)
		}
		return meta.Rank, nil
	}
	return 0, errors.New("metadata is empty")
}

// sparkSide reads the factors of users or items, in the order of ids.
func sparkSide(dir string, rank int, keys io.Reader) (table, *factors, error) {
	parts, err := sparkParts(dir, ".parquet")
	if err != nil {
		return table{}, nil, err
	}
	byID := map[int32][]float32{}
	for _, p := range parts {
		if err := readPart(p, rank, byID); err != nil {
			return table{}, nil, fmt.Errorf("%s: %w", filepath.Base(p), err)
		}
	}
	names, err := sparkKeys(keys)
	if err != nil {
		return table{}, nil, fmt.Errorf("keys: %w", err)
	}
	t, f := newTable(nil), &factors{rank: rank, a: make([]float32, 0, rank*len(byID))}
	for _, id := range sortedKeys(byID) {
		key, ok := names[id]
		if keys == nil {
			key, ok = strconv.Itoa(int(id)), true
		}
		if _, twice := t.at[key]; !ok || twice {
			return table{}, nil, fmt.Errorf("id %d: key %q is missing or used twice", id, key)
		}
		t.index(key)
		f.a = append(f.a, byID[id]...)
	}
	return t, f, nil
}

func sortedKeys(m map[int32][]float32) []int32 {
	ids := make([]int32, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// readPart adds the rows of one Parquet file. It goes by the leaves, not by the names of
// the groups between, so that both of Spark's layouts of a list are read.
func readPart(path string, rank int, into map[int32][]float32) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(in, info.Size())
	if err != nil {
		return err
	}
	id, features, err := sparkColumns(file.Schema())
	if err != nil {
		return err
	}
	for _, group := range file.RowGroups() {
		p := partReader{id: id, features: features, rank: rank, into: into}
		if err := p.read(group); err != nil {
			return err
		}
	}
	return nil
}

// sparkColumns returns the positions of the leaves.
func sparkColumns(schema *parquet.Schema) (id, features int, err error) {
	id, features = -1, -1
	for i, path := range schema.Columns() {
		leaf, _ := schema.Lookup(path...)
		kind := leaf.Node.Type().Kind()
		switch {
		case len(path) == 1 && path[0] == "id" && kind == parquet.Int32:
			id = i
		case path[0] == "features" && kind == parquet.Float:
			features = i
		}
	}
	if id < 0 || features < 0 {
		return 0, 0, fmt.Errorf("columns %v: want id: int and features: array<float>", schema.Columns())
	}
	return id, features, nil
}

// partReader reads row groups.
type partReader struct {
	id, features, rank int
	into               map[int32][]float32
}

func (p *partReader) read(group parquet.RowGroup) error {
	rows := group.Rows()
	defer rows.Close()
	buf := make([]parquet.Row, 128)
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			if err := p.row(row); err != nil {
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

func (p *partReader) row(row parquet.Row) error {
	var id int32
	f := make([]float32, 0, p.rank)
	for _, v := range row {
		switch {
		case v.IsNull():
			return errors.New("a row with a null")
		case v.Column() == p.id:
			id = v.Int32()
		case v.Column() == p.features:
			f = append(f, v.Float())
		}
	}
	if _, twice := p.into[id]; twice || len(f) != p.rank {
		return fmt.Errorf("id %d: it comes twice, or has %d features for rank %d", id, len(f), p.rank)
	}
	p.into[id] = f
	return nil
}

// sparkKeys reads rows of id,key. A first row whose id is no number is a header.
func sparkKeys(r io.Reader) (map[int32]string, error) {
	if r == nil {
		return nil, nil
	}
	in := csv.NewReader(r)
	in.FieldsPerRecord = 2
	out := map[int32]string{}
	for first := true; ; first = false {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		id, err := strconv.ParseInt(fields[0], 10, 32)
		if err != nil && first {
			continue
		}
		if err != nil || fields[1] == "" {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("line %d: id %q, key %q: want an integer and a key", line, fields[0], fields[1])
		}
		out[int32(id)] = fields[1]
	}
}

package recommend

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// ReadCSV reads interactions from rows of user, item, weight and, if known, the time of use:
// Unix seconds or RFC 3339. The delimiter is a comma; fields may be quoted. A first row
// whose weight is no number is taken for a header. Rows of equal user and item are summed.
// It stops at the first bad row with an error that names its line.
func ReadCSV(r io.Reader) (*Interactions, error) {
	in := csv.NewReader(r)
	in.ReuseRecord, in.FieldsPerRecord = true, -1
	b := NewBuilder()
	for first := true; ; first = false {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return b.Build(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("read interactions: %w", err)
		}
		if first && isHeader(fields) {
			continue
		}
		if err := addRow(b, fields); err != nil {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("interactions line %d: %w", line, err)
		}
	}
}

func isHeader(fields []string) bool {
	if len(fields) < 3 {
		return false
	}
	_, err := strconv.ParseFloat(fields[2], 64)
	return err != nil && errors.Is(err, strconv.ErrSyntax)
}

func addRow(b *Builder, fields []string) error {
	if len(fields) < 3 || len(fields) > 4 {
		return fmt.Errorf("%d fields: want user,item,weight[,timestamp]", len(fields))
	}
	weight, err := strconv.ParseFloat(fields[2], 64)
	if err != nil {
		return fmt.Errorf("weight %q: %w", fields[2], ErrWeight)
	}
	var at int64
	if len(fields) == 4 {
		if at, err = parseTime(fields[3]); err != nil {
			return err
		}
	}
	return b.Add(fields[0], fields[1], weight, at)
}

// parseTime reads Unix seconds or RFC 3339. An empty field is an unknown time, 0.
func parseTime(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, fmt.Errorf("timestamp %q: want Unix seconds or RFC 3339", s)
	}
	return t.Unix(), nil
}

package export

import (
	"errors"
	"fmt"
	"time"
)

// Config configures an [Exporter]. See [DefaultConfig].
type Config struct {
	Dir string `yaml:"dir"` // the folder; it is made when absent

	// A chunk closes by whichever comes first.
	ChunkAge   time.Duration `yaml:"chunk_age"`   // since its first record came; Run sees to it
	ChunkRows  int           `yaml:"chunk_rows"`  // rows
	ChunkBytes int           `yaml:"chunk_bytes"` // bytes of its rows in memory; files are a small part of it
	// OpenBytes bounds the memory of all open chunks together: beyond it the largest closes.
	OpenBytes int `yaml:"open_bytes"`

	// QueryText says whether searches carry what was typed. Without it reformulations and
	// typing cannot be told.
	QueryText bool `yaml:"query_text"`
	// MaxLate is how far the time of an event may lie from the time of its receipt, or of a
	// search from that of its page, to name the folder of its date. Beyond it the receipt
	// does: clients choose their times, and must not choose the number of folders.
	MaxLate time.Duration `yaml:"max_late"`
}

// DefaultConfig closes chunks after 15 minutes, 256 k rows or 128 MB.
func DefaultConfig() Config {
	return Config{
		Dir:      "lake",
		ChunkAge: 15 * time.Minute, ChunkRows: 256 << 10, ChunkBytes: 128 << 20, OpenBytes: 256 << 20,
		QueryText: true, MaxLate: 7 * 24 * time.Hour,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("dir: must not be empty"))
	}
	if c.ChunkAge <= 0 {
		errs = append(errs, fmt.Errorf("chunk_age %v: must be positive", c.ChunkAge))
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"chunk_rows", c.ChunkRows}, {"chunk_bytes", c.ChunkBytes}, {"open_bytes", c.OpenBytes}} {
		if n.value <= 0 {
			errs = append(errs, fmt.Errorf("%s %d: must be positive", n.name, n.value))
		}
	}
	if c.MaxLate <= 0 {
		errs = append(errs, fmt.Errorf("max_late %v: must be positive", c.MaxLate))
	}
	return errors.Join(errs...)
}

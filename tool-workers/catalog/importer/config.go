package importer

import (
	"errors"
	"fmt"
	"time"
)

// Config says what to import and within which bounds. The zero value is not valid; see
// [DefaultConfig].
type Config struct {
	Work         string    // folder for staged rows and the file of rejects; made if it is not there
	MusicBrainz  string    // folder of a dump; "" for none
	ListenBrainz []string  // files of listens
	RSS          []string  // feeds: files, folders of files, http and https URLs
	OPML         []string  // files that list feeds
	CSV          []CSVFile // in any order

	MaxRejects   float64 // of a source, 0 to 1: with a greater share nothing is published
	MaxUnit      int     // bytes of a line or CSV record; what is longer is rejected
	SegmentUnits int     // lines after which progress is made durable
	Fetch        FetchConfig
}

// FetchConfig bounds the fetching of feeds.
type FetchConfig struct {
	Timeout      time.Duration // of one feed, redirects included
	MaxBytes     int64         // of one feed
	InFlight     int           // fetched at once
	Redirects    int           // followed for one feed
	AllowPrivate bool          // also addresses that are not public
}

// DefaultConfig returns bounds that suit dumps of any size.
func DefaultConfig() Config {
	return Config{
		MaxRejects: 0.2, MaxUnit: 64 << 20, SegmentUnits: 100_000,
		Fetch: FetchConfig{Timeout: 10 * time.Second, MaxBytes: 10 << 20, InFlight: 8, Redirects: 5},
	}
}

// Validate returns every problem of the configuration. It does not look at files.
func (c Config) Validate() error {
	var errs []error
	if c.Work == "" {
		errs = append(errs, errors.New("no work folder"))
	}
	if c.MusicBrainz == "" && len(c.ListenBrainz)+len(c.RSS)+len(c.OPML)+len(c.CSV) == 0 {
		errs = append(errs, errors.New("no source to import"))
	}
	if c.MaxRejects < 0 || c.MaxRejects > 1 {
		errs = append(errs, fmt.Errorf("share of rejects %v: want 0 to 1", c.MaxRejects))
	}
	if c.MaxUnit < 1<<10 || c.MaxUnit > maxRecord {
		errs = append(errs, fmt.Errorf("bytes of a unit %d: want %d to %d", c.MaxUnit, 1<<10, maxRecord))
	}
	if c.SegmentUnits < 1 {
		errs = append(errs, fmt.Errorf("units of a segment %d: must be positive", c.SegmentUnits))
	}
	for _, file := range c.CSV {
		errs = append(errs, file.validate())
	}
	return errors.Join(append(errs, c.Fetch.validate())...)
}

func (c FetchConfig) validate() error {
	var errs []error
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("fetch timeout %v: must be positive", c.Timeout))
	}
	if c.MaxBytes < 1 {
		errs = append(errs, fmt.Errorf("bytes of a feed %d: must be positive", c.MaxBytes))
	}
	if c.InFlight < 1 {
		errs = append(errs, fmt.Errorf("feeds in flight %d: must be positive", c.InFlight))
	}
	if c.Redirects < 0 {
		errs = append(errs, fmt.Errorf("redirects %d: must not be negative", c.Redirects))
	}
	return errors.Join(errs...)
}

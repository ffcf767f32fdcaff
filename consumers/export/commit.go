package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// stateVersion is the version of the state files.
const stateVersion = 1

// state is what the folder remembers of a partition. To replace it is to commit a chunk.
type state struct {
	Version   int    `json:"version"`
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Next      int64  `json:"next"`            // the offset behind the committed records
	Moves     []move `json:"moves,omitempty"` // of the last chunk; a crash may have left some undone
}

// move takes a file to its table. It is done once From is gone.
type move struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func (s *state) name() string { return fmt.Sprintf("%s/%s-%d.json", stateFolder, s.Topic, s.Partition) }

// commit writes the open chunk of p. Its error is the end of the exporter.
func (e *Exporter) commit(p partition, reason string) error {
	at := e.parts[p]
	c := at.chunk
	if err := e.commitChunk(p, c); err != nil {
		e.err = fmt.Errorf("commit %s/%d offsets %d to %d: %w", p.topic, p.id, c.first, c.next-1, err)
		return e.err
	}
	at.next, at.chunk = c.next, nil
	e.bytes -= c.bytes
	e.m.open.Set(float64(e.bytes))
	e.m.chunks.WithLabelValues(reason).Inc()
	e.m.files.Add(float64(len(c.files)))
	e.m.last.Set(float64(time.Now().Unix()))
	e.log.Debug("chunk committed", "topic", p.topic, "partition", p.id, "first", c.first, "next", c.next, "rows", c.rows, "files", len(c.files), "reason", reason)
	return nil
}

func (e *Exporter) commitChunk(p partition, c *chunk) error {
	s := state{Version: stateVersion, Topic: p.topic, Partition: p.id, Next: c.next}
	for i, folder := range slices.Sorted(maps.Keys(c.files)) {
		table, _, _ := strings.Cut(folder, "/")
		m := move{
			From: fmt.Sprintf("%s/%s.%d.parquet", tempFolder, c.name(p), i),
			To:   fmt.Sprintf("%s/%s.parquet", folder, c.name(p)),
		}
		if err := e.disk.write(m.From, func(w io.Writer) error { return c.files[folder].writeTo(w, e.codec, c.meta(p, table)) }); err != nil {
			return err
		}
		s.Moves = append(s.Moves, m)
	}
	if err := e.disk.syncDir(tempFolder); err != nil {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := e.disk.replace(s.name(), func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
		return err
	}
	return e.publish(s.Moves)
}

// publish does the moves that are not done yet, and makes them last.
func (e *Exporter) publish(moves []move) error {
	var folders []string
	for _, m := range moves {
		waits, err := e.disk.exists(m.From)
		if err != nil {
			return err
		}
		folders = append(folders, path.Dir(m.To))
		if !waits {
			continue // moved, and perhaps removed since by whoever keeps the lake small
		}
		if err := e.disk.mkdir(path.Dir(m.To)); err != nil {
			return err
		}
		if err := e.disk.rename(m.From, m.To); err != nil {
			return err
		}
	}
	for _, folder := range folders {
		if err := e.disk.syncDir(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return e.disk.syncDir(tempFolder)
}

// recover reads the states, finishes what is committed and removes what is not.
func (e *Exporter) recover() error {
	entries, err := os.ReadDir(e.disk.path(stateFolder))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		s, err := e.readState(path.Join(stateFolder, entry.Name()))
		if err != nil {
			return err
		}
		if err := e.publish(s.Moves); err != nil {
			return fmt.Errorf("finish the commit of %s: %w", s.name(), err)
		}
		e.parts[partition{s.Topic, s.Partition}] = &progress{next: s.Next}
	}
	if err := e.removeTemp(); err != nil {
		return err
	}
	return errors.Join(e.writeEmpty(TableSearches, &rowsOf[SearchRow]{}), e.writeEmpty(TableInteractions, &rowsOf[InteractionRow]{}))
}

// readState reads a state file. One that cannot be understood is an error: to begin again
// would export records twice.
func (e *Exporter) readState(name string) (*state, error) {
	data, err := os.ReadFile(e.disk.path(name))
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("state %s: %w", name, err)
	}
	if s.Version != stateVersion || s.name() != name || s.Next < 0 {
		return nil, fmt.Errorf("state %s: version %d of topic %q, partition %d, is not what belongs here", name, s.Version, s.Topic, s.Partition)
	}
	return &s, nil
}

// removeTemp removes what a crash has left. Call it after every commit is finished.
func (e *Exporter) removeTemp() error {
	entries, err := os.ReadDir(e.disk.path(tempFolder))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := e.disk.remove(path.Join(tempFolder, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// writeEmpty sees to a file without rows in a table: who reads the files together finds
// every column, also in a lake of older files, and may read a table that is still empty.
// Spark and PyArrow pass over its name.
func (e *Exporter) writeEmpty(table string, rows fileRows) error {
	folder := folderOf(table, time.Unix(0, 0), unknownMarket)
	name := path.Join(folder, emptyFile)
	c, data := chunk{}, bytes.Buffer{}
	if err := rows.writeTo(&data, e.codec, c.meta(partition{}, table)); err != nil {
		return fmt.Errorf("columns of %s: %w", table, err)
	}
	if old, err := os.ReadFile(e.disk.path(name)); err == nil && bytes.Equal(old, data.Bytes()) {
		return nil
	}
	if err := e.disk.mkdir(folder); err != nil {
		return err
	}
	return e.disk.replace(name, func(w io.Writer) error { _, err := w.Write(data.Bytes()); return err })
}

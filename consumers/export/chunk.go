package export

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// chunk is an offset range of one partition whose rows wait for their commit.
type chunk struct {
	first, next int64
	opened      time.Time
	rows, bytes int
	files       map[string]fileRows // by folder
}

func newChunk(first int64) *chunk {
	return &chunk{first: first, next: first, opened: time.Now(), files: map[string]fileRows{}}
}

// fileRows is the rows of one file, of either table.
type fileRows interface {
	// writeTo writes a whole Parquet file that carries meta.
	writeTo(w io.Writer, codec compress.Codec, meta map[string]string) error
}

// rowsOf is the rows of one file in the order of their offsets.
type rowsOf[T any] []T

// add puts a row, whose contents hold so many bytes, into the file of a folder.
func add[T any](c *chunk, folder string, row T, bytes int) {
	rows, _ := c.files[folder].(*rowsOf[T])
	if rows == nil {
		rows = &rowsOf[T]{}
		c.files[folder] = rows
	}
	*rows = append(*rows, row)
	c.rows++
	c.bytes += bytes + int(reflect.TypeFor[T]().Size())
}

// maxRowGroup is how many rows lie in one row group: the unit of parallel work of readers.
// pageBytes is the size of a page before it is compressed. A writer holds one for each of
// its columns, however few its rows are.
const (
	maxRowGroup = 120 << 10
	pageBytes   = 64 << 10
)

func (r *rowsOf[T]) writeTo(w io.Writer, codec compress.Codec, meta map[string]string) error {
	options := []parquet.WriterOption{parquet.Compression(codec), parquet.MaxRowsPerRowGroup(maxRowGroup), parquet.PageBufferSize(pageBytes)}
	for k, v := range meta {
		options = append(options, parquet.KeyValueMetadata(k, v))
	}
	out := parquet.NewGenericWriter[T](w, options...)
	if _, err := out.Write(*r); err != nil {
		return err
	}
	return out.Close()
}

// name returns the name of the chunk's files, without their end.
func (c *chunk) name(p partition) string {
	return fmt.Sprintf("%s-%d-%d-%d", p.topic, p.id, c.first, c.next-1)
}

// meta returns the metadata of the chunk's files in table.
func (c *chunk) meta(p partition, table string) map[string]string {
	return map[string]string{
		MetaSchemaVersion: strconv.Itoa(SchemaVersion),
		MetaTable:         table,
		MetaTopic:         p.topic,
		MetaPartition:     strconv.Itoa(p.id),
		MetaFirst:         strconv.FormatInt(c.first, 10),
		MetaNext:          strconv.FormatInt(c.next, 10),
	}
}

package importer

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// input is an open source, decompressed. Its owner closes it.
type input struct {
	io.Reader
	file    *os.File
	counted *countingReader
	plain   bool // the file is what is read
	zstd    *zstd.Decoder
}

// openInput opens a file by its name: plain, .gz, .zst or .xz, alone or as a .tar of which
// the members that match are read one after the other.
func openInput(ctx context.Context, name string, match func(member string) bool) (*input, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	in := &input{file: f, counted: &countingReader{ctx: ctx, in: f}}
	if err := in.unpack(name, match); err != nil {
		in.Close()
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return in, nil
}

func (in *input) unpack(name string, match func(string) bool) error {
	buffered := bufio.NewReaderSize(in.counted, 1<<20)
	lower := strings.ToLower(name)
	var err error
	switch path.Ext(lower) {
	case ".gz", ".tgz":
		in.Reader, err = gzip.NewReader(buffered)
	case ".zst":
		in.zstd, err = zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		in.Reader = in.zstd
	case ".xz":
		in.Reader, err = xz.NewReader(buffered)
	default:
		in.Reader = buffered
	}
	if err != nil {
		return err
	}
	in.plain = in.Reader == buffered
	for _, ext := range []string{".gz", ".zst", ".xz"} {
		lower = strings.TrimSuffix(lower, ext)
	}
	if strings.HasSuffix(lower, ".tar") || strings.HasSuffix(lower, ".tgz") {
		in.plain, in.Reader = false, &members{in: tar.NewReader(in.Reader), match: match}
	}
	return nil
}

// maxCSVRecord bounds a CSV record in bytes: a quotation mark that is never closed takes no
// more than that with it.
const maxCSVRecord = 1 << 20

// lines returns a reader of the units from a position on.
func (in *input) lines(cfg Config, quoted bool, from position) (*lineReader, error) {
	most := cfg.MaxUnit
	if quoted {
		most = min(most, maxCSVRecord)
	}
	if !in.plain {
		r := newLineReader(in, most, quoted)
		return r, r.skip(from)
	}
	if _, err := in.file.Seek(from.Offset, io.SeekStart); err != nil {
		return nil, err
	}
	in.counted.n = from.Offset
	r := newLineReader(in.counted, most, quoted)
	r.at = from
	return r, nil
}

// consumed returns how many bytes of the file were read.
func (in *input) consumed() int64 { return in.counted.n }

// Close releases the file.
func (in *input) Close() {
	if in.zstd != nil {
		in.zstd.Close()
	}
	in.file.Close()
}

// countingReader counts what it reads, and reads no more when its context has ended.
type countingReader struct {
	ctx context.Context
	in  io.Reader
	n   int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.in.Read(p)
	r.n += int64(n)
	return n, err
}

// errNoMember marks an archive that does not hold what was expected of it.
var errNoMember = errors.New("the archive holds no such file")

// members reads the matching files of an archive as one, with a line break between them.
type members struct {
	in    *tar.Reader
	match func(name string) bool
	found bool
	open  bool
	ended bool // the last byte was a line break
}

func (m *members) Read(p []byte) (int, error) {
	for {
		if !m.open {
			if err := m.advance(); err != nil {
				return 0, err
			}
		}
		n, err := m.in.Read(p)
		if n > 0 {
			m.ended = p[n-1] == '\n'
			return n, nil
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
		m.open = false
		if !m.ended && len(p) > 0 {
			p[0], m.ended = '\n', true
			return 1, nil
		}
	}
}

func (m *members) advance() error {
	for {
		header, err := m.in.Next()
		if errors.Is(err, io.EOF) && !m.found {
			return errNoMember
		}
		if err != nil {
			return err
		}
		if header.Typeflag == tar.TypeReg && m.match(header.Name) {
			m.found, m.open, m.ended = true, true, true
			return nil
		}
	}
}

package generate

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Dump says what [MusicBrainz] wrote.
type Dump struct {
	Artists    int // good lines, as are the next
	Groups     int
	Releases   int
	Recordings int
	Videos     int // lines of recordings that are videos
	Orphans    int // lines of recordings whose artist has no line
	Broken     int // lines that are no entity
	Listens    int
}

// variousArtists is the MBID of the artist that stands for all of a compilation.
const variousArtists = "89ad4ac3-39f7-470e-963a-56509c546377"

// MusicBrainz writes a dump of about n entities to a folder, as files of JSON lines named
// artist, release-group, release and recording, and listens to them as test.listens. They
// have the oddities of real ones: dates that are missing or partial, aliases in other
// scripts, joint credits, guests, names that several artists share, Various Artists, videos,
// null fields, titles of great length, and a few lines that are broken. Releases are not
// among the n.
func MusicBrainz(dir string, n int, seed uint64) (Dump, error) {
	if n < 1 || n > maxTracks {
		return Dump{}, fmt.Errorf("entities %d: want 1 to %d", n, maxTracks)
	}
	w, err := Sizes{Tracks: max(1, n*78/100), Artists: max(1, n/10)}.world(seed)
	if err != nil {
		return Dump{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Dump{}, err
	}
	d := dumper{world: w}
	for _, file := range []struct {
		name  string
		write func(emit) error
	}{
		{"artist", d.artists},
		{"release-group", d.groups},
		{"release", d.releaseLines},
		{"recording", d.recordings},
		{"test.listens", d.listens},
	} {
		if err := writeLines(filepath.Join(dir, file.name), file.write); err != nil {
			return d.dump, err
		}
	}
	return d.dump, nil
}

// emit writes a line.
type emit func(line []byte) error

func writeLines(name string, write func(emit) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<20)
	err = write(func(line []byte) error {
		_, err := out.Write(append(line, '\n'))
		return err
	})
	if err = errors.Join(err, out.Flush(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// object is a JSON object. Its keys are written in order.
type object map[string]any

type dumper struct {
	*world
	dump Dump
}

// Streams of MBIDs.
const (
	idArtist uint64 = iota + 100
	idGroup
	idRelease
	idRecording
)

// mbid returns the id of an entity: random, as version 4 has it, but the same each time.
func (d *dumper) mbid(stream uint64, number int) string {
	rng := d.rng(stream, uint64(number))
	a, b := rng.Uint64(), rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(a), uint16(a>>32), uint16(a>>48)&0xFFF, uint16(b)&0x3FFF|0x8000, b>>16)
}

func (d *dumper) artistID(i int) string { return d.mbid(idArtist, i) }

func (d *dumper) groupID(i, album int) string { return d.mbid(idGroup, i<<16|album) }

func (d *dumper) recordingID(i, track int) string { return d.mbid(idRecording, i<<20|track) }

// line writes an object, or now and then something broken in its place.
func (d *dumper) line(o object, number int, to emit, good *int) error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	rng := d.rng(streamOdd, uint64(number)^0xB0B)
	if rng.IntN(1000) > 0 {
		*good++
		return to(data)
	}
	d.dump.Broken++
	switch rng.IntN(5) {
	case 0:
		return to(data[:len(data)/2]) // cut off
	case 1:
		return to([]byte("<html>503 Service Unavailable</html>"))
	case 2:
		delete(o, "id")
	case 3:
		o["id"] = "not-an-mbid"
	default:
		o["name"], o["title"], o["release-group"] = 17, 17, 17
	}
	if data, err = json.Marshal(o); err != nil {
		return err
	}
	return to(data)
}

func (d *dumper) artists(to emit) error {
	if err := d.line(object{
		"id": variousArtists, "name": "Various Artists", "sort-name": "Various Artists", "type": "Other", "country": nil,
		"disambiguation": "add compilations to this artist", "aliases": []object{{"name": "V.A.", "locale": nil, "primary": nil, "type": nil}},
	}, -1, to, &d.dump.Artists); err != nil {
		return err
	}
	for i := range d.world.artists {
		if err := d.line(d.artistObject(i), i, to, &d.dump.Artists); err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) groups(to emit) error {
	return d.eachRelease(func(i int, r release) error {
		return d.line(d.groupObject(i, r), i<<8|r.number, to, &d.dump.Groups)
	})
}

func (d *dumper) releaseLines(to emit) error {
	return d.eachRelease(func(i int, r release) error {
		for edition := range 1 + d.rng(idRelease, uint64(i)).IntN(2) {
			if err := d.line(d.releaseObject(i, r, edition), i<<9|r.number<<1|edition, to, &d.dump.Releases); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *dumper) eachRelease(f func(i int, r release) error) error {
	for i := range d.world.artists {
		if err := d.releases(i, func(r release) error { return f(i, r) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) recordings(to emit) error {
	return d.eachRelease(func(i int, r release) error {
		for n := r.from; n < r.to; n++ {
			o, good := d.recordingObject(i, r, n)
			if err := d.line(o, i<<12|n, to, good); err != nil {
				return err
			}
		}
		return nil
	})
}

// listens writes the plays of one listener for every hundred entities.
func (d *dumper) listens(to emit) error {
	entities := d.world.artists * 10
	for u := range max(1, entities/100) {
		rng := d.rng(streamOdd, uint64(u)^0x11573)
		err := d.listener(u, func(user, item string, plays float64, at time.Time) error {
			var artist, track int
			if _, err := fmt.Sscanf(item, "track:g%d-%d", &artist, &track); err != nil {
				return fmt.Errorf("item %s: %w", item, err)
			}
			for range min(4, int(plays)) {
				data, err := json.Marshal(d.listenObject(rng, played{user, artist, track, at}))
				if err != nil {
					return err
				}
				d.dump.Listens++
				if err := to(data); err != nil {
					return err
				}
				at = at.Add(-time.Duration(rng.IntN(90*24)) * time.Hour)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

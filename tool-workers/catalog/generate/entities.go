package generate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// artistObject is an artist as a dump has it, with all the fields of one.
func (d *dumper) artistObject(i int) object {
	row, rng := d.artist(i), d.rng(streamOdd, uint64(i))
	kind, name, note := "Group", row.Name, ""
	if rng.IntN(2) == 0 {
		kind = "Person"
	}
	if i > 0 && rng.IntN(60) == 0 { // a name that another has
		name, note = d.artistName(i-1), row.Country+" "+row.Genres[0]+" "+strings.ToLower(kind)
	}
	var country any = row.Country
	area := object{"name": row.Country, "iso-3166-1-codes": []string{row.Country}, "id": d.mbid(idArtist, -i), "type": nil}
	switch rng.IntN(20) {
	case 0:
		country = nil
	case 1:
		country, area = nil, nil
	case 2:
		country = "XW"
	}
	genres, tags := d.tagObjects(rng, row)
	return object{
		"id": d.artistID(i), "name": name, "sort-name": sortName(name, kind), "type": maybe(rng, kind), "type-id": nil, "gender": nil,
		"country": country, "area": area, "begin-area": nil, "end-area": nil, "disambiguation": note, "annotation": nil,
		"aliases": d.aliasObjects(rng, row), "genres": genres, "tags": tags, "isnis": []string{}, "ipis": []string{},
		"life-span": object{"begin": maybe(rng, "1971-05"), "end": nil, "ended": false},
		"rating":    ratingObject(rng, row.Popularity), "relations": relationObjects(rng, i),
	}
}

// maybe returns s, or now and then null.
func maybe(rng *rand.Rand, s string) any {
	if rng.IntN(8) == 0 {
		return nil
	}
	return s
}

func sortName(name, kind string) string {
	words := strings.Fields(name)
	if kind == "Person" && len(words) == 2 {
		return words[1] + ", " + words[0]
	}
	return name
}

func (d *dumper) aliasObjects(rng *rand.Rand, row catalog.ArtistRow) []object {
	out := []object{}
	for _, a := range row.Aliases {
		out = append(out, object{"name": a, "sort-name": a, "locale": nil, "primary": nil, "type": nil, "type-id": nil})
	}
	if rng.IntN(8) == 0 {
		for _, lang := range []string{"ja", "ar", "hi", "en"}[:1+rng.IntN(4)] {
			name := d.tongues[lang].described(rng)
			out = append(out, object{
				"name": name, "sort-name": name, "locale": lang, "primary": true, "type": "Artist name",
				"begin": nil, "end": nil, "ended": false,
			})
		}
	}
	if rng.IntN(40) == 0 {
		out = append(out, object{"name": strings.ToLower(row.Name), "locale": nil, "primary": nil, "type": "Search hint"})
	}
	return out
}

func (d *dumper) tagObjects(rng *rand.Rand, row catalog.ArtistRow) (genres, tags []object) {
	genres, tags = []object{}, []object{}
	if rng.IntN(10) == 0 {
		return genres, tags
	}
	for n, g := range row.Genres {
		tag := object{"name": g, "count": 20 - 5*n - rng.IntN(3), "disambiguation": "", "id": d.mbid(idArtist, -1000-n)}
		genres, tags = append(genres, tag), append(tags, object{"name": g, "count": tag["count"]})
	}
	for _, m := range row.Moods {
		tags = append(tags, object{"name": m, "count": 1 + rng.IntN(3)})
	}
	if rng.IntN(3) == 0 {
		tags = append(tags, object{"name": pick(rng, []string{"seen live", "female vocalists", "2010s", "favourites", "british"}), "count": rng.IntN(3)})
	}
	rng.Shuffle(len(genres), func(a, b int) { genres[a], genres[b] = genres[b], genres[a] })
	return genres, tags
}

func ratingObject(rng *rand.Rand, popularity int) object {
	votes := rng.IntN(1 + popularity*popularity/200)
	if votes == 0 {
		return object{"value": nil, "votes-count": 0}
	}
	return object{"value": 2.5 + rng.Float64()*2.5, "votes-count": votes}
}

func relationObjects(rng *rand.Rand, i int) []object {
	out := []object{}
	for _, kind := range []string{"discogs", "official homepage", "social network"}[:rng.IntN(4)] {
		out = append(out, object{
			"type": kind, "type-id": nil, "target-type": "url", "direction": "forward", "ended": rng.IntN(10) == 0, "begin": nil, "end": nil,
			"url": object{"id": nil, "resource": fmt.Sprintf("https://%s.example/artist/%d", strings.ReplaceAll(kind, " ", "-"), i)},
		})
	}
	return out
}

func (d *dumper) creditObject(rng *rand.Rand, i int, join string) object {
	name := d.artistName(i)
	credited := name
	if rng.IntN(40) == 0 {
		credited = strings.ToUpper(name)
	}
	return object{
		"name": credited, "joinphrase": join,
		"artist": object{"id": d.artistID(i), "name": name, "sort-name": name, "disambiguation": "", "type": nil},
	}
}

// credit returns the credit of a release or, with guests, of a recording.
func (d *dumper) credit(rng *rand.Rand, i int, r release, guests int) []object {
	joins := []string{" & ", " x ", ", ", " vs. ", " and ", " / "}
	if r.with < 0 && guests == 0 {
		return []object{d.creditObject(rng, i, "")}
	}
	var out []object
	scene, _ := d.scene(i)
	guest := pick(rng, []string{" feat. ", " ft. ", " featuring ", " (feat. "})
	last := map[bool]string{true: guest, false: ""}[guests > 0]
	if r.with >= 0 {
		out = append(out, d.creditObject(rng, i, pick(rng, joins)), d.creditObject(rng, r.with, last))
	} else {
		out = append(out, d.creditObject(rng, i, last))
	}
	for n := range guests {
		join := ""
		if n+1 < guests {
			join = " & "
		} else if guest == " (feat. " {
			join = ")"
		}
		out = append(out, d.creditObject(rng, d.draw(rng, scene), join))
	}
	return out
}

func (d *dumper) groupObject(i int, r release) object {
	rng := d.rng(idGroup, uint64(i)<<16|uint64(r.number))
	primary, secondary := any("Album"), []string{}
	switch r.kind {
	case catalog.KindSingle:
		primary = "Single"
	case catalog.KindEP:
		primary = "EP"
	case catalog.KindLive:
		secondary = []string{"Live"}
	case catalog.KindCompilation:
		secondary = []string{"Compilation"}
	default:
		if rng.IntN(30) == 0 {
			primary = nil
		}
	}
	credit := d.credit(rng, i, r, 0)
	if r.kind == catalog.KindCompilation && rng.IntN(4) == 0 {
		credit = []object{{"name": "Various Artists", "joinphrase": "", "artist": object{"id": variousArtists, "name": "Various Artists"}}}
	}
	o := object{
		"id": d.groupID(i, r.number), "title": d.oddTitle(rng, r.title), "primary-type": primary, "primary-type-id": nil,
		"secondary-types": secondary, "secondary-type-ids": []string{}, "first-release-date": oddDate(rng, r.released.String()),
		"artist-credit": credit, "disambiguation": "", "annotation": nil, "aliases": []object{}, "genres": []object{}, "tags": []object{},
		"relations": []object{}, "rating": ratingObject(rng, d.popularity(i)),
	}
	if rng.IntN(50) == 0 {
		delete(o, "first-release-date")
	}
	return o
}

// oddDate makes a few dates odder than they are.
func oddDate(rng *rand.Rand, date string) any {
	switch rng.IntN(60) {
	case 0:
		return ""
	case 1:
		return nil
	case 2:
		return "????"
	case 3:
		return date[:4] + "-??-??"
	case 4:
		return date[:4] + "-02-30"
	default:
		return date
	}
}

// oddTitle makes a few titles odder than they are.
func (d *dumper) oddTitle(rng *rand.Rand, title string) string {
	switch rng.IntN(400) {
	case 0:
		return strings.Repeat(title+" (or: "+d.tongues["en"].title(rng)+") ", 12) + "— The “Complete” Recordings, Volume Ⅱ"
	case 1:
		return title + " \"live\" \\ <b>& more</b> 🎧"
	case 2:
		return strings.ToUpper(title) + " [" + d.tongues["ja"].title(rng) + "]"
	case 3:
		return title + " (Remastered 2009)"
	default:
		return title
	}
}

func (d *dumper) recordingObject(i int, r release, n int) (o object, good *int) {
	row, rng := d.trackRow(i, r, n), d.rng(idRecording, uint64(i)<<20|uint64(n)|1<<60)
	guests := 0
	if len(row.Featured) > 0 {
		guests = 1 + rng.IntN(2)
	}
	o = object{
		"id": d.recordingID(i, n), "title": d.oddTitle(rng, row.Title), "length": row.Seconds*1000 + rng.IntN(1000), "video": false,
		"first-release-date": oddDate(rng, r.released.String()), "artist-credit": d.credit(rng, i, r, guests), "disambiguation": "",
		"annotation": nil, "isrcs": []string{}, "aliases": []object{}, "genres": []object{}, "tags": []object{}, "relations": []object{},
		"rating": ratingObject(rng, row.Popularity),
	}
	switch rng.IntN(100) {
	case 0, 1:
		o["video"] = true
		return o, &d.dump.Videos
	case 2, 3, 4, 5, 6, 7:
		o["length"] = nil
	case 8:
		o["video"] = nil
	case 9:
		if rng.IntN(4) == 0 {
			o["artist-credit"] = []object{{"name": "Gone", "joinphrase": "", "artist": object{"id": d.mbid(idArtist, -i-1<<40), "name": "Gone"}}}
			return o, &d.dump.Orphans
		}
	}
	return o, &d.dump.Recordings
}

func (d *dumper) releaseObject(i int, r release, edition int) object {
	rng := d.rng(idRelease, uint64(i)<<20|uint64(r.number)<<4|uint64(edition)|1<<60)
	tracks := []object{}
	for n := r.from; n < r.to; n++ {
		tracks = append(tracks, object{
			"id": d.mbid(idRelease, -n-1), "position": n - r.from + 1, "number": fmt.Sprintf("A%d", n-r.from+1), "title": "as on the sleeve",
			"recording": object{"id": d.recordingID(i, n), "video": false},
		})
	}
	media := []object{{"position": 1, "format": "CD", "tracks": tracks}}
	if len(tracks) > 12 {
		media = []object{{"position": 1, "format": "CD", "tracks": tracks[:10]}, {"position": 2, "format": nil, "tracks": tracks[10:]}}
	}
	if edition > 0 && rng.IntN(30) == 0 {
		media = nil
	}
	return object{
		"id": d.mbid(idRelease, i<<20|r.number<<4|edition), "title": r.title, "status": pick(rng, []any{"Official", "Official", "Official", "Promotion", "Bootleg", nil}),
		"date": oddDate(rng, r.day.AddDate(edition, 0, 0).Format(time.DateOnly)), "country": "XW", "barcode": nil, "packaging": nil,
		"release-group":       object{"id": d.groupID(i, r.number), "title": r.title},
		"text-representation": object{"language": maybe(rng, iso3(d.tongueOf(i))), "script": nil}, "media": media,
	}
}

// iso3 returns the ISO 639-3 code that MusicBrainz uses.
func iso3(lang string) string {
	return map[string]string{
		"en": "eng", "es": "spa", "pt": "por", "it": "ita", "fr": "fra", "de": "deu", "tr": "tur", "fi": "fin", "nl": "nld",
		"yo": "yor", "ja": "jpn", "ko": "kor", "zh": "zho", "ar": "ara", "hi": "hin",
	}[lang]
}

// played is one play.
type played struct {
	user          string
	artist, track int
	at            time.Time
}

func (d *dumper) listenObject(rng *rand.Rand, p played) object {
	name, recording, artists := d.artistName(p.artist), d.recordingID(p.artist, p.track), []string{d.artistID(p.artist)}
	info := object{"submission_client": "test", "tracknumber": 1}
	track := object{"artist_name": name, "track_name": "as played", "release_name": nil, "additional_info": info}
	switch n := rng.IntN(100); {
	case n < 65:
		info["recording_mbid"], info["artist_mbids"] = recording, artists
	case n < 80:
		track["mbid_mapping"] = object{"recording_mbid": recording, "artist_mbids": artists, "release_mbid": nil}
	case n < 86:
		info["artist_mbids"] = artists
	case n < 90:
		info["artist_mbids"] = artists[0]
	case n < 98:
		info["recording_mbid"] = ""
	default:
		track["artist_name"] = "Nobody the dump has " + fmt.Sprint(rng.IntN(1000))
	}
	o := object{"track_metadata": track, "user_name": p.user, "listened_at": p.at.Unix()}
	if rng.IntN(3) == 0 {
		delete(o, "listened_at")
		o["timestamp"] = p.at.Unix()
	}
	if rng.IntN(5) == 0 {
		delete(o, "user_name")
		o["user_id"] = p.user
	}
	return o
}

package importer

import "github.com/parallel-fusion/pfr/tool-workers/catalog"

// In a staged row, references may still be names (those of CSV files are), and the
// popularity may be missing. evidence is what a source knows of how well-known something
// is: the number of people who rated it.

type artist struct {
	catalog.ArtistRow
	evidence int
}

type album struct {
	catalog.AlbumRow
	evidence int
}

type track struct {
	catalog.TrackRow
	disc, number int // place on the album; 0 for unknown
	evidence     int
}

type show struct{ catalog.ShowRow }

type episode struct{ catalog.EpisodeRow }

type playlist struct{ catalog.PlaylistRow }

// release is an edition of an album: it says which recordings are on it.
type release struct {
	album      string // key
	official   bool
	date       catalog.Date
	language   string // of what is printed on it, ISO 639-1; "" for unknown
	recordings []string
}

// play says that a user played something, weight times.
type play struct {
	user   string
	track  string   // key; "" for unknown
	item   string   // id, or artist:NAME; from a CSV file, else ""
	artist []string // keys
	name   string   // of the artist
	weight float64
	at     int64 // Unix seconds, 0 for unknown
}

// reject is what could not be read, and why.
type reject struct {
	of     string // what was to be read, where that is not the source itself
	reason string
}

func (*artist) tag() tag   { return tagArtist }
func (*album) tag() tag    { return tagAlbum }
func (*track) tag() tag    { return tagTrack }
func (*show) tag() tag     { return tagShow }
func (*episode) tag() tag  { return tagEpisode }
func (*playlist) tag() tag { return tagPlaylist }
func (*release) tag() tag  { return tagRelease }
func (*play) tag() tag     { return tagPlay }
func (*reject) tag() tag   { return tagReject }

func (r *artist) code(c *coder) {
	c.str(&r.Key)
	c.str(&r.Name)
	c.strs(&r.Aliases)
	c.str(&r.Note)
	c.str(&r.Country)
	c.strs(&r.Languages)
	c.strs(&r.Genres)
	c.strs(&r.Moods)
	c.strs(&r.Tags)
	c.strs(&r.Like)
	c.strs(&r.Links)
	c.int(&r.Popularity)
	c.int(&r.evidence)
}

func (r *album) code(c *coder) {
	c.str(&r.Key)
	c.str(&r.Title)
	c.strs(&r.Artists)
	c.str(&r.Credit)
	c.str(&r.Note)
	kind := string(r.Kind)
	c.str(&kind)
	r.Kind = catalog.Kind(kind)
	c.date(&r.Released)
	c.strs(&r.Genres)
	c.strs(&r.Links)
	c.int(&r.Popularity)
	c.int(&r.evidence)
}

func (r *track) code(c *coder) {
	c.str(&r.Key)
	c.str(&r.Title)
	c.str(&r.Album)
	c.strs(&r.Artists)
	c.str(&r.Credit)
	c.strs(&r.Featured)
	c.date(&r.Released)
	c.int(&r.Seconds)
	c.int(&r.Popularity)
	c.int(&r.disc)
	c.int(&r.number)
	c.int(&r.evidence)
}

func (r *show) code(c *coder) {
	c.str(&r.Key)
	c.str(&r.Title)
	c.str(&r.Publisher)
	c.str(&r.Description)
	c.str(&r.Language)
	c.str(&r.Country)
	c.strs(&r.Topics)
	c.str(&r.Audience)
	c.strs(&r.Links)
	c.int(&r.Popularity)
}

func (r *episode) code(c *coder) {
	c.str(&r.Key)
	c.str(&r.Title)
	c.str(&r.Show)
	c.int(&r.Number)
	c.str(&r.Topic)
	c.str(&r.Description)
	c.date(&r.Released)
	c.int(&r.Seconds)
	c.strs(&r.Links)
	c.bool(&r.Synthetic)
}

func (r *playlist) code(c *coder) {
	c.str(&r.Key)
	c.str(&r.Title)
	c.str(&r.Description)
	c.strs(&r.Genres)
	c.strs(&r.Moods)
	c.strs(&r.Activities)
	c.int(&r.EraFrom)
	c.int(&r.EraTo)
	c.str(&r.Language)
	c.strs(&r.Artists)
	c.strs(&r.Tracks)
	c.int(&r.Popularity)
}

func (r *release) code(c *coder) {
	c.str(&r.album)
	c.bool(&r.official)
	c.date(&r.date)
	c.str(&r.language)
	c.strs(&r.recordings)
}

func (r *play) code(c *coder) {
	c.str(&r.user)
	c.str(&r.track)
	c.str(&r.item)
	c.strs(&r.artist)
	c.str(&r.name)
	c.float(&r.weight)
	c.int64(&r.at)
}

func (r *reject) code(c *coder) {
	c.str(&r.of)
	c.str(&r.reason)
}

package catalog

// A row is an entry as a source has it. Its Key names it among the entries of its type and
// becomes the last part of its id: the artist row with the key "mb-4d5f89a0" is
// "artist:mb-4d5f89a0" in the catalogue. A row without a key gets one made of its names.
// Rows refer to each other by key, and only to rows that the [Builder] already has.
//
// A popularity is 1 to 100; 0 is unknown. Languages are ISO 639-1, countries ISO 3166-1
// alpha-2, links are http or https URLs. Of genres, moods and topics the first is the main
// one. A date may be the zero Date.

// ArtistRow is a person, a band, or whatever else a credit names.
type ArtistRow struct {
	Key        string
	Name       string
	Aliases    []string
	Note       string // tells it from others of its name: "UK punk band"
	Country    string
	Languages  []string
	Genres     []string
	Moods      []string
	Tags       []string // other words that listeners use of it
	Like       []string // names of artists that are similar, in the catalogue or not
	Links      []string
	Popularity int
}

// AlbumRow is a release of any kind.
type AlbumRow struct {
	Key        string
	Title      string
	Artists    []string // keys, the main one first; at least one
	Credit     string   // the artists as printed, where that is not their names: "Queen & David Bowie"
	Note       string
	Kind       Kind
	Released   Date
	Genres     []string // where they are known; else those of the artist count
	Links      []string
	Popularity int
}

// TrackRow is a recording.
type TrackRow struct {
	Key        string
	Title      string
	Album      string   // key; "" for a recording that is on no album
	Artists    []string // keys; empty for those of the album
	Credit     string   // as of an album
	Featured   []string // names of guests
	Released   Date     // of a recording that is on no album
	Seconds    int      // 0 for unknown
	Popularity int
}

// ShowRow is a podcast.
type ShowRow struct {
	Key         string
	Title       string
	Publisher   string
	Description string
	Language    string
	Country     string
	Topics      []string
	Audience    string
	Links       []string
	Popularity  int
}

// EpisodeRow is one instalment of a show.
type EpisodeRow struct {
	Key         string
	Title       string
	Show        string // key
	Number      int    // 0 for unknown
	Topic       string // "" for the main one of the show
	Description string
	Released    Date
	Seconds     int
	Links       []string
	Synthetic   bool // invented
}

// PlaylistRow is a list that an editor made.
type PlaylistRow struct {
	Key         string
	Title       string
	Description string
	Genres      []string
	Moods       []string
	Activities  []string
	EraFrom     int // first year; 0: any
	EraTo       int
	Language    string   // "" for any
	Artists     []string // keys
	Tracks      []string // keys
	Popularity  int
}

package catalog

// Show is a podcast.
type Show struct {
	c *Catalog
	i int
}

// Show returns the i-th podcast; the most popular is the first.
func (c *Catalog) Show(i int) Show { return Show{c, i} }

// Index returns the place of the podcast among all.
func (s Show) Index() int { return s.i }

// Ref points at the podcast.
func (s Show) Ref() Ref { return Ref{TypeShow, s.i} }

// ID returns the id.
func (s Show) ID() string { return s.c.t.shows.id.at(s.i) }

// Title returns the title.
func (s Show) Title() string { return s.c.t.shows.title.at(s.i) }

// Publisher returns who makes it.
func (s Show) Publisher() string { return s.c.t.shows.publisher.at(s.i) }

// Description says what it is about.
func (s Show) Description() string { return s.c.t.shows.description.at(s.i) }

// Links returns URLs.
func (s Show) Links() []string { return s.c.t.shows.links.at(s.i) }

// Language returns an ISO 639-1 code.
func (s Show) Language() string { return s.c.Term(s.c.t.shows.language[s.i]) }

// Country returns an ISO 3166-1 alpha-2 code, or "".
func (s Show) Country() string { return s.c.Term(s.c.t.shows.country[s.i]) }

// Audience says for whom it is; "" for anybody.
func (s Show) Audience() string { return s.c.Term(s.c.t.shows.audience[s.i]) }

// Topics returns the topics, the main one first.
func (s Show) Topics() []string { return s.c.t.terms.strings(s.TopicTerms()) }

// TopicTerms is Topics as terms.
func (s Show) TopicTerms() []uint32 { return s.c.t.shows.topics.at(s.i) }

// Popularity is 0 to 100.
func (s Show) Popularity() int { return int(s.c.t.shows.popularity[s.i]) }

// Episodes returns the episodes, the newest first.
func (s Show) Episodes() []uint32 { return s.c.t.shows.episodes.at(s.i) }

// Episode is one instalment of a show. Those of the sample are synthetic.
type Episode struct {
	c *Catalog
	i int
}

// Episode returns the i-th episode.
func (c *Catalog) Episode(i int) Episode { return Episode{c, i} }

// Index returns the place of the episode among all.
func (e Episode) Index() int { return e.i }

// Ref points at the episode.
func (e Episode) Ref() Ref { return Ref{TypeEpisode, e.i} }

// ID returns the id.
func (e Episode) ID() string { return e.c.t.episodes.id.at(e.i) }

// Title returns the title.
func (e Episode) Title() string { return e.c.t.episodes.title.at(e.i) }

// Description says what it is about.
func (e Episode) Description() string { return e.c.t.episodes.description.at(e.i) }

// Links returns URLs.
func (e Episode) Links() []string { return e.c.t.episodes.links.at(e.i) }

// Show returns its show.
func (e Episode) Show() Show { return Show{e.c, int(e.c.t.episodes.show[e.i])} }

// Number is its number in the show, 0 when unknown.
func (e Episode) Number() int { return int(e.c.t.episodes.number[e.i]) }

// Topic returns the topic.
func (e Episode) Topic() string { return e.c.Term(e.c.t.episodes.topic[e.i]) }

// Released returns when it came out.
func (e Episode) Released() Date { return Date(e.c.t.episodes.released[e.i]) }

// Seconds returns the length, 0 when unknown.
func (e Episode) Seconds() int { return int(e.c.t.episodes.seconds[e.i]) }

// Synthetic reports whether it is invented.
func (e Episode) Synthetic() bool { return e.c.t.episodes.synthetic[e.i] != 0 }

// Playlist is a list that an editor made.
type Playlist struct {
	c *Catalog
	i int
}

// Playlist returns the i-th playlist.
func (c *Catalog) Playlist(i int) Playlist { return Playlist{c, i} }

// Index returns the place of the playlist among all.
func (p Playlist) Index() int { return p.i }

// Ref points at the playlist.
func (p Playlist) Ref() Ref { return Ref{TypePlaylist, p.i} }

// ID returns the id.
func (p Playlist) ID() string { return p.c.t.playlists.id.at(p.i) }

// Title returns the title.
func (p Playlist) Title() string { return p.c.t.playlists.title.at(p.i) }

// Description says what is on it.
func (p Playlist) Description() string { return p.c.t.playlists.description.at(p.i) }

// Genres returns the genres, the main one first.
func (p Playlist) Genres() []string { return p.c.t.terms.strings(p.c.t.playlists.genres.at(p.i)) }

// Moods returns the moods, the main one first.
func (p Playlist) Moods() []string { return p.c.t.terms.strings(p.c.t.playlists.moods.at(p.i)) }

// Activities returns what it is for, the main one first.
func (p Playlist) Activities() []string {
	return p.c.t.terms.strings(p.c.t.playlists.activities.at(p.i))
}

// Era returns the first and the last year, 0 for any.
func (p Playlist) Era() (from, to int) {
	return int(p.c.t.playlists.from[p.i]), int(p.c.t.playlists.to[p.i])
}

// Language returns an ISO 639-1 code, "" for any.
func (p Playlist) Language() string { return p.c.Term(p.c.t.playlists.language[p.i]) }

// Artists returns the artists on it.
func (p Playlist) Artists() []uint32 { return p.c.t.playlists.artists.at(p.i) }

// Tracks returns the tracks on it, where they are known.
func (p Playlist) Tracks() []uint32 { return p.c.t.playlists.tracks.at(p.i) }

// Popularity is 0 to 100.
func (p Playlist) Popularity() int { return int(p.c.t.playlists.popularity[p.i]) }

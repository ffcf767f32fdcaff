package importer

import (
	"encoding/json"
	"errors"
	"strings"
)

// listen is the part of a ListenBrainz listen that counts, as the dumps and the web service
// write it.
type listen struct {
	User     string `json:"user_name"`
	UserID   scalar `json:"user_id"`
	Listened scalar `json:"listened_at"`
	Time     scalar `json:"timestamp"`
	Track    struct {
		Artist  string     `json:"artist_name"`
		Title   string     `json:"track_name"`
		More    listenIDs  `json:"additional_info"`
		Mapping *listenIDs `json:"mbid_mapping"`
	} `json:"track_metadata"`
}

type listenIDs struct {
	Recording string    `json:"recording_mbid"`
	Artists   oneOrMore `json:"artist_mbids"`
}

// scalar is a number or a string: dumps of different years differ.
type scalar string

// UnmarshalJSON implements [json.Unmarshaler].
func (s *scalar) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" {
		text = ""
	}
	*s = scalar(text)
	return nil
}

// oneOrMore is a list of strings or a single one.
type oneOrMore []string

// UnmarshalJSON implements [json.Unmarshaler].
func (s *oneOrMore) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]string)(s))
	}
	var one string
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*s = nil
	if one != "" {
		*s = []string{one}
	}
	return nil
}

// Reasons for which a listen is none.
var (
	errNoUser   = errors.New("no user")
	errLongUser = errors.New("want a user of at most 64 KiB")
	errNoListen = errors.New("neither a recording nor an artist")
	errBadTime  = errors.New("time: want Unix seconds, or a date as in RFC 3339")
)

// parseListen reads a line of a ListenBrainz dump. What users sent wins over what was found
// out about it later.
func parseListen(u unit, emit func(record) error) error {
	in, err := decodeLine[listen](u.data)
	if err != nil {
		return err
	}
	p := play{user: orElse(in.User, string(in.UserID)), name: strings.TrimSpace(in.Track.Artist), weight: 1}
	if p.user == "" {
		return errNoUser
	}
	if len(p.user) > maxUser {
		return errLongUser
	}
	at := in.Listened
	if at == "" {
		at = in.Time
	}
	if p.at, err = unixTime(string(at)); err != nil {
		return err
	}
	sent := in.Track.More
	if in.Track.Mapping != nil {
		sent.Recording = orElse(sent.Recording, in.Track.Mapping.Recording)
		if len(sent.Artists) == 0 {
			sent.Artists = in.Track.Mapping.Artists
		}
	}
	if key, err := mbKey(sent.Recording); err == nil {
		p.track = key
	}
	for _, id := range sent.Artists {
		if key, err := mbKey(id); err == nil {
			p.artist = append(p.artist, key)
		}
	}
	if p.track == "" && len(p.artist) == 0 && p.name == "" {
		return errNoListen
	}
	return emit(&p)
}

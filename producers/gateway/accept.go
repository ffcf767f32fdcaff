package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// Media types of answers.
const (
	mediaJSON   = "application/json"
	mediaEvents = "text/event-stream"
)

// quality returns how much a client wants a media type, 0 to 1, and whether it names the
// type itself instead of a range (RFC 9110 §12.5.1). Who says nothing takes everything.
func quality(h http.Header, media string) (q float64, named bool) {
	values := h.Values("Accept")
	if len(values) == 0 {
		return 1, false
	}
	kind, _, _ := strings.Cut(media, "/")
	rank := 0 // of the most specific range so far
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, params, _ := strings.Cut(part, ";")
		r := slices.Index([]string{"", "*/*", kind + "/*", media}, strings.ToLower(strings.TrimSpace(name)))
		if r > rank {
			rank, q = r, weight(params)
		}
	}
	return q, rank == 3
}

// weight reads the q of the parameters of a media range. What makes no sense counts as 1.
func weight(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		if q, err := strconv.ParseFloat(value, 64); err == nil && q >= 0 && q <= 1 {
			return q
		}
	}
	return 1
}

// wantsStream says whether the client asks for server-sent events, by name and not less
// than for JSON.
func wantsStream(h http.Header) bool {
	stream, named := quality(h, mediaEvents)
	plain, _ := quality(h, mediaJSON)
	return named && stream > 0 && stream >= plain
}

// acceptable returns a problem if a client takes none of the media types of an operation.
// An operation without any is not negotiated.
func acceptable(h http.Header, media []string) *problem {
	if len(media) == 0 || slices.ContainsFunc(media, func(m string) bool { q, _ := quality(h, m); return q > 0 }) {
		return nil
	}
	return newProblem(http.StatusNotAcceptable, "Accept: there is "+strings.Join(media, " or ")+".")
}

// Suffixes that compression gives the strong tag of an answer, so that each encoding has
// its own.
const (
	gzipSuffix = "-gzip"
	zstdSuffix = "-zstd"
)

// minCompressed is the size of the shortest answer that is compressed, in bytes.
const minCompressed = 1 << 10

// newCompressor returns what compresses answers for clients that take gzip or zstd.
func newCompressor() (func(http.Handler) http.HandlerFunc, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(minCompressed), gzhttp.SuffixETag(gzipSuffix),
		gzhttp.ExceptContentTypes([]string{mediaEvents, "image/png"}))
	if err != nil {
		return nil, fmt.Errorf("compression: %w", err)
	}
	return wrap, nil
}

// tagOf returns a strong entity tag of a body.
func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// plainTag is a tag without what compression added to it.
func plainTag(tag string) string {
	for _, suffix := range []string{gzipSuffix, zstdSuffix} {
		if t, ok := strings.CutSuffix(tag, suffix+`"`); ok {
			return t + `"`
		}
	}
	return tag
}

// knownTags returns the entity tags of If-None-Match, as they were sent.
func knownTags(h http.Header) (tags []string) {
	for part := range strings.SplitSeq(strings.Join(h.Values("If-None-Match"), ","), ",") {
		if t := strings.TrimSpace(part); t != "" {
			tags = append(tags, t)
		}
	}
	return tags
}

// unsuffixed lets handlers compare the tags of a request with their own.
func unsuffixed(h http.Header, tags []string) {
	if len(tags) == 0 {
		return
	}
	plain := make([]string, len(tags))
	for i, t := range tags {
		plain[i] = plainTag(t)
	}
	h.Set("If-None-Match", strings.Join(plain, ", "))
}

// unchanged reports whether a client has what tag stands for (RFC 9110 §13.1.2).
func unchanged(h http.Header, tag string) bool {
	return slices.ContainsFunc(knownTags(h), func(t string) bool {
		return t == "*" || strings.TrimPrefix(t, "W/") == tag
	})
}

// kept is a body that clients may keep.
type kept struct {
	tag   string
	cache string // Cache-Control
	body  []byte
}

// writeTagged answers with a body that clients may keep, or says that they have it.
func writeTagged(w http.ResponseWriter, r *http.Request, cache string, body []byte) *problem {
	return kept{tagOf(body), cache, body}.write(w, r)
}

// write sends the body whole: ranges, and conditions other than If-None-Match, are not
// offered.
func (k kept) write(w http.ResponseWriter, r *http.Request) *problem {
	h := w.Header()
	h.Set("ETag", k.tag)
	h.Set("Cache-Control", k.cache)
	if unchanged(r.Header, k.tag) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(k.body) // the client may be gone
	return nil
}

package judge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// Record is a page that a system made for a case: a line of a file of pages.
type Record struct {
	Case   testset.Case `json:"case"`
	System string       `json:"system"` // no judge and no rater sees it
	Today  string       `json:"today"`  // YYYY-MM-DD
	Page   Page         `json:"page"`
	Hash   string       `json:"hash"` // of what is judged; see [Subject.Hash]
}

// NewRecord returns the record of a page that a system made.
func NewRecord(system string, s Subject) (Record, error) {
	hash, err := s.Hash()
	if err != nil {
		return Record{}, err
	}
	return Record{Case: s.Case, System: system, Today: s.Today, Page: s.Page, Hash: hash}, nil
}

// Subject returns what a judge may see of the record.
func (r Record) Subject() Subject { return Subject{Case: r.Case, Today: r.Today, Page: r.Page} }

// Hash names all that a judge may see of a subject: query, market, profile, day and page,
// with the order of its items. What is known to be right for the case is no part of it, nor
// is the name of the case.
func (s Subject) Hash() (string, error) {
	return digest(struct {
		Query   string
		Market  string
		Profile *testset.Profile
		Today   string
		Page    Page
	}{s.Case.Query, s.Case.Market, s.Case.Profile, s.Today, s.Page})
}

// digest is a short name of a value by its JSON, which is the same for equal values.
func digest(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("hash: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16]), nil
}

// WriteRecords writes records, one JSON object a line.
func WriteRecords(w io.Writer, records []Record) error {
	enc := json.NewEncoder(w)
	for _, r := range records {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("write record of case %s: %w", r.Case.ID, err)
		}
	}
	return nil
}

// ReadRecords reads what [WriteRecords] wrote. A record whose page is not the one that its
// hash names is an error, since labels and judgments would be taken for those of another.
func ReadRecords(r io.Reader) ([]Record, error) {
	var out []Record
	for dec := json.NewDecoder(r); ; {
		var one Record
		err := dec.Decode(&one)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", len(out)+1, err)
		}
		hash, err := one.Subject().Hash()
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", len(out)+1, err)
		}
		if hash != one.Hash {
			return nil, fmt.Errorf("record %d, case %s: the hash %q is not that of its page, %q", len(out)+1, one.Case.ID, one.Hash, hash)
		}
		out = append(out, one)
	}
}

package access

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/goccy/go-yaml"
)

// grantsFile is the form of the file.
type grantsFile struct {
	Keys []keyEntry `yaml:"keys"`
	JWT  *jwtEntry  `yaml:"jwt"`
}

// keyEntry is an API key, known by its digest.
type keyEntry struct {
	Name    string   `yaml:"name"`
	SHA256  string   `yaml:"sha256"`  // of the key, in hex
	Markets []string `yaml:"markets"` // none: every market
	Scopes  []Scope  `yaml:"scopes"`
	Rate    Rate     `yaml:"rate"`
}

// grants is a file that has been checked.
type grants struct {
	keys   []grantedKey
	tokens *tokens // nil: none are taken
}

type grantedKey struct {
	digest    digest
	principal Principal
}

// fileState tells one version of the file from the next. The key of tokens is read again
// when the file changes, not when the key does.
type fileState struct {
	modified time.Time
	size     int64
}

func stateOf(path string) (fileState, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}, fmt.Errorf("look at access file: %w", err)
	}
	return fileState{info.ModTime(), info.Size()}, nil
}

// readGrants reads and checks a file. Its error joins every problem.
func readGrants(path string) (*grants, fileState, error) {
	state, err := stateOf(path)
	if err != nil {
		return nil, state, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, state, fmt.Errorf("read access file: %w", err)
	}
	var f grantsFile
	if err := yaml.UnmarshalWithOptions(data, &f, yaml.Strict()); err != nil {
		// The parser's text would quote the file.
		return nil, state, fmt.Errorf("access file %s: not the YAML of keys and jwt%s", path, position(err))
	}
	g, err := f.check()
	if err != nil {
		return nil, state, fmt.Errorf("access file %s: %w", path, err)
	}
	return g, state, nil
}

// position says where the YAML is wrong, if the parser does.
func position(err error) string {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil || at.GetToken().Position == nil {
		return ""
	}
	return fmt.Sprintf(" at line %d", at.GetToken().Position.Line)
}

func (f grantsFile) check() (*grants, error) {
	var (
		errs  []error
		g     = &grants{}
		names = map[string]bool{}
	)
	for i, k := range f.Keys {
		granted, err := k.check()
		if names[k.Name] {
			err = errors.Join(err, fmt.Errorf("name %q: there is one already", k.Name))
		}
		names[k.Name] = true
		if slices.ContainsFunc(g.keys, func(o grantedKey) bool { return o.digest == granted.digest }) {
			err = errors.Join(err, errors.New("sha256: another key has it"))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("keys[%d]: %w", i, err))
		}
		g.keys = append(g.keys, granted)
	}
	if f.JWT != nil {
		var err error
		if g.tokens, err = f.JWT.check(); err != nil {
			errs = append(errs, fmt.Errorf("jwt: %w", err))
		}
	}
	if len(f.Keys) == 0 && f.JWT == nil {
		errs = append(errs, errors.New("has neither keys nor jwt: nobody could come in"))
	}
	return g, errors.Join(errs...)
}

func (k keyEntry) check() (grantedKey, error) {
	var errs []error
	if k.Name == "" {
		errs = append(errs, errors.New("name: must not be empty"))
	}
	sum, err := hex.DecodeString(k.SHA256)
	if err != nil || len(sum) != len(digest{}) {
		errs = append(errs, errors.New("sha256: must be 64 hex digits, the SHA-256 of the key"))
		sum = make([]byte, len(digest{}))
	}
	if len(k.Scopes) == 0 {
		errs = append(errs, errors.New("scopes: must not be empty"))
	}
	errs = append(errs, checkScopes(k.Scopes), checkMarkets(k.Markets))
	if k.Rate.PerSecond < 0 || k.Rate.Burst < 0 || (k.Rate.PerSecond > 0) != (k.Rate.Burst > 0) {
		errs = append(errs, errors.New("rate: per_second and burst must both be positive, or both be left out"))
	}
	p := Principal{Name: k.Name, Markets: k.Markets, Rate: k.Rate, scopes: k.Scopes}
	return grantedKey{digest(sum), p}, errors.Join(errs...)
}

func checkScopes(scopes []Scope) error {
	for _, s := range scopes {
		if !slices.Contains([]Scope{Search, Interact, Explain, Operate}, s) {
			return fmt.Errorf("scopes: %q is none of search, interact, explain, operate", s)
		}
	}
	return nil
}

var market = regexp.MustCompile(`^[A-Z]{2}$`)

func checkMarkets(markets []string) error {
	for _, m := range markets {
		if !market.MatchString(m) {
			return fmt.Errorf("markets: %q is not two upper-case letters", m)
		}
	}
	return nil
}

// identify finds the principal of a credential. Every key is compared, and each in
// constant time, so that the time tells nothing of them.
func (g *grants) identify(credential string, now time.Time) (Principal, error) {
	d, at := digestOf(credential), -1
	for i := range g.keys {
		if subtle.ConstantTimeCompare(d[:], g.keys[i].digest[:]) == 1 {
			at = i
		}
	}
	switch {
	case at >= 0:
		return g.keys[at].principal, nil
	case g.tokens == nil:
		return Principal{}, fmt.Errorf("%w: no such key", ErrRefused)
	}
	return g.tokens.identify(credential, now)
}

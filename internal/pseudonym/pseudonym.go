// Package pseudonym replaces the ids of people and devices by names that mean nothing
// without a secret salt: equal ids have equal names, so that they can be counted and
// erased, and nobody can go from a name back to an id, not even by trying all ids.
package pseudonym

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MinSalt is the least number of bytes of a salt.
const MinSalt = 16

// length of a pseudonym, in bytes before hex: a billion ids collide with a chance of 3 %.
const length = 8

// Names makes pseudonyms. The nil *Names knows no salt and makes none.
type Names struct{ salt []byte }

// New returns the Names of a salt, which must be the same wherever names are compared.
func New(salt []byte) (*Names, error) {
	if len(salt) < MinSalt {
		return nil, fmt.Errorf("salt of %d bytes: must have at least %d", len(salt), MinSalt)
	}
	return &Names{salt}, nil
}

// Random returns Names that nobody can make again, for what outlives no process.
func Random() *Names {
	salt := make([]byte, 2*MinSalt)
	_, _ = rand.Read(salt) // never fails
	return &Names{salt}
}

// Open returns the Names of the salt in a file. A file that is not there is made when
// create is true, readable by its owner alone.
func Open(file string, create bool) (*Names, error) {
	salt, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && create {
		return save(file)
	}
	if err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	n, err := New(salt)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

// save makes the salt of a file. The file is whole when it is there, and of several
// processes that make it at once all get the same.
func save(file string) (*Names, error) {
	n := Random()
	folder := filepath.Dir(file)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	f, err := os.CreateTemp(folder, ".salt-") // readable by its owner alone
	if err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(n.salt)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	if err := os.Link(f.Name(), file); errors.Is(err, fs.ErrExist) {
		return Open(file, false)
	} else if err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	return n, nil
}

// Client returns the pseudonym of a client id, "" for "".
func (n *Names) Client(id string) string { return n.of("client", id) }

// Session returns the pseudonym of a session id, "" for "".
func (n *Names) Session(id string) string { return n.of("session", id) }

// User returns the pseudonym of a user id, "" for "".
func (n *Names) User(id string) string { return n.of("user", id) }

func (n *Names) of(kind, id string) string {
	if n == nil || id == "" {
		return ""
	}
	mac := hmac.New(sha256.New, n.salt)
	mac.Write([]byte(kind + "\x00" + id))
	return hex.EncodeToString(mac.Sum(nil)[:length])
}

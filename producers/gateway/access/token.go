package access

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// jwtEntry is which tokens are taken.
type jwtEntry struct {
	Algorithms    []string      `yaml:"algorithms"`      // of EdDSA, RS256, ES256; or HS256 alone
	PublicKeyFile string        `yaml:"public_key_file"` // PEM, for all but HS256
	SecretFile    string        `yaml:"secret_file"`     // for HS256
	Issuer        string        `yaml:"issuer"`
	Audience      string        `yaml:"audience"`
	Leeway        time.Duration `yaml:"leeway"` // for clocks that differ
}

// Bounds of what a token may be signed with, and of the leeway.
const (
	minSecret  = 32   // bytes, as RFC 7518 §3.2 wants for HS256
	minRSABits = 2048 // RFC 7518 §3.3
	maxLeeway  = 2 * time.Minute
)

// tokens verifies JSON web tokens (RFC 7519) as RFC 8725 advises: the algorithm is what
// the file says and the key is of its kind, the issuer and the audience are ours, and the
// token ends.
type tokens struct {
	cfg jwtEntry
	key any // the only key; its kind fits every algorithm
}

// claims are what a token says.
type claims struct {
	jwt.RegisteredClaims
	Markets []string `json:"markets"` // missing: every market; none: no market
	Scopes  []Scope  `json:"scopes"`
}

func (j jwtEntry) check() (*tokens, error) {
	var errs []error
	if j.Issuer == "" || j.Audience == "" {
		errs = append(errs, errors.New("issuer and audience: must not be empty"))
	}
	if j.Leeway < 0 || j.Leeway > maxLeeway {
		errs = append(errs, fmt.Errorf("leeway %v: must lie between 0 and %v", j.Leeway, maxLeeway))
	}
	if len(j.Algorithms) == 0 {
		errs = append(errs, errors.New("algorithms: must not be empty"))
	}
	if (j.PublicKeyFile == "") == (j.SecretFile == "") {
		errs = append(errs, errors.New("give public_key_file or secret_file"))
		return nil, errors.Join(errs...)
	}
	key, err := j.key()
	if err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	for _, a := range j.Algorithms {
		if err := fits(a, key); err != nil {
			errs = append(errs, fmt.Errorf("algorithms: %w", err))
		}
	}
	return &tokens{j, key}, errors.Join(errs...)
}

func (j jwtEntry) key() (any, error) {
	if j.SecretFile != "" {
		secret, err := os.ReadFile(j.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("secret_file: %w", err)
		}
		secret = bytes.TrimRight(secret, "\r\n") // that an editor adds
		if len(secret) < minSecret {
			return nil, fmt.Errorf("secret_file: must hold at least %d bytes", minSecret)
		}
		return secret, nil
	}
	data, err := os.ReadFile(j.PublicKeyFile)
	if err != nil {
		return nil, fmt.Errorf("public_key_file: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("public_key_file: must be PEM of type PUBLIC KEY")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("public_key_file: holds no public key")
	}
	return key, nil
}

// fits says whether a key is of the kind that an algorithm needs. That is what keeps a
// public key from being used as the secret of HS256.
func fits(algorithm string, key crypto.PublicKey) error {
	ok := false
	switch algorithm {
	case "EdDSA":
		_, ok = key.(ed25519.PublicKey)
	case "RS256":
		k, is := key.(*rsa.PublicKey)
		ok = is && k.N.BitLen() >= minRSABits
	case "ES256":
		k, is := key.(*ecdsa.PublicKey)
		ok = is && k.Curve == elliptic.P256()
	case "HS256":
		_, ok = key.([]byte)
	default:
		return fmt.Errorf("%q is none of EdDSA, RS256, ES256, HS256", algorithm)
	}
	if !ok {
		return fmt.Errorf("the key does not fit %s", algorithm)
	}
	return nil
}

// keyOf returns the key of every token, except of one that must not be taken by who does not
// understand a header of it (RFC 7515 §4.1.11): no such header is known here.
func (t *tokens) keyOf(token *jwt.Token) (any, error) {
	if _, critical := token.Header["crit"]; critical {
		return nil, errors.New("critical header")
	}
	return t.key, nil
}

// identify verifies a token at a moment. Its errors say what is wrong in our own words, as
// the library's may quote the token.
func (t *tokens) identify(token string, now time.Time) (Principal, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, t.keyOf,
		jwt.WithValidMethods(t.cfg.Algorithms), jwt.WithIssuer(t.cfg.Issuer), jwt.WithAudience(t.cfg.Audience),
		jwt.WithLeeway(t.cfg.Leeway), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithStrictDecoding())
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return Principal{}, fmt.Errorf("%w: the token has expired", ErrRefused)
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return Principal{}, fmt.Errorf("%w: the token is not valid yet", ErrRefused)
	case err != nil:
		return Principal{}, fmt.Errorf("%w: neither a key nor a token of ours", ErrRefused)
	case c.Subject == "":
		return Principal{}, fmt.Errorf("%w: the token has no subject", ErrRefused)
	}
	known := slices.DeleteFunc(c.Scopes, func(s Scope) bool { return checkScopes([]Scope{s}) != nil })
	return Principal{Name: "jwt:" + c.Subject, Markets: c.Markets, scopes: known}, nil
}

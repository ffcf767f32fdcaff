package access_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parallel-fusion/pfr/producers/gateway/access"
)

var secret = strings.Repeat("0123456789", 4)

// signer signs tokens in one way, and knows what a gateway needs to check them.
type signer struct {
	method jwt.SigningMethod
	key    any
	entry  string // of the file
	public string // the file of the public key
}

func publicFile(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "public.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}

func signers(t *testing.T) map[string]signer {
	t.Helper()
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	es, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]signer{
		"EdDSA": {jwt.SigningMethodEdDSA, ed, "", publicFile(t, edPublic)},
		"RS256": {jwt.SigningMethodRS256, rs, "", publicFile(t, &rs.PublicKey)},
		"ES256": {jwt.SigningMethodES256, es, "", publicFile(t, &es.PublicKey)},
		"HS256": {jwt.SigningMethodHS256, []byte(secret), "secret_file: " + write(t, "secret", secret+"\n"), ""},
	}
	for name, s := range out {
		if s.public != "" {
			s.entry = "public_key_file: " + s.public
			out[name] = s
		}
	}
	return out
}

// guard takes tokens of one algorithm at noon.
func guard(t *testing.T, algorithm, entry string) *access.Guard {
	t.Helper()
	return open(t, access.Config{
		Now:  func() time.Time { return noon },
		File: write(t, "access.yaml", fmt.Sprintf("jwt: {algorithms: [%s], %s, issuer: login, audience: pfr, leeway: 5s}", algorithm, entry)),
	})
}

var noon = time.Date(2025, 6, 28, 12, 0, 0, 0, time.UTC)

// claims are those of a good token, with changes. A nil value takes a claim away.
func claims(changes map[string]any) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": "login", "aud": "pfr", "sub": "anna", "exp": noon.Add(time.Minute).Unix(), "iat": noon.Unix(),
		"scopes": []string{"search", "explain", "unheard-of"}, "markets": []string{"DE"},
	}
	for name, v := range changes {
		c[name] = v
		if v == nil {
			delete(c, name)
		}
	}
	return c
}

func (s signer) sign(t *testing.T, c jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(s.method, c).SignedString(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokens(t *testing.T) {
	for name, s := range signers(t) {
		t.Run(name, func(t *testing.T) {
			g := guard(t, name, s.entry)
			p, err := g.Identify(bearer(s.sign(t, claims(nil))))
			if err != nil || p.Name != "jwt:anna" || !p.May(access.Explain) || p.May(access.Operate) || p.May("unheard-of") || !p.In("DE") || p.In("US") {
				t.Errorf("%+v, %v", p, err)
			}
			for claim, changes := range map[string]map[string]any{
				"expired":          {"exp": noon.Add(-6 * time.Second).Unix()},
				"no expiry":        {"exp": nil},
				"not yet":          {"nbf": noon.Add(6 * time.Second).Unix()},
				"from the future":  {"iat": noon.Add(time.Minute).Unix()},
				"another issuer":   {"iss": "evil"},
				"no issuer":        {"iss": nil},
				"another audience": {"aud": "other"},
				"no audience":      {"aud": nil},
				"no subject":       {"sub": nil},
				"scopes as text":   {"scopes": "search"},
				"markets as text":  {"markets": "DE"},
			} {
				token := s.sign(t, claims(changes))
				p, err := g.Identify(bearer(token))
				if !errors.Is(err, access.ErrRefused) || p.May(access.Search) {
					t.Errorf("%s: %+v, %v", claim, p, err)
				} else if strings.Contains(err.Error(), token[:16]) || strings.Contains(err.Error(), "evil") {
					t.Errorf("%s: the error quotes the token: %v", claim, err)
				}
			}
			if _, err := g.Identify(bearer(s.sign(t, claims(map[string]any{"exp": noon.Add(-4 * time.Second).Unix()})))); err != nil {
				t.Errorf("within the leeway: %v", err)
			}
			if p, err := g.Identify(bearer(s.sign(t, claims(map[string]any{"markets": nil, "scopes": nil})))); err != nil || !p.In("US") || p.May(access.Search) {
				t.Errorf("no markets, no scopes: %+v, %v", p, err)
			}
			if p, err := g.Identify(bearer(s.sign(t, claims(map[string]any{"markets": []string{}})))); err != nil || p.In("US") {
				t.Errorf("an empty list of markets: %+v, %v", p, err)
			}
		})
	}
}

// A token chooses neither its algorithm nor the meaning of the key.
func TestForgedTokens(t *testing.T) {
	all := signers(t)
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims(nil)).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range all {
		g := guard(t, name, s.entry)
		good := s.sign(t, claims(nil))
		forged := map[string]string{
			"none": none, "None": base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"None"}`)) + none[strings.IndexByte(none, '.'):],
			"no signature": good[:strings.LastIndexByte(good, '.')+1],
			"changed":      good[:strings.IndexByte(good, '.')+1] + "e30" + good[strings.LastIndexByte(good, '.'):],
			"two parts":    good[:strings.LastIndexByte(good, '.')],
		}
		critical := jwt.NewWithClaims(s.method, claims(nil)) // RFC 7515 §4.1.11: what must be understood is not
		critical.Header["crit"], critical.Header["x-only-here"] = []string{"x-only-here"}, true
		if forged["critical header"], err = critical.SignedString(s.key); err != nil {
			t.Fatal(err)
		}
		for other, o := range all {
			if other != name {
				forged["as "+other] = o.sign(t, claims(nil))
			}
		}
		if s.public != "" {
			data, err := os.ReadFile(s.public)
			if err != nil {
				t.Fatal(err)
			}
			block, _ := pem.Decode(data)
			for what, key := range map[string][]byte{"PEM": data, "DER": block.Bytes} {
				confused := signer{method: jwt.SigningMethodHS256, key: key}
				forged["public key as secret, "+what] = confused.sign(t, claims(nil))
			}
		}
		for what, token := range forged {
			if p, err := g.Identify(bearer(token)); !errors.Is(err, access.ErrRefused) {
				t.Errorf("%s: %s came in as %+v, %v", name, what, p, err)
			}
		}
	}
}

// The key must be of the kind that its algorithms need, and strong enough.
func TestKeysFitTheirAlgorithms(t *testing.T) {
	all := signers(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ algorithms, entry string }{
		"public key for HS256":    {"HS256", all["RS256"].entry},
		"both kinds":              {"RS256, HS256", all["RS256"].entry},
		"secret for RS256":        {"RS256", all["HS256"].entry},
		"another curve":           {"ES256", "public_key_file: " + publicFile(t, &p384.PublicKey)},
		"weak RSA":                {"RS256", "public_key_file: " + publicFile(t, &weak.PublicKey)},
		"none":                    {"none", all["HS256"].entry},
		"no algorithm":            {"", all["HS256"].entry},
		"short secret":            {"HS256", "secret_file: " + write(t, "short", "0123456789")},
		"both files":              {"HS256", all["HS256"].entry + ", " + all["RS256"].entry},
		"private key as public":   {"EdDSA", "public_key_file: " + write(t, "x.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")},
		"no file":                 {"HS256", "secret_file: /nonexistent"},
		"an hour of leeway":       {"HS256", all["HS256"].entry + ", leeway: 1h"},
		"a key of another format": {"EdDSA", "public_key_file: " + write(t, "y.pem", "ssh-ed25519 AAAA")},
	} {
		file := write(t, "access.yaml", fmt.Sprintf("jwt: {algorithms: [%s], %s, issuer: login, audience: pfr}", c.algorithms, c.entry))
		_, err := access.New(access.Config{File: file}, slog.New(slog.DiscardHandler), nil)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

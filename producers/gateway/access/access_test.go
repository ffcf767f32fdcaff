package access_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/producers/gateway/access"
)

// Keys of the tests. None may ever be shown.
const (
	searchKey   = "key-of-the-search-app-1"
	everyKey    = "key-of-the-whole-office"
	operatorKey = "key-of-the-operator-000"
)

func sum(key string) string {
	s := sha256.Sum256([]byte(key))
	return hex.EncodeToString(s[:])
}

var twoKeys = `
keys:
  - {name: app, sha256: "` + sum(searchKey) + `", markets: [US, DE], scopes: [search, interact], rate: {per_second: 5, burst: 10}}
  - {name: office, sha256: "` + sum(everyKey) + `", scopes: [search, interact, explain, operate]}
`

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, cfg access.Config) *access.Guard {
	t.Helper()
	g, err := access.New(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func bearer(credential string) http.Header {
	return http.Header{"Authorization": {"Bearer " + credential}}
}

func TestKeys(t *testing.T) {
	g := open(t, access.Config{File: write(t, "access.yaml", twoKeys)})
	for _, h := range []http.Header{
		bearer(searchKey),
		{"X-Api-Key": {searchKey}},
		{"Authorization": {"bearer  " + searchKey}},
		{"Authorization": {"Bearer " + searchKey}, "X-Api-Key": {searchKey}},
	} {
		p, err := g.Identify(h)
		if err != nil || p.Name != "app" || p.Rate != (access.Rate{PerSecond: 5, Burst: 10}) {
			t.Errorf("%v: %+v, %v", h, p, err)
		}
		if !p.May(access.Search) || !p.May("") || p.May(access.Explain) || p.May(access.Operate) {
			t.Errorf("scopes of %+v", p)
		}
		if !p.In("DE") || p.In("FR") {
			t.Errorf("markets of %+v", p)
		}
	}
	if p, err := g.Identify(bearer(everyKey)); err != nil || !p.In("FR") || !p.May(access.Operate) || p.Rate.PerSecond != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := g.Identify(http.Header{}); !errors.Is(err, access.ErrMissing) {
		t.Errorf("nothing shown: %v", err)
	}
	for name, h := range map[string]http.Header{
		"unknown":       bearer("key-of-somebody-else-00"),
		"digest itself": bearer(sum(searchKey)),
		"basic":         {"Authorization": {"Basic " + searchKey}},
		"no credential": {"Authorization": {"Bearer "}},
		"two":           {"Authorization": {"Bearer " + searchKey}, "X-Api-Key": {everyKey}},
		"two headers":   {"Authorization": {"Bearer " + searchKey, "Bearer " + everyKey}},
		"long":          bearer(strings.Repeat("a", 1<<20)),
		"upper case":    bearer(strings.ToUpper(searchKey)),
	} {
		p, err := g.Identify(h)
		if !errors.Is(err, access.ErrRefused) || p.May(access.Search) || p.Name != "" {
			t.Errorf("%s: %+v, %v", name, p, err)
			continue
		}
		for _, secret := range []string{searchKey, everyKey, "somebody"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows the key", name)
			}
		}
	}
}

// Without a file everybody may do everything but operate, and with the operator key that too.
func TestOpenAccess(t *testing.T) {
	for name, cfg := range map[string]access.Config{
		"key": {OperatorKey: operatorKey}, "file": {OperatorKeyFile: write(t, "key", operatorKey+"\n")},
	} {
		g := open(t, cfg)
		for _, h := range []http.Header{{}, bearer("whatever"), {"Authorization": {"Basic x"}}} {
			p, err := g.Identify(h)
			if err != nil || !p.May(access.Search) || !p.May(access.Interact) || !p.May(access.Explain) || p.May(access.Operate) || !p.In("DE") {
				t.Errorf("%s: anybody: %+v, %v", name, p, err)
			}
		}
		if p, err := g.Identify(bearer(operatorKey)); err != nil || !p.May(access.Operate) || p.Name != "operator" {
			t.Errorf("%s: operator: %+v, %v", name, p, err)
		}
	}
	if p, err := open(t, access.Config{}).Identify(bearer("")); err != nil || p.May(access.Operate) {
		t.Errorf("no operator key: %+v, %v", p, err)
	}
	limited := open(t, access.Config{File: write(t, "access.yaml", twoKeys), OperatorKey: operatorKey})
	if p, err := limited.Identify(bearer(operatorKey)); err != nil || !p.May(access.Operate) || !p.May(access.Search) {
		t.Errorf("beside a file: %+v, %v", p, err)
	}
}

func TestBadFiles(t *testing.T) {
	digest := sum(searchKey)
	for name, c := range map[string]struct{ text, says string }{
		"empty":          {"", "nobody could come in"},
		"not YAML":       {"keys: [" + digest, "not the YAML"},
		"unknown field":  {"keyz: []", "not the YAML"},
		"the key itself": {"keys: [{name: a, sha256: " + searchKey + ", scopes: [search]}]", "64 hex digits"},
		"no name":        {"keys: [{sha256: '" + digest + "', scopes: [search]}]", "name: must not be empty"},
		"no scopes":      {"keys: [{name: a, sha256: '" + digest + "'}]", "scopes: must not be empty"},
		"scope":          {"keys: [{name: a, sha256: '" + digest + "', scopes: [admin]}]", "is none of search"},
		"market":         {"keys: [{name: a, sha256: '" + digest + "', scopes: [search], markets: [usa]}]", "two upper-case letters"},
		"rate":           {"keys: [{name: a, sha256: '" + digest + "', scopes: [search], rate: {per_second: 1}}]", "both be positive"},
		"same name":      {"keys: [{name: a, sha256: '" + digest + "', scopes: [search]}, {name: a, sha256: '" + sum("x") + "', scopes: [search]}]", "there is one already"},
		"same key":       {"keys: [{name: a, sha256: '" + digest + "', scopes: [search]}, {name: b, sha256: '" + digest + "', scopes: [search]}]", "another key has it"},
		"no issuer":      {"jwt: {algorithms: [HS256], secret_file: /dev/null, audience: pfr}", "issuer and audience"},
		"no key file":    {"jwt: {algorithms: [HS256], issuer: a, audience: b}", "give public_key_file or secret_file"},
	} {
		_, err := access.New(access.Config{File: write(t, "access.yaml", c.text)}, slog.New(slog.DiscardHandler), nil)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), searchKey) || strings.Contains(err.Error(), digest) {
			t.Errorf("%s: the error shows what the file holds: %v", name, err)
		}
	}
	for name, cfg := range map[string]access.Config{
		"missing":            {File: filepath.Join(t.TempDir(), "none")},
		"short operator key": {OperatorKey: "1234"},
		"two operator keys":  {OperatorKey: operatorKey, OperatorKeyFile: "x"},
		"no operator file":   {OperatorKeyFile: filepath.Join(t.TempDir(), "none")},
		"empty file":         {OperatorKeyFile: write(t, "key", "\n")},
		"look":               {LookEvery: -time.Second},
	} {
		if _, err := access.New(cfg, slog.New(slog.DiscardHandler), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A file that changes is read again. A bad one changes nothing, and is logged and counted.
func TestFileIsReadAgain(t *testing.T) {
	path := write(t, "access.yaml", twoKeys)
	var logged bytes.Buffer
	reg := prometheus.NewRegistry()
	g, err := access.New(access.Config{File: path}, slog.New(slog.NewTextHandler(&logged, nil)), reg)
	if err != nil {
		t.Fatal(err)
	}
	change := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Duration(len(text)) * time.Minute) // a clock that surely moved
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
	}
	known := func(key string) bool {
		_, err := g.Identify(bearer(key))
		return err == nil
	}
	change("keys: [{name: new, sha256: '" + sum("key-of-a-new-client-000") + "', scopes: [search]}]")
	if known(searchKey) || !known("key-of-a-new-client-000") {
		t.Error("the new file is not in force")
	}
	for _, bad := range []string{"keys: [" + searchKey, ""} {
		change(bad)
		if !known("key-of-a-new-client-000") || known(searchKey) {
			t.Error("a bad file is in force")
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !known("key-of-a-new-client-000") {
		t.Error("without a file nobody is known")
	}
	change(twoKeys)
	if !known(searchKey) {
		t.Error("the mended file is not in force")
	}
	if text := logged.String(); strings.Count(text, "not taken") != 3 || strings.Contains(text, searchKey) {
		t.Errorf("logged:\n%s", text)
	}
	metrics, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, m := range metrics {
		if m.GetName() == "pfr_access_reloads_total" {
			for _, s := range m.GetMetric() {
				counted[s.GetLabel()[0].GetValue()] = s.GetCounter().GetValue()
			}
		}
	}
	if counted["taken"] != 2 || counted["refused"] < 3 {
		t.Errorf("reloads %v", counted)
	}
}

// A file that could not be taken is tried again although it does not change: what it needs
// may come later.
func TestRefusedFileIsTriedAgain(t *testing.T) {
	path, missing := write(t, "access.yaml", twoKeys), filepath.Join(t.TempDir(), "secret")
	var logged bytes.Buffer
	g, err := access.New(access.Config{File: path}, slog.New(slog.NewTextHandler(&logged, nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	text := "keys: [{name: new, sha256: '" + sum("key-of-a-new-client-000") + "', scopes: [search]}]\n" +
		"jwt: {algorithms: [HS256], secret_file: " + missing + ", issuer: login, audience: pfr}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := g.Identify(bearer("key-of-a-new-client-000")); err == nil {
			t.Fatal("in force without its secret")
		}
	}
	if err := os.WriteFile(missing, []byte(strings.Repeat("s", 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Identify(bearer("key-of-a-new-client-000")); err != nil {
		t.Errorf("with its secret: %v", err)
	}
	if n := strings.Count(logged.String(), "not taken"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &logged)
	}
}

// The file is looked at no more often than it is said.
func TestFileIsLookedAtSeldom(t *testing.T) {
	path := write(t, "access.yaml", twoKeys)
	g := open(t, access.Config{File: path, LookEvery: time.Hour})
	if err := os.WriteFile(path, []byte("keys: [{name: new, sha256: '"+sum("x")+"', scopes: [search]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Identify(bearer(searchKey)); err != nil {
		t.Errorf("the file was read again at once: %v", err)
	}
}

// Whatever comes as a credential, only the keys come in.
func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"Bearer " + searchKey, "Bearer", "bearer\t" + searchKey, "Basic eA==", "Bearer a.b.c", "Bearer eyJhbGciOiJub25lIn0.e30."} {
		f.Add(s, "")
		f.Add("", s)
	}
	secret := write(f, "secret", strings.Repeat("s", 32))
	g := open(f, access.Config{LookEvery: time.Hour, OperatorKey: operatorKey, File: write(f, "access.yaml", twoKeys+
		"jwt: {algorithms: [HS256], secret_file: "+secret+", issuer: i, audience: a}\n")})
	f.Fuzz(func(t *testing.T, authorization, key string) {
		h := http.Header{"Authorization": {authorization}}
		if key != "" {
			h.Set("X-Api-Key", key)
		}
		p, err := g.Identify(h)
		shown := authorization + " " + key
		if err == nil && !strings.Contains(shown, searchKey) && !strings.Contains(shown, everyKey) && !strings.Contains(shown, operatorKey) {
			t.Errorf("%q came in as %+v", shown, p)
		}
		if err != nil && !errors.Is(err, access.ErrMissing) && !errors.Is(err, access.ErrRefused) {
			t.Errorf("%q: %v", shown, err)
		}
	})
}

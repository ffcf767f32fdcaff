package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/config"
)

type settings struct {
	Fusion fusion `yaml:"fusion"`
	NATS   nats   `yaml:"nats"`
}

type fusion struct {
	Grace  time.Duration `yaml:"late_grace"`
	Memory int           `yaml:"remember"`
}

type nats struct {
	URL     string   `yaml:"url"`
	Token   string   `yaml:"token"`
	Brokers []string `yaml:"brokers"`
}

func (s settings) Validate() error {
	if s.Fusion.Memory <= 0 {
		return errors.New("fusion: remember must be positive")
	}
	return nil
}

var defaults = settings{fusion{time.Second, 100}, nats{"nats://a:1", "", nil}}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pfr.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPrecedence(t *testing.T) {
	got, err := config.Load(defaults, config.Sources{
		File:     write(t, "fusion: {late_grace: 2s, remember: 7}\nnats: {url: nats://file:1, brokers: [a, b]}\n"),
		Env:      []string{"PATH=/bin", "PFR_FUSION_REMEMBER=8", "PFR_NATS_URL=nats://env:1", "PFR_TEST_KAFKA=x", "PFR_HOME=y"},
		Reserved: []string{"PFR_TEST_", "PFR_HOME"},
		Set:      []string{"nats.url=nats://flag:1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := settings{fusion{2 * time.Second, 8}, nats{"nats://flag:1", "", []string{"a", "b"}}}
	if got.Fusion != want.Fusion || got.NATS.URL != want.NATS.URL || strings.Join(got.NATS.Brokers, ",") != "a,b" {
		t.Errorf("got %+v", got)
	}
}

func TestEveryProblemIsReported(t *testing.T) {
	_, err := config.Load(defaults, config.Sources{
		File: write(t, "fusion: {late_grase: 2s, remember: 0}\nfusiom: 1\n"),
		Env:  []string{"PFR_NATS_URI=x"},
		Set:  []string{"nats.ulr=x", "nonsense"},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"fusion.late_grase", "fusiom", "PFR_NATS_URI", "nats.ulr", "nonsense", "remember must be positive"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %s in:\n%v", want, err)
		}
	}
}

func TestWrongTypesAreReportedWithTheirPaths(t *testing.T) {
	_, err := config.Load(defaults, config.Sources{
		Env: []string{"PFR_NATS_BROKERS=[[a]]"},
		Set: []string{"fusion.remember=many", "fusion.late_grace=soon"},
	})
	for _, want := range []string{"PFR_NATS_BROKERS: nats.brokers", "--set: fusion.remember", "--set: fusion.late_grace"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %s in: %v", want, err)
		}
	}
}

func TestTextIsTakenAsItIs(t *testing.T) {
	for _, token := range []string{"0123", "0x10", "1_000", "a: b", "a #b", "null", "true", "- a", `"q"`} {
		got, err := config.Load(defaults, config.Sources{Set: []string{"nats.token=" + token}})
		if err != nil || got.NATS.Token != token {
			t.Errorf("%s: got %q, err %v", token, got.NATS.Token, err)
		}
	}
}

func TestListsNeedNoBrackets(t *testing.T) {
	for text, want := range map[string]string{"a:1": "a:1", "a:1, b:2,": "a:1 b:2", "[a:1, b:2]": "a:1 b:2", `["a:1"]`: "a:1", "": ""} {
		got, err := config.Load(defaults, config.Sources{Env: []string{"PFR_NATS_BROKERS=" + text}})
		if err != nil || strings.Join(got.NATS.Brokers, " ") != want {
			t.Errorf("%s: got %q, err %v", text, got.NATS.Brokers, err)
		}
	}
}

func TestEmptySectionChangesNothing(t *testing.T) {
	got, err := config.Load(defaults, config.Sources{File: write(t, "fusion:\n  # late_grace: 2s\nnats: {url: nats://file:1}\n")})
	if err != nil || got.Fusion != defaults.Fusion || got.NATS.URL != "nats://file:1" {
		t.Errorf("got %+v, err %v", got, err)
	}
}

// An excerpt of the file around the mistake would show the line above it.
func TestErrorsDoNotQuoteSecrets(t *testing.T) {
	for _, text := range []string{"nats:\n  token: hunter2\n  url: [1\n", "nats:\n  token: hunter2\n  url: {a: b}\n"} {
		_, err := config.Load(defaults, config.Sources{File: write(t, text)})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("err = %v", err)
		}
	}
}

func TestRedactedAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"nats://u:hunter1@a:1,nats://u:hunter2@b:1": "nats://[redacted]@a:1,nats://[redacted]@b:1",
		"nats://u:hunter@2@a:1":                     "nats://[redacted]@a:1",
		"u:hunter2@a:1":                             "[redacted]@a:1",
		"nats://a:1":                                "nats://a:1",
		"/data/@home":                               "/data/@home",
	} {
		s := defaults
		s.NATS.URL, s.NATS.Brokers = address, []string{address}
		text, err := config.Redacted(s)
		if err != nil || strings.Contains(text, "hunter") || strings.Count(text, want) != 2 {
			t.Errorf("%s: err %v\n%s", address, err, text)
		}
	}
}

func TestRedacted(t *testing.T) {
	s := defaults
	s.NATS.URL, s.NATS.Token = "nats://user:hunter2@host:4222", "hunter3"
	text, err := config.Redacted(s)
	if err != nil || strings.Contains(text, "hunter") || !strings.Contains(text, "host:4222") || !strings.Contains(text, "late_grace: 1s") {
		t.Errorf("err %v\n%s", err, text)
	}
}

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEvaluateRoutes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cases.tsv")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("lady gaga\tsearch\nartists similar to khruangbin\tsimilar_artists,search\t{\"artist\":\"Khruangbin\"}\ntrue crime podcasts\tout_of_scope\n")
	out, err := runPFR(t, "", "evaluate", "routes", "--json", file)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Micro  struct{ N, Right int }
		Macro  float64 `json:"macro_accuracy"`
		Frames struct{ N, Right int }
		Tiers  map[string]int
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Micro.N != 3 || report.Micro.Right != 2 || report.Macro < .66 || report.Macro > .67 || report.Frames.Right != 1 || report.Tiers["student"] != 3 {
		t.Errorf("%+v", report)
	}
	if text, err := runPFR(t, "", "evaluate", "routes", file); err != nil || !strings.Contains(text, "Wilson 95 %") || !strings.Contains(text, "want out_of_scope: true crime podcasts") {
		t.Errorf("%v\n%s", err, text)
	}
	write("lady gaga\tteleport\nno tab\n")
	if _, err := runPFR(t, "", "evaluate", "routes", file); err == nil || !strings.Contains(err.Error(), "line 1") || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a bad file: %v", err)
	}
}

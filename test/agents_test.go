package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
	"github.com/parallel-fusion/pfr/schemas"
)

const hosting, refining = `{"intro":"Settle in, this one starts slow.","picks":[{"n":3,"why":"an easy start"},{"n":1,"why":""},{"n":99,"why":"nobody"}]}`,
	`{"best":[4],"drop":[2]}`

// agent starts a fake server for a sub-agent that always answers the same, and returns it
// with the flags of a pipeline that asks it.
func agent(t *testing.T, name, answer string) (*llmtest.Server, []string) {
	t.Helper()
	fake := llmtest.New(llmtest.Config{Answer: func(string) string { return answer }})
	t.Cleanup(fake.Close)
	return fake, []string{"--set", "agents." + name + ".enabled=true", "--set", "agents." + name + ".url=" + fake.URL()}
}

// wishes asks for music and returns the page.
func (p *pipeline) wishes(t *testing.T, query string) (page schemas.SERP, mix, forYou schemas.Section) {
	t.Helper()
	page = p.search(t, query)
	for _, s := range page.Sections {
		switch s.Tool {
		case "dj":
			mix = s
		case "personalized_recs":
			forYou = s
		}
	}
	return page, mix, forYou
}

// A language model hosts the mix and puts the page in order; when it says nothing of use,
// the page is the one that the rules make.
func TestSubAgents(t *testing.T) {
	plain := up(t, "")
	_, plainMix, plainShelf := plain.wishes(t, "chill indie rock")
	host, hostFlags := agent(t, "dj", hosting)
	editor, editorFlags := agent(t, "refine", refining)
	p := up(t, "", append(hostFlags, editorFlags...)...)
	page, mix, shelf := p.wishes(t, "chill indie rock")
	if !strings.HasPrefix(mix.Text, "Settle in") || mix.Items[0].Why != "an easy start" || len(mix.Items) != len(plainMix.Items) {
		t.Errorf("the mix is not hosted: %q, first because %q", mix.Text, mix.Items[0].Why)
	}
	if !page.Refined || shelf.Items[0].ID != plainShelf.Items[3].ID || slices.Contains(ids(shelf), plainShelf.Items[1].ID) {
		t.Errorf("refined %v: %v\nof %v", page.Refined, ids(shelf), ids(plainShelf))
	}
	queries := []string{"calm indie rock", "sad indie rock", "happy indie rock", "dreamy indie rock", "dark indie rock"} // none from a cache
	for i, mode := range []llmtest.Mode{llmtest.Garbage(), llmtest.Evil(), llmtest.Hanging(), llmtest.Refusing(), llmtest.Failing(500)} {
		host.Set(mode)
		editor.Set(mode)
		page, mix, shelf := p.wishes(t, queries[i])
		if page.Refined || len(mix.Items) == 0 || len(shelf.Items) == 0 || page.Status != schemas.SERPComplete {
			t.Errorf("%v: %s", mode, outline(page))
		}
		if strings.Contains(mix.Text, "http") || mix.Text == "" {
			t.Errorf("%v: %q", mode, mix.Text)
		}
	}
}

func ids(s schemas.Section) []string {
	out := make([]string, len(s.Items))
	for i, item := range s.Items {
		out[i] = item.ID
	}
	return out
}

package app

import (
	"strings"
	"testing"
)

// An agent that is on asks its own server, or that of the router; one that is off needs
// none.
func TestAgentsFindAServer(t *testing.T) {
	cfg := DefaultConfig()
	if err := cfg.Agents.validate(cfg.Router.LLM); err != nil {
		t.Errorf("all off: %v", err)
	}
	cfg.Agents.DJ.Enabled, cfg.Agents.Refine.Enabled, cfg.Agents.Refine.Budget.MaxConcurrent = true, true, 0
	cfg.Agents.Refine.URL = "http://own:1"
	err := cfg.Agents.validate(cfg.Router.LLM)
	for _, name := range []string{"agents.dj: enabled", "agents.refine: budget"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q is not named in %v", name, err)
		}
	}
	cfg.Router.LLM.URL, cfg.Router.LLM.Model, cfg.Router.LLM.KeyFile, cfg.Router.LLM.Timeout = "http://router:2", "small", "key", 1
	cfg.Agents.Refine.Budget.MaxConcurrent = 1
	if err := cfg.Agents.validate(cfg.Router.LLM); err != nil {
		t.Error(err)
	}
	dj, refine := cfg.Agents.DJ.on(cfg.Router.LLM), cfg.Agents.Refine.on(cfg.Router.LLM)
	if dj.URL != "http://router:2" || dj.Model != "small" || dj.KeyFile != "key" || dj.Timeout != cfg.Agents.DJ.Timeout {
		t.Errorf("%+v", dj)
	}
	if refine.URL != "http://own:1" || refine.Model != "" || refine.KeyFile != "" {
		t.Errorf("another server gets the router's key: %+v", refine)
	}
}

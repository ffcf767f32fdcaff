package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	chat "github.com/parallel-fusion/pfr/internal/llm"
)

// Names of who evaluates without a language model.
const (
	rulesName  = "rules"  // the deterministic judge of pages
	peopleName = "people" // who label pages
)

// party is a language model as far as it can be told from others: by what it is called, and
// by where it is served.
type party struct {
	model   string // as the settings or the server name it
	named   bool   // by the settings
	profile chat.Profile
	servers []string
}

// party returns who answers under a configuration. It asks the server for the name of its
// model unless the settings have one.
func (w *workshop) party(ctx context.Context, cfg ModelConfig) (party, error) {
	p := party{model: cfg.Model, named: cfg.Model != "", profile: cfg.Profile}
	for _, address := range cfg.urls() {
		p.servers = append(p.servers, serverOf(address))
	}
	if p.named && p.profile != chat.Auto {
		return p, nil
	}
	client, err := chat.New(cfg.Config.Config, w.log, nil)
	if err != nil {
		return p, err
	}
	defer client.Close()
	if err := client.Identify(ctx); err != nil && !p.named {
		return p, fmt.Errorf("ask the server for the name of its model: %w", err)
	}
	known := client.Status()
	p.model, p.profile = cmp.Or(p.model, known.Model), known.Profile
	return p, nil
}

// same reports whether two parties may be one model: they have one name, or they are at one
// server that is not known to tell models apart by their names.
func (p party) same(o party) bool {
	if strings.EqualFold(p.model, o.model) {
		return true
	}
	shared := slices.ContainsFunc(p.servers, func(s string) bool { return slices.Contains(o.servers, s) })
	tellsApart := p.named && o.named && p.profile != chat.LlamaCPP && o.profile != chat.LlamaCPP
	return shared && !tellsApart
}

// sameModel reports whether two names are of language models that may be one.
func (w *workshop) sameModel(ctx context.Context, a, b string) (bool, error) {
	var parties [2]party
	for i, name := range []string{a, b} {
		cfg, err := w.model(name)
		if err != nil {
			return false, nil //nolint:nilerr // it is no language model
		}
		if parties[i], err = w.party(ctx, cfg); err != nil {
			return false, err
		}
	}
	return parties[0].same(parties[1]), nil
}

// serverOf names a server: two spellings of one address are equal.
func serverOf(address string) string {
	u, err := url.Parse(strings.ToLower(address))
	if err != nil {
		return address
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if ip := net.ParseIP(host); host == "localhost" || ip.IsLoopback() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// examiner returns who will judge the trained router, as rows name it. It must not be who
// rejects samples, under whatever name.
func (w *workshop) examiner(ctx context.Context, name, judge string) (string, error) {
	if name == judge {
		return "", errors.New("it rejects samples, so that it must not be the evaluation judge too")
	}
	if slices.Contains([]string{rulesName, peopleName, labelsName}, name) {
		return name, nil
	}
	cfg, err := w.model(name)
	if err != nil {
		return "", fmt.Errorf("it is none of %s, %s and %s, and %w", rulesName, peopleName, labelsName, err)
	}
	if judge == labelsName && cfg.Model != "" {
		return shown(name, cfg.Model), nil
	}
	examiner, err := w.party(ctx, cfg)
	if err != nil || judge == labelsName {
		return shown(name, examiner.model), err
	}
	if cfg, err = w.model(judge); err != nil {
		return "", err
	}
	rejecter, err := w.party(ctx, cfg)
	if err != nil {
		return "", fmt.Errorf("judge %s: %w", judge, err)
	}
	if examiner.same(rejecter) {
		return "", fmt.Errorf("it is the model that rejects samples, %s at %s, under another name", rejecter.model, strings.Join(rejecter.servers, ", "))
	}
	return shown(name, examiner.model), nil
}

// shown is how rows name a language model: as the settings and as it is called itself.
func shown(name, model string) string { return name + ": " + model }

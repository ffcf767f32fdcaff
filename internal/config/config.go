// Package config merges the settings of a process: flags over environment over a YAML file
// over the defaults of each package.
//
// Settings are named by their path in the file, such as fusion.late_grace. The variable
// of that one is PFR_FUSION_LATE_GRACE and the flag is --set fusion.late_grace=1s. What
// there is to set is what the defaults hold, so an unknown name is always reported.
package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// EnvPrefix begins every environment variable that is a setting.
const EnvPrefix = "PFR_"

// Sources are where settings come from, weakest first.
type Sources struct {
	File string   // path of a YAML file; "" for none
	Env  []string // NAME=value, as os.Environ returns them
	// Reserved are variables that begin with EnvPrefix and are no settings. A name that ends
	// in _ stands for all that begin with it.
	Reserved []string
	Set      []string // path=value, from flags
}

// Validator is a configuration that can tell whether it makes sense.
type Validator interface{ Validate() error }

// Load returns defaults with the settings of the sources on top. The error joins every
// unknown name, every value of a wrong type, and every problem that Validate finds.
func Load[T Validator](defaults T, src Sources) (T, error) {
	tree, err := toTree(defaults)
	if err != nil {
		return defaults, err
	}
	l := loader{tree: tree, known: leaves(tree)}
	l.check = func(tree node) error {
		_, err := fromTree(tree, defaults)
		return err
	}
	l.file(src.File)
	l.env(src.Env, src.Reserved)
	for _, s := range src.Set {
		path, value, ok := strings.Cut(s, "=")
		if !ok {
			l.problem("--set %s: want path=value", s)
			continue
		}
		l.put("--set", path, l.scalar(path, value))
	}
	cfg, err := fromTree(l.tree, defaults)
	if err != nil {
		l.errs = append(l.errs, err)
		return defaults, errors.Join(l.errs...)
	}
	return cfg, errors.Join(append(l.errs, cfg.Validate())...)
}

// node is a YAML mapping: values are nodes or leaves.
type node = map[string]any

type loader struct {
	tree  node
	known map[string]bool  // paths of all leaves
	check func(node) error // whether the settings hold what a tree has
	errs  []error
}

func (l *loader) problem(format string, args ...any) {
	l.errs = append(l.errs, fmt.Errorf(format, args...))
}

func (l *loader) file(name string) {
	if name == "" {
		return
	}
	data, err := os.ReadFile(name)
	if err != nil {
		l.problem("config file: %w", err)
		return
	}
	var tree node
	if err := yaml.Unmarshal(data, &tree); err != nil {
		l.problem("config file %s: %w", name, unquoted(err))
		return
	}
	l.merge(name, "", tree)
}

func (l *loader) merge(source, prefix string, tree node) {
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		path := prefix + key
		if sub, ok := tree[key].(node); ok && !l.known[path] {
			l.merge(source, path+".", sub)
			continue
		}
		if tree[key] == nil && l.section(path) {
			continue // all its settings are commented out
		}
		l.put(source, path, tree[key])
	}
}

func (l *loader) env(env, reserved []string) {
	names := make(map[string]string, len(l.known))
	for path := range l.known {
		names[EnvPrefix+strings.ToUpper(strings.ReplaceAll(path, ".", "_"))] = path
	}
	for _, entry := range slices.Sorted(slices.Values(env)) {
		name, value, _ := strings.Cut(entry, "=")
		path, ok := names[name]
		switch {
		case ok:
			l.put(name, path, l.scalar(path, value))
		case strings.HasPrefix(name, EnvPrefix) && !slices.ContainsFunc(reserved, func(r string) bool { return covers(r, name) }):
			l.problem("environment: %s is not a setting; see pfr config", name)
		}
	}
}

func covers(reserved, name string) bool {
	return name == reserved || strings.HasSuffix(reserved, "_") && strings.HasPrefix(name, reserved)
}

// section reports whether path names a group of settings.
func (l *loader) section(path string) bool {
	for leaf := range l.known {
		if strings.HasPrefix(leaf, path+".") {
			return true
		}
	}
	return false
}

// put sets a leaf. A source may not name a whole section or what does not exist, and what
// the setting cannot hold is reported with its path.
func (l *loader) put(source, path string, value any) {
	if !l.known[path] {
		l.problem("%s: %s is not a setting; see pfr config", source, path)
		return
	}
	keys := strings.Split(path, ".")
	alone := node{keys[len(keys)-1]: value}
	for _, k := range slices.Backward(keys[:len(keys)-1]) {
		alone = node{k: alone}
	}
	if err := l.check(alone); err != nil {
		l.problem("%s: %s: %w", source, path, err)
		return
	}
	tree, leaf := l.parent(path)
	tree[leaf] = value
}

// parent returns the section that holds the leaf at path, and its name there.
func (l *loader) parent(path string) (section node, leaf string) {
	keys := strings.Split(path, ".")
	section = l.tree
	for _, k := range keys[:len(keys)-1] {
		section, _ = section[k].(node)
	}
	return section, keys[len(keys)-1]
}

// leaves returns the paths of everything that is not a section. A mapping that is empty by
// default is one leaf: its names are the user's.
func leaves(tree node) map[string]bool {
	known := map[string]bool{}
	for key, value := range tree {
		sub, ok := value.(node)
		if !ok || len(sub) == 0 {
			known[key] = true
			continue
		}
		for path := range leaves(sub) {
			known[key+"."+path] = true
		}
	}
	return known
}

// scalar reads the text of a value as YAML, so that numbers and booleans can be given. A
// setting that is text takes it as it is: 0123 is a name, not the number 83. A list may be
// written without brackets: a:1,b:1.
func (l *loader) scalar(path, s string) any {
	var old any
	if l.known[path] {
		section, leaf := l.parent(path)
		old = section[leaf]
	}
	switch old.(type) {
	case string:
		return s
	case []any:
		if !strings.HasPrefix(strings.TrimSpace(s), "[") {
			return list(s)
		}
	}
	var v any
	if err := yaml.Unmarshal([]byte(s), &v); err != nil || v == nil {
		return s
	}
	return v
}

func list(s string) []any {
	items := []any{}
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func toTree(v any) (node, error) {
	data, err := yaml.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	var tree node
	if err := yaml.Unmarshal(data, &tree); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return tree, nil
}

func fromTree[T any](tree node, defaults T) (T, error) {
	data, err := yaml.Marshal(tree)
	if err != nil {
		return defaults, fmt.Errorf("settings: %w", err)
	}
	cfg := defaults
	if err := yaml.UnmarshalWithOptions(data, &cfg, yaml.Strict()); err != nil {
		return defaults, unquoted(err)
	}
	return cfg, nil
}

// Redacted returns cfg as YAML, with secrets and the credentials of URLs left out.
func Redacted(cfg any) (string, error) {
	tree, err := toTree(cfg)
	if err != nil {
		return "", err
	}
	redact(tree)
	data, err := yaml.Marshal(tree)
	if err != nil {
		return "", fmt.Errorf("settings: %w", err)
	}
	return string(data), nil
}

func redact(tree node) {
	for key, value := range tree {
		switch v := value.(type) {
		case node:
			redact(v)
		case string:
			tree[key] = redactValue(key, v)
		case []any:
			for i, e := range v {
				if s, ok := e.(string); ok {
					v[i] = redactValue(key, s)
				}
			}
		}
	}
}

// redactValue hides v if its name says that it is a secret, and credentials in addresses,
// of which it may hold several with commas between.
func redactValue(key, v string) string {
	for _, word := range []string{"secret", "password", "token"} {
		if v != "" && strings.Contains(key, word) {
			return "[redacted]"
		}
	}
	parts := strings.Split(v, ",")
	for i, p := range parts {
		scheme, rest, isURL := strings.Cut(p, "://")
		if !isURL {
			rest = p
		}
		creds := strings.LastIndex(rest, "@") // a password may hold one too
		if creds < 0 || !isURL && !strings.Contains(rest, ":") {
			continue
		}
		parts[i] = "[redacted]" + rest[creds:]
		if isURL {
			parts[i] = scheme + "://" + parts[i]
		}
	}
	return strings.Join(parts, ",")
}

// unquoted drops the excerpt of the source from a YAML error: it may show a secret.
func unquoted(err error) error { return errors.New(yaml.FormatError(err, false, false)) }

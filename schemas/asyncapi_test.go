package schemas_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/parallel-fusion/pfr/schemas"
)

type tree = map[string]any

func asyncAPI(t *testing.T) tree {
	t.Helper()
	var doc tree
	if err := yaml.UnmarshalWithOptions(schemas.AsyncAPI(), &doc, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// at returns the node at a path of keys, or nil.
func at(v any, path ...string) any {
	for _, key := range path {
		v = v.(tree)[key]
		if v == nil {
			return nil
		}
	}
	return v
}

// refs lists every reference below v.
func refs(v any) []string {
	var out []string
	switch v := v.(type) {
	case tree:
		for key, inner := range v {
			if ref, ok := inner.(string); ok && key == "$ref" {
				out = append(out, ref)
			}
			out = append(out, refs(inner)...)
		}
	case []any:
		for _, inner := range v {
			out = append(out, refs(inner)...)
		}
	}
	return out
}

func TestAsyncAPIReferencesResolve(t *testing.T) {
	doc := asyncAPI(t)
	if doc["asyncapi"] != "3.0.0" {
		t.Errorf("version %v", doc["asyncapi"])
	}
	all := refs(doc)
	for _, ref := range all {
		file, pointer, _ := strings.Cut(ref, "#/")
		if file != "" {
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}
		} else if at(doc, strings.Split(pointer, "/")...) == nil {
			t.Errorf("%s: nothing is there", ref)
		}
	}
	for section, entries := range doc["components"].(tree) {
		for name := range entries.(tree) {
			want := "#/components/" + section + "/" + name
			if !slices.ContainsFunc(all, func(r string) bool { return r == want || strings.HasPrefix(r, want+"/") }) {
				t.Errorf("%s is used nowhere", want)
			}
		}
	}
}

// The document has each topic and subject once, and no other.
func TestAsyncAPIChannels(t *testing.T) {
	want := append(schemas.Topics(), schemas.ToolSubject("{tool}"), schemas.SERPSubject("{correlationId}"))
	var got []string
	for name, c := range asyncAPI(t)["channels"].(tree) {
		channel := c.(tree)
		if channel["address"] == nil {
			continue // the reply subject of a request
		}
		address := channel["address"].(string)
		got = append(got, address)
		server := "#/servers/kafka"
		if strings.Contains(address, "{") {
			server = "#/servers/nats"
		}
		if r := refs(channel["servers"]); !slices.Equal(r, []string{server}) {
			t.Errorf("%s: on %v, want %s", name, r, server)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("addresses:\n got %v\nwant %v", got, want)
	}
}

// Topics that are joined have equal bindings; those of which the latest record stands are
// compacted.
func TestAsyncAPIKafkaBindings(t *testing.T) {
	doc := asyncAPI(t)
	joined := []string{schemas.TopicQueries, schemas.TopicRouteDecisions, schemas.TopicSERPs, schemas.TopicInteractions}
	for name, c := range doc["channels"].(tree) {
		address, _ := c.(tree)["address"].(string)
		if !slices.Contains(schemas.Topics(), address) {
			continue
		}
		binding := at(c, "bindings", "kafka").(tree)
		isJoined := slices.Equal(refs(binding), []string{"#/components/channelBindings/joined/kafka"})
		if isJoined != slices.Contains(joined, address) {
			t.Errorf("%s: the binding of the joined topics: %v", name, isJoined)
		}
		if isJoined {
			continue
		}
		policy := at(binding, "topicConfiguration", "cleanup.policy").([]any)
		if compacted := policy[0] == "compact"; compacted != slices.Contains([]string{schemas.TopicPrecomputedRoutes, schemas.TopicOnlineMetrics, schemas.TopicExperiments, schemas.TopicControl}, address) {
			t.Errorf("%s: policy %v", name, policy)
		}
	}
}

// Every message is there with its JSON Schema, travels on a channel, and every channel is
// written by one role and read by another.
func TestAsyncAPIMessages(t *testing.T) {
	doc := asyncAPI(t)
	documented := doc["components"].(tree)["messages"].(tree)
	var names []string
	for _, m := range messages() {
		names = append(names, m.name)
		if !slices.Contains(refs(documented[m.name]), "./jsonschema/"+m.schema+".json") {
			t.Errorf("%s does not refer to its JSON Schema", m.name)
		}
		if !slices.Contains(refs(doc["channels"]), "#/components/messages/"+m.name) {
			t.Errorf("%s travels on no channel", m.name)
		}
	}
	slices.Sort(names)
	if got := slices.Sorted(maps.Keys(documented)); !slices.Equal(got, names) {
		t.Errorf("messages %v, want %v", got, names)
	}
}

func TestAsyncAPIOperations(t *testing.T) {
	doc := asyncAPI(t)
	seen := map[string]bool{}
	for name, o := range doc["operations"].(tree) {
		operation := o.(tree)
		channel := at(operation, "channel", "$ref").(string)
		seen[channel+" "+operation["action"].(string)] = true
		for _, ref := range refs(operation["messages"]) {
			if !strings.HasPrefix(ref, channel+"/messages/") {
				t.Errorf("%s: %s is not a message of %s", name, ref, channel)
			}
		}
		if refs(operation["tags"]) == nil {
			t.Errorf("%s: which role?", name)
		}
	}
	for name, channel := range doc["channels"].(tree) {
		for _, action := range []string{"send", "receive"} {
			if channel.(tree)["address"] != nil && !seen["#/channels/"+name+" "+action] {
				t.Errorf("%s: nobody does %s", name, action)
			}
		}
	}
}

// Headers have the names and the values that the code uses.
func TestAsyncAPIHeaders(t *testing.T) {
	doc := asyncAPI(t)
	letter := at(doc, "components", "schemas", "DeadLetterHeaders", "properties").(tree)
	want := []string{
		schemas.HeaderOriginTopic, schemas.HeaderOriginPartition, schemas.HeaderOriginOffset, schemas.HeaderOriginTime,
		schemas.HeaderGroup, schemas.HeaderAttempts, schemas.HeaderErrorKind, schemas.HeaderError, schemas.HeaderFailedAt,
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(letter)); !slices.Equal(got, want) {
		t.Errorf("dead letter headers %v, want %v", got, want)
	}
	if got := sorted(letter[schemas.HeaderErrorKind].(tree)["enum"]); !slices.Equal(got, enums(t)["ErrorKind"]) {
		t.Errorf("error kinds %v", got)
	}
	if at(doc, "components", "schemas", "CallHeaders", "properties", "Pfr-Deadline") == nil {
		t.Error("calls carry their deadline")
	}
	for name, message := range doc["components"].(tree)["messages"].(tree) {
		if at(message, "headers") == nil {
			t.Errorf("%s has no headers", name)
		}
	}
}

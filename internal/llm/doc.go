// Package llm asks language models, over any server that speaks the OpenAI chat
// completions API. It is the only door to them; what is asked, and what an answer means,
// is its users' business.
//
// The vocabulary: a profile is a family of servers that take the same request fields. A
// task is what stays the same from one question to the next: a static system turn and the
// schema of the answer. A probe asks for what the prompt argues against, to see whether
// the server enforces the schema that it was given. A [Client] is one server. An [Agent]
// is a client with a budget of its own, for work that can be left undone.
//
// Nothing that a model writes is believed: servers may ignore a schema, so users check
// every answer. Errors never quote a key, a prompt or an answer.
package llm

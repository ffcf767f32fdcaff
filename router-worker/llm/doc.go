// Package llm asks a language model what a query means, over any server that speaks the
// OpenAI chat completions API.
//
// The vocabulary: a profile is a family of servers that take the same request fields. The
// prompt is a static system turn, the same bytes for every query, and a user turn that
// holds the query alone. A form is how an answer is written: strict answers name every
// parameter, null where the query does not say; compact answers leave those out. Both
// parse to the same decision. A probe asks for what the prompt argues against, to see
// whether the server enforces the schema that it was given.
//
// An answer is believed as far as the schema goes and no further: it is parsed, checked
// and made canonical here, whether or not the server enforces anything. Retries, hedges
// and breakers are the caller's.
package llm

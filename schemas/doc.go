// Package schemas holds every message of the pipeline, and the names of the topics and
// subjects they travel on.
//
// The vocabulary:
//
//   - A [Query] is one search. It is a [PublicQuery], which the router may read, plus a
//     [User] block, which only tools may read.
//   - A [RouteDecision] says what the query means: a route, its parameters, and the
//     resolved [Call] for each section. It is self-contained.
//   - A [ToolRequest] and a [ToolResponse] are one call and its answer.
//   - A [Progress] is one step of a page on its way: the route, a section, the page.
//   - A [SERP] is the finished page, joined by correlation id.
//   - An [Interaction] is a click, stream or impression on a page, in the form of User
//     Behavior Insights (UBI) 1.3.
//   - A [PrecomputedRoute] is a decision made ahead of time; a [DeadLetter] is what is
//     kept of a message that could not be handled; [OnlineMetrics] is what came of it all.
//
// Messages are JSON objects with a schema_version of "major.minor". A reader accepts any
// minor version of a major version it knows and ignores fields it does not know; an
// unknown major version fails with [ErrVersion]. Every message has a Validate method
// that reports all its problems at once, wrapping [ErrInvalid].
//
// Other languages read the messages by their JSON Schemas ([JSONSchema]) and the topics and
// subjects by an AsyncAPI document ([AsyncAPI]). Tests keep both equal to the types.
//
// The package imports the standard library only.
package schemas

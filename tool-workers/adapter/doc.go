// Package adapter is what configured tools share: tools that are written as settings and
// ask a service of somebody else.
//
// A [Config] says what the tool is, a [Template] is a request in which parameters stand as
// whole values, a [Client] asks one host and no other, and a [Mapping] reads items out of
// its answer. A [Secret] is a credential that settings name and never hold.
//
// Nothing of the listener leaves through an adapter: its tools are never personal, so the
// user block does not reach them. What comes back is not trusted: it is bounded, checked
// item by item, and its texts are made plain.
package adapter

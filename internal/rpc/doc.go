// Package rpc is the only door to NATS: request-reply between the roles, and copies that
// make things faster.
//
// Vocabulary. A [Conn] is one connection. A request is sent to a subject and answered by
// one worker of the queue group that serves it ([Conn.Serve]). A copy is published to a
// subject and seen by whoever is subscribed at that moment ([Conn.Publish],
// [Conn.Subscribe]); nobody may depend on it.
//
// Nothing here is durable, and nothing is sent late: while the connection is down every
// call fails at once with [ErrDisconnected], pending requests included, and nothing is
// kept for the reconnect. Work that must not be lost comes from Kafka and is replayed
// from there.
//
// A request carries its absolute deadline in the header Pfr-Deadline, in microseconds
// since the Unix epoch, and its trace in the lower-case header traceparent. A worker does
// not start work whose deadline has passed, so the clocks of the machines have to agree
// to within a few milliseconds.
package rpc

// Package stream is the only door to Kafka: typed produce and consume with back-pressure,
// contiguous commits and dead letters.
//
// The vocabulary:
//
//   - A [Cluster] is one connection to the brokers: metadata, topics, offsets.
//   - A [Topic] binds a topic name to a payload type. Encoding comes from the caller, so this
//     package knows no schema.
//   - A [Producer] writes with acks=all, one batch in flight per partition. The batch grows by
//     itself under load: whatever queued up while the last batch travelled is the next one.
//   - A [Consumer] is one member of a group. A generation is the time between two rebalances;
//     a lane is one of the goroutines that handle a partition. One key always meets the same
//     lane, so order per key holds while other keys run in parallel.
//   - The watermark of a partition is the end of the contiguous run of finished records. Only
//     the watermark is committed, and only through the generation that read the records.
//   - A dead letter is a reference to a record that could not be handled: its origin and error
//     in headers, its value redacted.
//   - [Tail] reads without a group: to rebuild state, to follow a compacted topic, to replay.
//
// Delivery is at least once. A crash, a rebalance that outlives the drain time, or a produce
// whose answer was lost repeats records; nothing accepted is skipped.
package stream

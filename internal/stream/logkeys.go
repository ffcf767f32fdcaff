package stream

// The keys of log lines.
const (
	keyTopic     = "topic"
	keyGroup     = "group"
	keyPartition = "partition"
	keyOffset    = "offset"
	keyAttempt   = "attempt"
	keyError     = "error"
	keyKind      = "kind"
	keyStack     = "stack"
	keyRecords   = "records"
	keyMember    = "member"
)

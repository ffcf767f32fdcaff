package export

// SchemaVersion is the version of the columns, which each file carries under the key
// [MetaSchemaVersion]. It rises when columns are added. What is added is optional, for
// PyArrow reads files without a column that must be there as damaged. Columns are never
// renamed, never removed and never change their type.
const SchemaVersion = 1

// The tables of the folder.
const (
	TableSearches     = "searches"
	TableInteractions = "interactions"
)

// Keys of a file's metadata.
const (
	MetaSchemaVersion = "pfr.schema_version" // of the columns
	MetaTable         = "pfr.table"
	MetaTopic         = "pfr.topic"
	MetaPartition     = "pfr.partition"
	MetaFirst         = "pfr.first" // offset of the first record of the chunk
	MetaNext          = "pfr.next"  // offset behind the last record of the chunk
)

// SearchRow is one page in the table of searches. Times are microseconds since 1970 in
// UTC, durations are milliseconds. A missing value is null, never an empty string.
type SearchRow struct {
	CorrelationID string            `parquet:"correlation_id"`
	AskedAt       int64             `parquet:"asked_at,timestamp(microsecond),delta"`
	CreatedAt     int64             `parquet:"created_at,timestamp(microsecond),delta"`
	Market        string            `parquet:"market,optional,dict"`
	Locale        string            `parquet:"locale,optional,dict"`
	Platform      string            `parquet:"platform,optional,dict"`
	Query         string            `parquet:"query,optional"`
	Route         string            `parquet:"route,dict"`
	Source        string            `parquet:"source,dict"`
	Arm           string            `parquet:"arm,optional,dict"`
	Exposed       bool              `parquet:"exposed"`
	Experiments   map[string]string `parquet:"experiments,optional"`
	Client        string            `parquet:"client,optional"`
	Session       string            `parquet:"session,optional"`
	User          string            `parquet:"user,optional"`
	Layout        string            `parquet:"layout,dict"`
	Status        string            `parquet:"status,dict"`
	Coverage      float64           `parquet:"coverage"`
	Degraded      bool              `parquet:"degraded"`
	Confidence    float64           `parquet:"confidence"`
	CostUSD       float64           `parquet:"cost_usd"`
	QueuedMS      float64           `parquet:"queued_ms"`
	RouterMS      float64           `parquet:"router_ms"`
	ToolsMS       float64           `parquet:"tools_ms"`
	RefineMS      float64           `parquet:"refine_ms"`
	TotalMS       float64           `parquet:"total_ms"`
	Sections      []SectionRow      `parquet:"sections,list"`
	Features      map[string]string `parquet:"features,optional"`
	Partition     int32             `parquet:"kafka_partition"`
	Offset        int64             `parquet:"kafka_offset,delta"`
}

// SectionRow is one section of a page, in the order of the page.
type SectionRow struct {
	Position  int32    `parquet:"position"` // on the page, from 1
	ID        string   `parquet:"id,optional,dict"`
	Tool      string   `parquet:"tool,optional,dict"`
	Component string   `parquet:"component,optional,dict"`
	Status    string   `parquet:"status,optional,dict"`
	Items     int32    `parquet:"items"` // how many
	ItemIDs   []string `parquet:"item_ids,list"`
	TookMS    float64  `parquet:"took_ms"`
}

// InteractionRow is one event in the table of interactions. Its units are those of
// [SearchRow].
type InteractionRow struct {
	EventID         string `parquet:"event_id"`
	Action          string `parquet:"action,dict"`
	QueryID         string `parquet:"query_id"` // the correlation id of the search
	Client          string `parquet:"client,optional"`
	Session         string `parquet:"session,optional"`
	At              int64  `parquet:"at,timestamp(microsecond),delta"`        // when it happened, freed of the skew of the client's clock
	Timestamp       int64  `parquet:"timestamp,timestamp(microsecond),delta"` // when it happened, by the client's clock
	SentAt          int64  `parquet:"sent_at,optional,timestamp(microsecond)"`
	ReceivedAt      int64  `parquet:"received_at,timestamp(microsecond),delta"` // at the edge; the time of the record for events of older edges
	Market          string `parquet:"market,optional,dict"`
	Route           string `parquet:"route,optional,dict"`
	SectionID       string `parquet:"section_id,optional,dict"`
	SectionPosition int32  `parquet:"section_position,optional"` // from 1
	ObjectID        string `parquet:"object_id,optional"`
	ObjectType      string `parquet:"object_type,optional,dict"`
	Ordinal         int32  `parquet:"ordinal,optional"` // in the section, from 1
	MSPlayed        int64  `parquet:"ms_played"`
	VisibleMS       int64  `parquet:"visible_ms"`
	Partition       int32  `parquet:"kafka_partition"`
	Offset          int64  `parquet:"kafka_offset,delta"`
}

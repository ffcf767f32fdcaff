-- What ClickHouse keeps of pages and interactions, and for how long.
--
-- Both topics may hold a record twice. The tables forget repeats when parts are merged, and
-- whoever reads says FINAL. Retention is the TTL of each table: change it here.

CREATE TABLE IF NOT EXISTS pages
(
    correlation_id  String,
    searched_at     DateTime64(3, 'UTC'),
    market          LowCardinality(String),
    platform        LowCardinality(String),
    route           LowCardinality(String),
    tier            LowCardinality(String), -- what decided: cache, precomputed, student, llm, fallback
    arm             LowCardinality(String), -- '' without an experiment
    status          LowCardinality(String),
    client          String,                 -- pseudonyms; '' is nobody
    user            String,
    query           String,                 -- as it was typed
    total_ms        Float64,
    cost_nano_usd   Int64,
    section_ids     Array(LowCardinality(String)), -- in the order of the page
    section_tools   Array(LowCardinality(String)),
    section_parts   Array(LowCardinality(String)), -- component: list, answer, ...
    section_states  Array(LowCardinality(String)), -- ok, empty, timeout, ...
    section_ms      Array(Float64)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(searched_at)
ORDER BY correlation_id
TTL toDateTime(searched_at) + INTERVAL 90 DAY;

-- No client id: who acted is who searched.
CREATE TABLE IF NOT EXISTS events
(
    query_id     String,
    event_id     String,
    action       LowCardinality(String),
    happened_at  DateTime64(3, 'UTC'), -- by the edge's clock
    arrived_at   DateTime64(3, 'UTC'),
    section_id   LowCardinality(String),
    ordinal      UInt16,
    object_id    String,
    ms_played    UInt32,
    visible_ms   UInt32,
    -- Of an event that was sent twice the form that arrived first stays: the other may be too old.
    earliness    UInt64 MATERIALIZED 253402300800000 - toUnixTimestamp64Milli(arrived_at)
)
ENGINE = ReplacingMergeTree(earliness)
PARTITION BY toYYYYMMDD(happened_at)
ORDER BY (query_id, event_id)
TTL toDateTime(happened_at) + INTERVAL 90 DAY;

-- Traffic by minute, ready to be added up over any time. It is filled while pages come in,
-- before repeats are forgotten: so searches are counted as a set of ids, which a repeat does
-- not change. Latency is a sketch with a relative error of 1 %; a repeat weighs twice there.
CREATE TABLE IF NOT EXISTS traffic
(
    minute     DateTime('UTC'),
    route      LowCardinality(String),
    market     LowCardinality(String),
    arm        LowCardinality(String),
    searches   AggregateFunction(uniqExact, String),
    slow       AggregateFunction(uniqExactIf, String, UInt8), -- more than 450 ms
    fallbacks  AggregateFunction(uniqExactIf, String, UInt8),
    nothing    AggregateFunction(uniqExactIf, String, UInt8), -- nothing on the page
    latency    AggregateFunction(quantilesDD(0.01, 0.5, 0.75, 0.95, 0.99), Float64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (route, market, arm, minute)
TTL minute + INTERVAL 400 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS pages_to_traffic TO traffic AS
SELECT
    toStartOfMinute(toDateTime(searched_at, 'UTC')) AS minute, route, market, arm,
    uniqExactState(correlation_id) AS searches,
    uniqExactIfState(correlation_id, total_ms > 450) AS slow,
    uniqExactIfState(correlation_id, tier = 'fallback') AS fallbacks,
    uniqExactIfState(correlation_id, NOT has(section_states, 'ok')) AS nothing,
    quantilesDDState(0.01, 0.5, 0.75, 0.95, 0.99)(total_ms) AS latency
FROM pages
GROUP BY minute, route, market, arm;

-- The topics, and what fills the tables of 1-tables.sql from them.
--
-- Parameters, written as a name in ${}; fill them in with envsubst before you run the file:
--   PFR_KAFKA          brokers, as kafka-1:9092,kafka-2:9092
--   PFR_SERPS          topic of pages,        usually pfr.serps.v1
--   PFR_INTERACTIONS   topic of interactions, usually pfr.interactions.v1
--   PFR_GROUP          consumer group, as pfr-clickhouse
-- A record that is no JSON is passed over; at most 100 in a block, else reading stops.

CREATE TABLE IF NOT EXISTS serps_queue (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${PFR_KAFKA}', kafka_topic_list = '${PFR_SERPS}', kafka_group_name = '${PFR_GROUP}',
         kafka_format = 'JSONAsString', kafka_skip_broken_messages = 100;

CREATE TABLE IF NOT EXISTS interactions_queue (raw String)
ENGINE = Kafka
SETTINGS kafka_broker_list = '${PFR_KAFKA}', kafka_topic_list = '${PFR_INTERACTIONS}', kafka_group_name = '${PFR_GROUP}',
         kafka_format = 'JSONAsString', kafka_skip_broken_messages = 100;

-- The time of a search is what the page says; pages of older versions do not, and it is
-- when they were made, less the time they took. Health checks are no searches.
CREATE MATERIALIZED VIEW IF NOT EXISTS serps_to_pages TO pages AS
WITH
    JSONExtractArrayRaw(raw, 'sections') AS sections,
    JSONExtractFloat(raw, 'timings', 'total_ms') AS took,
    parseDateTime64BestEffortOrNull(JSONExtractString(raw, 'asked', 'at'), 3, 'UTC') AS asked_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(raw, 'created_at'), 3, 'UTC') AS created_at
SELECT
    JSONExtractString(raw, 'correlation_id') AS correlation_id,
    coalesce(asked_at, created_at - toIntervalMillisecond(toInt64(took)), _timestamp_ms, now64(3)) AS searched_at,
    JSONExtractString(raw, 'market') AS market,
    JSONExtractString(raw, 'asked', 'platform') AS platform,
    JSONExtractString(raw, 'route', 'name') AS route,
    JSONExtractString(raw, 'route', 'source') AS tier,
    JSONExtractString(raw, 'route', 'arm') AS arm,
    JSONExtractString(raw, 'status') AS status,
    JSONExtractString(raw, 'asked', 'client') AS client,
    JSONExtractString(raw, 'asked', 'user') AS user,
    JSONExtractString(raw, 'query') AS query,
    took AS total_ms,
    toInt64(round(JSONExtractFloat(raw, 'cost_usd') * 1e9)) AS cost_nano_usd,
    arrayMap(s -> JSONExtractString(s, 'id'), sections) AS section_ids,
    arrayMap(s -> JSONExtractString(s, 'tool'), sections) AS section_tools,
    arrayMap(s -> JSONExtractString(s, 'component'), sections) AS section_parts,
    arrayMap(s -> JSONExtractString(s, 'status'), sections) AS section_states,
    arrayMap(s -> JSONExtractFloat(s, 'took_ms'), sections) AS section_ms
FROM serps_queue
WHERE length(correlation_id) = 36 AND NOT JSONExtractBool(raw, 'probe');

-- Clocks of clients are wrong by minutes, but the time between an event and its sending is
-- not: that much before its arrival the event happened.
CREATE MATERIALIZED VIEW IF NOT EXISTS interactions_to_events TO events AS
WITH
    parseDateTime64BestEffortOrNull(JSONExtractString(raw, 'timestamp'), 3, 'UTC') AS said_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(raw, 'sent_at'), 3, 'UTC') AS sent_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(raw, 'received_at'), 3, 'UTC') AS received_at
SELECT
    JSONExtractString(raw, 'query_id') AS query_id,
    JSONExtractString(raw, 'event_id') AS event_id,
    JSONExtractString(raw, 'action_name') AS action,
    coalesce(received_at, _timestamp_ms, now64(3)) AS arrived_at,
    multiIf(
        sent_at IS NOT NULL AND said_at < sent_at, arrived_at - toIntervalMillisecond(date_diff('ms', said_at, sent_at)),
        sent_at IS NULL AND said_at < arrived_at, assumeNotNull(said_at),
        arrived_at) AS happened_at,
    JSONExtractString(raw, 'section_id') AS section_id,
    JSONExtractUInt(raw, 'event_attributes', 'position', 'ordinal') AS ordinal,
    JSONExtractString(raw, 'event_attributes', 'object', 'object_id') AS object_id,
    JSONExtractUInt(raw, 'ms_played') AS ms_played,
    JSONExtractUInt(raw, 'visible_ms') AS visible_ms
FROM interactions_queue
WHERE length(query_id) = 36 AND event_id != '';

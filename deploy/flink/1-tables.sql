-- The topics of the pipeline as tables of Flink SQL, and the tables of what comes out.
--
-- Parameters, written as a name in ${}; fill them in with envsubst before you hand the file to Flink:
--   PFR_KAFKA          brokers, as kafka-1:9092,kafka-2:9092
--   PFR_SERPS          topic of pages,           usually pfr.serps.v1
--   PFR_INTERACTIONS   topic of interactions,    usually pfr.interactions.v1
--   PFR_METRICS        topic of counts that this job owns: compacted, not pfr.online-metrics.v1
--   PFR_LATENCY        topic of latency bins that this job owns: compacted
--   PFR_UNTIL          unbounded follows the topics; latest-offset stops at their present end
--   PFR_SLOW_MS        a page that took longer counts as slow, as 450
--
-- A record that is no JSON is passed over; a field that cannot be read is NULL.

SET 'table.local-time-zone' = 'UTC';
-- A day of lateness, the attribution window, and some slack. What is older is forgotten.
SET 'table.exec.state.ttl' = '28 h';
-- A quiet partition must not hold up the clock that clears state.
SET 'table.exec.source.idle-timeout' = '1 min';

CREATE TABLE serps (
  correlation_id STRING,
  query          STRING,
  market         STRING,
  status         STRING,
  probe          BOOLEAN,
  route          ROW<name STRING, source STRING, arm STRING>,
  sections       STRING, -- the JSON array: only parts of it are needed
  timings        ROW<total_ms DOUBLE>,
  cost_usd       DOUBLE,
  created_at     TIMESTAMP_LTZ(3),
  asked          ROW<`at` STRING, client STRING>, -- at may have an offset, as +01:00
  recorded_at    TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  read_at        AS PROCTIME(),
  -- The time of the search. Pages of older versions do not say it: it is when they were
  -- made, less the time they took.
  searched_at    AS COALESCE(TRY_CAST(REPLACE(REGEXP_REPLACE(asked.`at`, '(Z|[+-]\d\d:\d\d)$', ''), 'T', ' ') AS TIMESTAMP_LTZ(3))
                             - COALESCE(60 * TRY_CAST(REGEXP_EXTRACT(asked.`at`, '([+-]\d\d):\d\d$', 1) AS INT)
                                        + TRY_CAST(REGEXP_EXTRACT(asked.`at`, '([+-])\d\d:\d\d$', 1) || REGEXP_EXTRACT(asked.`at`, ':(\d\d)$', 1) AS INT), 0) * INTERVAL '1' MINUTE,
                             created_at - CAST(timings.total_ms AS INT) * INTERVAL '0.001' SECOND(1, 3),
                             recorded_at),
  -- The watermark says when state may go, and nothing waits for it. Records may be as much as
  -- this out of order. It is long: state is small, and a replay may read unevenly.
  WATERMARK FOR searched_at AS searched_at - INTERVAL '6' HOUR
) WITH (
  'connector' = 'kafka',
  'topic' = '${PFR_SERPS}',
  'properties.bootstrap.servers' = '${PFR_KAFKA}',
  'properties.group.id' = 'pfr-flink',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = '${PFR_UNTIL}',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE interactions (
  event_id    STRING,
  action_name STRING,
  query_id    STRING,
  section_id  STRING,
  ms_played   INT,
  `timestamp` STRING, -- these two may have an offset, as +01:00
  sent_at     STRING,
  received_at TIMESTAMP_LTZ(3),
  recorded_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  read_at     AS PROCTIME(),
  arrived_at  AS COALESCE(received_at, recorded_at),
  said_at     AS TRY_CAST(REPLACE(REGEXP_REPLACE(`timestamp`, '(Z|[+-]\d\d:\d\d)$', ''), 'T', ' ') AS TIMESTAMP_LTZ(3))
                 - COALESCE(60 * TRY_CAST(REGEXP_EXTRACT(`timestamp`, '([+-]\d\d):\d\d$', 1) AS INT)
                            + TRY_CAST(REGEXP_EXTRACT(`timestamp`, '([+-])\d\d:\d\d$', 1) || REGEXP_EXTRACT(`timestamp`, ':(\d\d)$', 1) AS INT), 0) * INTERVAL '1' MINUTE,
  posted_at   AS TRY_CAST(REPLACE(REGEXP_REPLACE(sent_at, '(Z|[+-]\d\d:\d\d)$', ''), 'T', ' ') AS TIMESTAMP_LTZ(3))
                 - COALESCE(60 * TRY_CAST(REGEXP_EXTRACT(sent_at, '([+-]\d\d):\d\d$', 1) AS INT)
                            + TRY_CAST(REGEXP_EXTRACT(sent_at, '([+-])\d\d:\d\d$', 1) || REGEXP_EXTRACT(sent_at, ':(\d\d)$', 1) AS INT), 0) * INTERVAL '1' MINUTE,
  WATERMARK FOR arrived_at AS arrived_at - INTERVAL '6' HOUR
) WITH (
  'connector' = 'kafka',
  'topic' = '${PFR_INTERACTIONS}',
  'properties.bootstrap.servers' = '${PFR_KAFKA}',
  'properties.group.id' = 'pfr-flink',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = '${PFR_UNTIL}',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.ignore-parse-errors' = 'true'
);

-- Records look like those of pfr.online-metrics.v1, key included, without revision and
-- as_of: the last record of a key is the correction that stands.
CREATE TABLE metrics (
  `key`    STRING,
  `window` STRING,
  `start`  STRING,
  cut      ROW<route STRING, market STRING, arm STRING>,
  counts   ROW<searches BIGINT, clicks BIGINT, streams BIGINT, successes BIGINT, success_rate DOUBLE,
               typed BIGINT, flooded BIGINT, rescues BIGINT, abandoned BIGINT, bad_abandoned BIGINT,
               reformulated BIGINT, fallbacks BIGINT, zero_results BIGINT, slow BIGINT, cost_nano_usd BIGINT>,
  PRIMARY KEY (`key`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = '${PFR_METRICS}',
  'properties.bootstrap.servers' = '${PFR_KAFKA}',
  'key.format' = 'raw',
  'value.format' = 'json',
  'value.json.encode.ignore-null-fields' = 'true',
  'value.fields-include' = 'EXCEPT_KEY'
);

-- Latency as counts of logarithmic bins: bins of any windows and cuts may be added up, and
-- a quantile read from the sum. See docs/analytics/flink.md.
CREATE TABLE latency (
  `window` STRING,
  `start`  STRING,
  route    STRING,
  bin      INT, -- NULL: a microsecond or less
  searches BIGINT,
  PRIMARY KEY (`window`, `start`, route, bin) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = '${PFR_LATENCY}',
  'properties.bootstrap.servers' = '${PFR_KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

-- What came of each search: one row per page, corrected when more is known.
-- Needs 1-tables.sql. The definitions are those of docs/metrics.md.

-- Every page once, whatever was written twice. Health checks are no searches.
CREATE TEMPORARY VIEW pages AS
SELECT
  correlation_id, searched_at, market,
  route.name AS route, route.source AS tier, COALESCE(route.arm, '') AS arm,
  asked.client AS client,
  LOWER(TRIM(REGEXP_REPLACE(query, '\s+', ' '))) AS query,
  timings.total_ms AS total_ms,
  CAST(ROUND(cost_usd * 1e9) AS BIGINT) AS cost_nano_usd,
  JSON_QUERY(sections, '$[*].id' RETURNING ARRAY<STRING>) AS section_ids,
  CARDINALITY(JSON_QUERY(sections, '$[?(@.status == "ok")].id' RETURNING ARRAY<STRING>)) AS filled,
  CARDINALITY(JSON_QUERY(sections, '$[?(@.status == "ok" && @.component == "answer")].id' RETURNING ARRAY<STRING>)) AS answers
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY correlation_id ORDER BY read_at) AS nth
  FROM serps
  WHERE CHAR_LENGTH(correlation_id) = 36 AND probe IS NOT TRUE
)
WHERE nth = 1;

-- Clocks of clients are wrong by minutes, but the time between an event and its sending is
-- not: that much before its arrival the event happened.
CREATE TEMPORARY VIEW timed AS
SELECT
  query_id, event_id, action_name, section_id, COALESCE(ms_played, 0) AS ms_played, arrived_at, read_at,
  CASE
    WHEN posted_at IS NOT NULL AND said_at < posted_at THEN arrived_at + (said_at - posted_at) DAY(2) TO SECOND(3)
    WHEN posted_at IS NULL AND said_at < arrived_at THEN CAST(said_at AS TIMESTAMP_LTZ(3))
    ELSE CAST(arrived_at AS TIMESTAMP_LTZ(3))
  END AS happened_at
FROM interactions
WHERE CHAR_LENGTH(query_id) = 36 AND event_id <> '';

-- Every event once, of those that are not too old. In this order: an event that was sent
-- twice may have been too old the second time.
CREATE TEMPORARY VIEW events AS
SELECT query_id, event_id, action_name, section_id, ms_played, arrived_at, happened_at
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY query_id, event_id ORDER BY read_at) AS nth
  FROM timed
  WHERE happened_at >= CAST(arrived_at AS TIMESTAMP_LTZ(3)) - INTERVAL '24' HOUR
)
WHERE nth = 1;

-- Events with the page that they came from, in either order of arrival. An event that may
-- count arrives between a minute before its search and 24 h 30 min after it. Each side is
-- kept for the other a little longer: events that do not count can still make a flood.
CREATE TEMPORARY VIEW joined AS
SELECT
  e.query_id, e.event_id, e.action_name, e.section_id, e.ms_played, e.happened_at,
  ARRAY_POSITION(p.section_ids, e.section_id) AS section_position,
  (e.section_id IS NULL OR e.section_id = '' OR ARRAY_CONTAINS(p.section_ids, e.section_id))
    AND e.happened_at >= CAST(p.searched_at AS TIMESTAMP_LTZ(3)) - INTERVAL '1' MINUTE
    AND e.happened_at <= CAST(p.searched_at AS TIMESTAMP_LTZ(3)) + INTERVAL '30' MINUTE AS attributed
FROM events e
JOIN pages p ON p.correlation_id = e.query_id
  AND e.arrived_at BETWEEN p.searched_at - INTERVAL '1' HOUR AND p.searched_at + INTERVAL '30' HOUR;

-- What the events of one search add up to. first_success begins with the time, so that the
-- least of them is the earliest, and of several at one millisecond the one that stands
-- highest on the page: time|position of its section, in four digits.
CREATE TEMPORARY VIEW reactions AS
SELECT
  query_id,
  COUNT(*) AS events,
  COUNT(*) FILTER (WHERE attributed AND action_name = 'click') AS clicks,
  COUNT(*) FILTER (WHERE attributed AND action_name = 'stream' AND ms_played >= 30000) AS streams,
  MIN(DATE_FORMAT(happened_at, 'yyyyMMddHHmmssSSS') || '|' || LPAD(CAST(COALESCE(section_position, 0) AS STRING), 4, '0'))
    FILTER (WHERE attributed AND (action_name = 'click' OR (action_name = 'stream' AND ms_played >= 30000))) AS first_success
FROM joined
GROUP BY query_id;

-- The same client's later texts. following: the next within two seconds, again with its
-- time in front. reworded: how many within five minutes are similar, which is with half of
-- all words in common, or all words of one in the other.
CREATE TEMPORARY VIEW later AS
SELECT
  p.correlation_id,
  MIN(DATE_FORMAT(n.searched_at, 'yyyyMMddHHmmssSSS') || '|' || n.correlation_id || '|' || n.query)
    FILTER (WHERE n.searched_at <= p.searched_at + INTERVAL '2' SECOND) AS following,
  COUNT(*) FILTER (
    WHERE n.query <> p.query
      AND 2 * CARDINALITY(ARRAY_INTERSECT(SPLIT(p.query, ' '), SPLIT(n.query, ' ')))
          >= LEAST(CARDINALITY(ARRAY_UNION(SPLIT(p.query, ' '), SPLIT(n.query, ' '))),
                   2 * CARDINALITY(ARRAY_DISTINCT(SPLIT(p.query, ' '))),
                   2 * CARDINALITY(ARRAY_DISTINCT(SPLIT(n.query, ' '))))
  ) AS reworded
FROM pages p
JOIN pages n ON n.client = p.client
  AND n.searched_at BETWEEN p.searched_at AND p.searched_at + INTERVAL '5' MINUTE
  AND (n.searched_at > p.searched_at OR n.correlation_id > p.correlation_id)
GROUP BY p.correlation_id, p.query;

-- A search whose events are too many to be a listener's counts without them.
CREATE TEMPORARY VIEW outcomes AS
SELECT
  *,
  NOT typed AND clicks + streams > 0 AS success,
  NOT typed AND rescue_position > 1 AS rescue,
  NOT typed AND NOT flooded AND clicks + streams + reworded = 0 AS abandoned
FROM (
  SELECT
    p.correlation_id, CAST(p.searched_at AS TIMESTAMP_LTZ(3)) AS searched_at,
    p.route, p.tier, p.market, p.arm, p.total_ms, p.cost_nano_usd, p.filled, p.answers,
    -- The text begins after 17 digits of the time, 36 characters of the id, and two bars.
    COALESCE(POSITION(p.query IN SUBSTRING(l.following FROM 56)) = 1
             AND p.query <> SUBSTRING(l.following FROM 56), FALSE) AS typed,
    COALESCE(l.reworded, 0) AS reworded,
    COALESCE(r.events, 0) > 64 AS flooded,
    CASE WHEN r.events <= 64 THEN r.clicks ELSE 0 END AS clicks,
    CASE WHEN r.events <= 64 THEN r.streams ELSE 0 END AS streams,
    CASE WHEN r.events <= 64 THEN CAST(REGEXP_EXTRACT(r.first_success, '([0-9]+)$', 1) AS INT) ELSE 0 END AS rescue_position
  FROM pages p
  LEFT JOIN reactions r ON r.query_id = p.correlation_id
  LEFT JOIN later l ON l.correlation_id = p.correlation_id
);

-- What came of searches, by the definitions of docs/metrics.md. Every view takes the time
-- of the searches: SELECT * FROM success_by_route(since = '2026-11-22 00:00:00', until = '2026-11-23 00:00:00').

-- A search with its neighbours: the texts that the same client searched for next.
CREATE VIEW IF NOT EXISTS worded AS
SELECT
    *,
    lowerUTF8(trimBoth(replaceRegexpAll(normalizeUTF8NFKC(query), '\\s+', ' '))) AS text,
    arrayDistinct(splitByChar(' ', text)) AS words,
    groupArray((searched_at, text, words)) OVER (
        PARTITION BY if(client = '', correlation_id, client) ORDER BY searched_at, correlation_id
        ROWS BETWEEN 1 FOLLOWING AND 16 FOLLOWING
    ) AS later
FROM pages FINAL
WHERE searched_at >= {since:DateTime} - INTERVAL 5 MINUTE AND searched_at < {until:DateTime} + INTERVAL 5 MINUTE;

-- Events that belong to a search: near it in time, and in a section that its page has.
-- Those of a search with more than 64 are no listener's, and none of them counts.
CREATE VIEW IF NOT EXISTS reactions AS
WITH
    happened_at >= searched_at - INTERVAL 1 MINUTE AND happened_at <= searched_at + INTERVAL 30 MINUTE
        AND (section_id = '' OR has(section_ids, section_id)) AS attributed,
    action = 'click' AS click,
    action = 'stream' AND ms_played >= 30000 AS stream,
    (happened_at, indexOf(section_ids, section_id), ordinal) AS place -- of several at one millisecond the highest on the page
SELECT
    query_id,
    count() > 64 AS flooded,
    NOT flooded AS counts,
    counts * countIf(attributed AND click) AS clicks,
    counts * countIf(attributed AND stream) AS streams,
    -- of the first success, from 1; 0 if it names no section
    counts * argMinIf(indexOf(section_ids, section_id), place, attributed AND (click OR stream)) AS first_section,
    argMinIf(ordinal, place, attributed AND (click OR stream)) AS first_ordinal,
    minIf(happened_at, attributed AND (click OR stream)) AS first_at
FROM (SELECT * FROM events FINAL WHERE happened_at >= arrived_at - INTERVAL 24 HOUR AND happened_at >= {since:DateTime} - INTERVAL 1 DAY) AS e
INNER JOIN (
    SELECT correlation_id, searched_at, section_ids FROM pages FINAL
    WHERE searched_at >= {since:DateTime} AND searched_at < {until:DateTime}
) AS p ON p.correlation_id = e.query_id
GROUP BY query_id;

CREATE VIEW IF NOT EXISTS outcomes AS
SELECT
    w.* EXCEPT (later, words),
    later[1].2 != text AND startsWith(later[1].2, text) AND later[1].1 <= searched_at + INTERVAL 2 SECOND AS typed,
    arrayExists(
        n -> n.2 != text AND n.1 <= searched_at + INTERVAL 5 MINUTE
            AND (length(arrayIntersect(words, n.3)) = least(length(words), length(n.3))
                 OR 2 * length(arrayIntersect(words, n.3)) >= length(arrayDistinct(arrayConcat(words, n.3)))),
        later) AS reformulated,
    r.flooded AS flooded, r.clicks AS clicks, r.streams AS streams,
    r.first_section AS first_section, r.first_ordinal AS first_ordinal, r.first_at AS first_at,
    clicks + streams > 0 AS success,
    first_section > 1 AS rescue,
    NOT success AND NOT reformulated AND NOT flooded AS abandoned,
    abandoned AND NOT arrayExists((part, state) -> part = 'answer' AND state = 'ok', section_parts, section_states) AS bad_abandoned,
    NOT has(section_states, 'ok') AS nothing
FROM worded(since = {since:DateTime}, until = {until:DateTime}) AS w
LEFT JOIN reactions(since = {since:DateTime}, until = {until:DateTime}) AS r ON r.query_id = w.correlation_id
WHERE searched_at >= {since:DateTime} AND searched_at < {until:DateTime};

-- Counts by window and cut, as integers that may be added up. window is its length in seconds.
CREATE VIEW IF NOT EXISTS counts AS
SELECT
    toStartOfInterval(searched_at, toIntervalSecond({window:UInt32})) AS start,
    route, market, arm,
    countIf(NOT o.typed) AS searches,
    sumIf(o.clicks, NOT o.typed) AS clicks,
    sumIf(o.streams, NOT o.typed) AS streams,
    countIf(NOT o.typed AND o.success) AS successes,
    countIf(o.typed) AS typed,
    countIf(NOT o.typed AND o.flooded) AS flooded,
    countIf(NOT o.typed AND o.rescue) AS rescues,
    countIf(NOT o.typed AND o.abandoned) AS abandoned,
    countIf(NOT o.typed AND o.bad_abandoned) AS bad_abandoned,
    countIf(NOT o.typed AND o.reformulated) AS reformulated,
    countIf(NOT o.typed AND o.tier = 'fallback') AS fallbacks,
    countIf(NOT o.typed AND o.nothing) AS zero_results,
    countIf(NOT o.typed AND o.total_ms > 450) AS slow,
    sumIf(o.cost_nano_usd, NOT o.typed) AS cost_nano_usd
FROM outcomes(since = {since:DateTime}, until = {until:DateTime}) AS o
GROUP BY start, route, market, arm;

CREATE VIEW IF NOT EXISTS success_by_route AS
SELECT
    route, sum(c.searches) AS searches, sum(c.successes) AS successes,
    round(successes / searches, 4) AS success_rate,
    round(sum(c.rescues) / searches, 4) AS rescue_rate,
    round(sum(c.bad_abandoned) / searches, 4) AS bad_abandonment_rate,
    round(sum(c.cost_nano_usd) / searches / 1e6, 6) AS cost_per_1000_usd
FROM counts(since = {since:DateTime}, until = {until:DateTime}, window = 60) AS c
GROUP BY route
ORDER BY searches DESC;

-- Each section of each route: how often it was there, filled, and where success began.
CREATE VIEW IF NOT EXISTS sections AS
SELECT
    route, id AS section, any(name) AS tool,
    count() AS pages,
    round(countIf(state = 'ok') / pages, 4) AS filled,
    countIf(success AND first_section = position) AS first_successes,
    round(first_successes / pages, 4) AS first_success_rate,
    quantileDD(0.01, 0.75)(took_ms) AS p75_ms
FROM outcomes(since = {since:DateTime}, until = {until:DateTime})
ARRAY JOIN section_ids AS id, section_tools AS name, section_states AS state, section_ms AS took_ms,
           arrayEnumerate(section_ids) AS position
WHERE NOT typed
GROUP BY route, section
ORDER BY route, pages DESC;

-- From the ready-made sums: fast over months, typed texts included.
CREATE VIEW IF NOT EXISTS latency_by_route AS
SELECT
    route, uniqExactMerge(t.searches) AS searches,
    quantilesDDMerge(0.01, 0.5, 0.75, 0.95, 0.99)(t.latency) AS p50_p75_p95_p99_ms,
    round(uniqExactIfMerge(t.slow) / searches, 4) AS slow_share,
    round(uniqExactIfMerge(t.fallbacks) / searches, 4) AS fallback_rate,
    round(uniqExactIfMerge(t.nothing) / searches, 4) AS zero_result_rate
FROM traffic AS t
WHERE minute >= {since:DateTime} AND minute < {until:DateTime}
GROUP BY route
ORDER BY searches DESC;

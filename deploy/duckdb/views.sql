-- Views over the folder that `pfr export parquet` writes, for DuckDB 1.3 and newer.
--
--   SET VARIABLE lake = 'lake';               -- the folder, before this file is read
--   SET VARIABLE since = DATE '2026-11-01';   -- at any time: which dates all views look at,
--   SET VARIABLE until = DATE '2026-11-30';   -- so that a question reads few files
--
-- Times are UTC without a zone. The names "at", "timestamp" and "user" are words of SQL:
-- put them in quotes.

SET TimeZone = 'UTC';
SET VARIABLE lake = coalesce(getvariable('lake'), 'lake');

CREATE OR REPLACE MACRO in_range(day, slack) AS
    day >= coalesce(getvariable('since')::DATE - slack, DATE '0001-01-01')
    AND day <= coalesce(getvariable('until')::DATE + slack, DATE '9999-12-31');

-- One row for each search. A crash of the pipeline may put a page on its topic twice; the
-- exporter keeps both as rows, so that its files can be checked against the offsets of the
-- topic. Here the first counts, as it does for everybody who reads the topic.
CREATE OR REPLACE VIEW searches AS
SELECT * REPLACE (make_timestamp(epoch_us(asked_at)) AS asked_at, make_timestamp(epoch_us(created_at)) AS created_at)
FROM read_parquet(getvariable('lake') || '/searches/*/*/*.parquet', hive_partitioning = true, union_by_name = true)
WHERE in_range(date, 1) -- one day more on each side: a search has neighbours across midnight
QUALIFY row_number() OVER (PARTITION BY correlation_id ORDER BY kafka_partition, kafka_offset) = 1;

-- One row for each event. Clients send an event again when they had no answer: the same
-- event_id of one search counts once, in its earliest form.
CREATE OR REPLACE VIEW interactions AS
SELECT * REPLACE (make_timestamp(epoch_us("at")) AS "at", make_timestamp(epoch_us("timestamp")) AS "timestamp",
                  make_timestamp(epoch_us(sent_at)) AS sent_at, make_timestamp(epoch_us(received_at)) AS received_at)
FROM read_parquet(getvariable('lake') || '/interactions/*/*/*.parquet', hive_partitioning = true, union_by_name = true)
WHERE in_range(date, 2)
QUALIFY row_number() OVER (PARTITION BY query_id, event_id ORDER BY "at", received_at, kafka_partition, kafka_offset) = 1;

-- Words of a text in one form. The pipeline folds more of Unicode (NFKC and full case
-- folding): texts in full-width letters or with an ß may be judged otherwise there.
CREATE OR REPLACE MACRO plain(text) AS trim(regexp_replace(lower(nfc_normalize(text)), '\s+', ' ', 'g'));
CREATE OR REPLACE MACRO words(text) AS list_distinct(string_split(text, ' '));

-- Two wordings of one wish: at least half of all words are in both, or one has all of the other's.
CREATE OR REPLACE MACRO same_wish(a, b) AS a <> b AND a <> '' AND b <> '' AND (
    len(list_intersect(words(a), words(b))) = least(len(words(a)), len(words(b)))
    OR len(list_intersect(words(a), words(b))) >= 0.5 * len(list_distinct(list_concat(words(a), words(b)))));

-- What the client of a search asked next. typed: the text was on the way to the next one,
-- within 2 s. reformulated: it was worded otherwise within 5 min.
CREATE OR REPLACE VIEW wordings AS
WITH texts AS (
    SELECT correlation_id, client, epoch_ms(asked_at) AS ms, plain(query) AS text
    FROM searches WHERE client IS NOT NULL AND query IS NOT NULL
), neighbours AS (
    SELECT *,
        lead(text) OVER client_order AS next_text,
        lead(ms) OVER client_order - ms AS next_after,
        list({'ms': ms, 'id': correlation_id, 'text': text}) OVER (
            PARTITION BY client ORDER BY ms RANGE BETWEEN CURRENT ROW AND 300000 FOLLOWING) AS near
    FROM texts
    WINDOW client_order AS (PARTITION BY client ORDER BY ms, correlation_id)
), judged AS (
    SELECT *, coalesce(text <> '' AND next_after <= 2000 AND len(next_text) > len(text) AND starts_with(next_text, text), false) AS typed
    FROM neighbours
)
SELECT correlation_id, typed,
    NOT typed AND len(list_filter(near, lambda o: (o.ms > ms OR o.id > correlation_id) AND same_wish(text, o.text))) > 0 AS reformulated
FROM judged;

-- The events that count for a search: within 24 h of their receipt, from 1 min before the
-- search to 30 min after it, and of a section that the page has, if they name one. More than
-- 64 events of one search are a flood, and none of them counts.
CREATE OR REPLACE VIEW attributed AS
WITH timely AS (
    SELECT *, count(*) OVER (PARTITION BY query_id) > 64 AS flooded
    FROM interactions WHERE received_at - "at" <= INTERVAL 24 HOUR
)
SELECT i.* REPLACE (list_position(list_transform(s.sections, lambda x: x.id), i.section_id) AS section_position),
    i.action = 'click' AS click,
    i.action = 'stream' AND i.ms_played >= 30000 AS stream,
    epoch_ms(i."at") - epoch_ms(s.asked_at) AS after_ms
FROM timely i JOIN searches s ON s.correlation_id = i.query_id
WHERE i.flooded
    OR epoch_ms(i."at") - epoch_ms(s.asked_at) BETWEEN -60000 AND 1800000
    AND (i.section_id IS NULL OR list_contains(list_transform(s.sections, lambda x: x.id), i.section_id));

-- One row for each search, with what came of it. Leave typed ones out of what you count.
CREATE OR REPLACE VIEW outcomes AS
WITH sums AS (
    SELECT query_id,
        bool_or(flooded) AS flooded,
        count(*) FILTER (NOT flooded) AS events,
        count(*) FILTER (click AND NOT flooded) AS clicks,
        count(*) FILTER (stream AND NOT flooded) AS streams,
        arg_min({'section_id': section_id, 'position': section_position, 'ordinal': ordinal, 'after_ms': greatest(after_ms, 0)},
                ("at", coalesce(section_position, 0), coalesce(ordinal, 0))) FILTER ((click OR stream) AND NOT flooded) AS first
    FROM attributed GROUP BY query_id
), joined AS (
    SELECT s.date, s.asked_at, s.correlation_id, s.market, s.platform, s.locale, s.client, s.query, s.route, s.source, s.arm, s.exposed,
        s.status, s.degraded, s.total_ms, s.cost_usd, s.sections,
        coalesce(e.events, 0) AS events, coalesce(e.clicks, 0) AS clicks, coalesce(e.streams, 0) AS streams,
        e.first IS NOT NULL AS success,
        e.first.section_id AS first_section, e.first.position AS first_section_position, e.first.ordinal AS first_ordinal,
        e.first.after_ms AS time_to_success_ms,
        coalesce(e.first.position > 1, false) AS rescued,
        coalesce(w.typed, false) AS typed, coalesce(w.reformulated, false) AS reformulated, coalesce(e.flooded, false) AS flooded
    FROM searches s
    LEFT JOIN sums e ON e.query_id = s.correlation_id
    LEFT JOIN wordings w ON w.correlation_id = s.correlation_id
    WHERE in_range(s.date, 0)
)
SELECT *,
    NOT (success OR reformulated OR flooded) AS abandoned,
    NOT (success OR reformulated OR flooded)
        AND len(list_filter(sections, lambda x: x.component = 'answer' AND x.status = 'ok')) = 0 AS bad_abandoned
FROM joined;

-- A day's success by route. Rates are shares of the searches; that of rescues is one of the successes.
CREATE OR REPLACE VIEW success_by_route AS
SELECT date, route,
    count(*) AS searches,
    count_if(success) AS successes,
    round(count_if(success) / count(*), 4) AS success_rate,
    round(count_if(clicks > 0) / count(*), 4) AS click_through_rate,
    round(count_if(streams > 0) / count(*), 4) AS stream_rate,
    round(count_if(rescued) / nullif(count_if(success), 0), 4) AS rescue_rate,
    round(count_if(reformulated) / count(*), 4) AS reformulation_rate,
    round(count_if(abandoned) / count(*), 4) AS abandonment_rate,
    round(count_if(bad_abandoned) / count(*), 4) AS bad_abandonment_rate,
    quantile_disc(total_ms, 0.75) AS total_p75_ms,
    round(sum(cost_usd) * 1000 / count(*), 6) AS cost_per_1000_usd
FROM outcomes WHERE NOT typed
GROUP BY date, route ORDER BY date, route;

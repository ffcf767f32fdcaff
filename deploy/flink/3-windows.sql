-- Counts and latency by window and cut, published again whenever they change.
-- Needs 2-outcomes.sql.
--
-- A window is the time of its searches rounded down, and not a TUMBLE: that would publish
-- once, when the watermark has passed a day of lateness, where this publishes within seconds
-- and corrects itself until then.

CREATE TEMPORARY VIEW windowed AS
SELECT o.*, w.name AS `window`, w.begins AS `start`
FROM outcomes o
CROSS JOIN UNNEST(ARRAY[
  ROW('1m', DATE_FORMAT(o.searched_at, 'yyyy-MM-dd''T''HH:mm:00''Z''')),
  ROW('1h', DATE_FORMAT(o.searched_at, 'yyyy-MM-dd''T''HH:00:00''Z''')),
  ROW('1d', DATE_FORMAT(o.searched_at, 'yyyy-MM-dd''T''00:00:00''Z'''))
]) AS w (name, begins);

-- An arm is cut by only where there is one. The order of the parts of a cut is fixed.
CREATE TEMPORARY VIEW cuts AS
SELECT x.*, x.`window` || '|' || x.`start` || '|' || c.cut AS `key`
FROM windowed x
CROSS JOIN UNNEST(ARRAY[
  '',
  'route=' || x.route,
  'market=' || x.market,
  'route=' || x.route || ',market=' || x.market,
  CASE WHEN x.arm <> '' THEN 'arm=' || x.arm END,
  CASE WHEN x.arm <> '' THEN 'route=' || x.route || ',arm=' || x.arm END
]) AS c (cut)
WHERE c.cut IS NOT NULL;

CREATE TEMPORARY VIEW sums AS
SELECT
  `key`,
  COUNT(*) FILTER (WHERE NOT typed) AS searches,
  COALESCE(SUM(clicks) FILTER (WHERE NOT typed), 0) AS clicks,
  COALESCE(SUM(streams) FILTER (WHERE NOT typed), 0) AS streams,
  COUNT(*) FILTER (WHERE success) AS successes,
  COUNT(*) FILTER (WHERE typed) AS typed,
  COUNT(*) FILTER (WHERE NOT typed AND flooded) AS flooded,
  COUNT(*) FILTER (WHERE rescue) AS rescues,
  COUNT(*) FILTER (WHERE abandoned) AS abandoned,
  COUNT(*) FILTER (WHERE abandoned AND answers = 0) AS bad_abandoned,
  COUNT(*) FILTER (WHERE NOT typed AND reworded > 0) AS reformulated,
  COUNT(*) FILTER (WHERE NOT typed AND tier = 'fallback') AS fallbacks,
  COUNT(*) FILTER (WHERE NOT typed AND filled = 0) AS zero_results,
  COUNT(*) FILTER (WHERE NOT typed AND total_ms > ${PFR_SLOW_MS}) AS slow,
  COALESCE(SUM(cost_nano_usd) FILTER (WHERE NOT typed), 0) AS cost_nano_usd
FROM cuts
GROUP BY `key`;

EXECUTE STATEMENT SET
BEGIN
INSERT INTO metrics
SELECT
  `key`,
  SPLIT_INDEX(`key`, '|', 0),
  SPLIT_INDEX(`key`, '|', 1),
  ROW(REGEXP_EXTRACT(`key`, '[|,]route=([^,]*)', 1),
      REGEXP_EXTRACT(`key`, '[|,]market=([^,]*)', 1),
      REGEXP_EXTRACT(`key`, '[|,]arm=([^,]*)', 1)),
  ROW(searches, clicks, streams, successes,
      CASE WHEN searches = 0 THEN 0e0 ELSE CAST(successes AS DOUBLE) / searches END,
      typed, flooded, rescues, abandoned, bad_abandoned, reformulated, fallbacks, zero_results, slow, cost_nano_usd)
FROM sums;

-- The bins of DDSketch with a relative error of 1 %: the constant is the logarithm of 1.01 / 0.99.
INSERT INTO latency
SELECT `window`, `start`, route, bin, COUNT(*)
FROM (
  SELECT `window`, `start`, route,
         CASE WHEN total_ms > 0.001 THEN CAST(CEIL(LN(total_ms) / 0.020000666706669524) AS INT) END AS bin
  FROM windowed
  WHERE NOT typed
)
GROUP BY `window`, `start`, route, bin;
END;

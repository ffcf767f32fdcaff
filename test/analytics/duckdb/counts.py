"""Reads a folder by the shipped views, and prints counts by minute and cut: a row of JSON each."""

import sys

import duckdb

lake, views = sys.argv[1:3]
db = duckdb.connect()
db.execute("SET VARIABLE lake = $1", [lake])
db.execute(open(views).read())
for (row,) in db.execute("""
    SELECT to_json({
        'minute': epoch_ms(date_trunc('minute', asked_at)) // 1000, 'route': route, 'market': market, 'arm': coalesce(arm, ''),
        'searches': count_if(NOT typed),
        'clicks': coalesce(sum(clicks) FILTER (NOT typed), 0)::BIGINT,
        'streams': coalesce(sum(streams) FILTER (NOT typed), 0)::BIGINT,
        'successes': count_if(NOT typed AND success),
        'typed': count_if(typed),
        'flooded': count_if(NOT typed AND flooded),
        'rescues': count_if(NOT typed AND rescued),
        'abandoned': count_if(NOT typed AND abandoned),
        'bad_abandoned': count_if(NOT typed AND bad_abandoned),
        'reformulated': count_if(NOT typed AND reformulated),
        'fallbacks': count_if(NOT typed AND source = 'fallback'),
        'zero_results': count_if(NOT typed AND len(list_filter(sections, lambda x: x.status = 'ok')) = 0),
        'cost_nano_usd': coalesce(sum(round(cost_usd * 1e9)) FILTER (NOT typed), 0)::BIGINT
    })::VARCHAR
    FROM outcomes GROUP BY date_trunc('minute', asked_at), route, market, arm
""").fetchall():
    print(row)

"""Reads a folder with DuckDB and PyArrow, and prints answers as JSON."""

import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

lake, views = sys.argv[1:3]
db = duckdb.connect()
db.execute("SET VARIABLE lake = $1", [lake])
db.execute(open(views).read())


def rows(sql):
    return [list(row) for row in db.execute(sql).fetchall()]


def count(sql):
    return db.execute("SELECT count(*) FROM " + sql).fetchone()[0]


def table(name):
    return f"read_parquet('{lake}/{name}/*/*/*.parquet', hive_partitioning = true, union_by_name = true)"


answers = {
    "rows": {
        "searches": count(table("searches")),
        "interactions": count(table("interactions")),
        "distinct searches": count("searches"),
        "distinct interactions": count("interactions"),
    },
    "outcomes": rows("""
        SELECT date, right(correlation_id, 12)::INT, market, clicks, streams, success, first_section,
               first_section_position, time_to_success_ms, rescued, typed, reformulated, flooded, abandoned, bad_abandoned
        FROM outcomes ORDER BY date, correlation_id"""),
    "success_by_route": rows("FROM success_by_route"),
    "sections": rows("""
        SELECT section.id, section.tool, section.position, section.item_ids
        FROM (SELECT unnest(sections) AS section FROM searches WHERE correlation_id LIKE '%0001')"""),
    "locales": [row[0] for row in rows("SELECT locale FROM searches ORDER BY correlation_id")],
}
db.execute("SET VARIABLE since = DATE '2026-11-22'; SET VARIABLE until = DATE '2026-11-22'")
answers["one day"] = rows("SELECT date, route, searches FROM success_by_route")



def dataset(name):
    """A table by PyArrow, with the columns of the newest version."""
    empty = pq.read_schema(f"{lake}/{name}/date=1970-01-01/market=unknown/_empty.parquet").remove_metadata()
    parts = ds.partitioning(pa.schema([("date", pa.date32()), ("market", pa.string())]), flavor="hive")
    return ds.dataset(f"{lake}/{name}", schema=empty.append(pa.field("date", pa.date32())), partitioning=parts).to_table()


searches, interactions = dataset("searches"), dataset("interactions")
sections = pc.list_flatten(searches["sections"]).combine_chunks()
answers["pyarrow"] = {
    "searches": searches.num_rows,
    "interactions": interactions.num_rows,
    "US": pc.sum(pc.equal(searches["market"], "US")).as_py(),
    "items of more": pc.sum(pc.filter(sections.field("items"), pc.equal(sections.field("id"), "more"))).as_py(),
    "first": str(pc.min(searches["asked_at"]).as_py()),
    "locales": sorted(set(searches["locale"].to_pylist()), key=str),
    "without a tool": pc.sum(pc.is_null(sections.field("tool"))).as_py(),
}
print(json.dumps(answers, default=str))

"""Reads a folder with Spark, and prints answers as JSON."""

import json
import sys

from pyspark.sql import SparkSession

lake = sys.argv[1]
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "512m")
    .config("spark.driver.host", "localhost")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.sql.parquet.mergeSchema", "true")
    .getOrCreate()
)
for table in ("searches", "interactions"):
    spark.read.parquet(f"{lake}/{table}").createOrReplaceTempView(table)


def rows(sql):
    return [list(row) for row in spark.sql(sql).collect()]


answers = {
    "searches": rows("SELECT date, market, route, count(*) FROM searches GROUP BY ALL ORDER BY date, market, route"),
    "interactions": rows("SELECT action, count(*) FROM interactions GROUP BY action ORDER BY action"),
    "items of more": rows("SELECT sum(s.items) FROM (SELECT explode(sections) s FROM searches) WHERE s.id = 'more'")[0][0],
    "first": rows("SELECT string(min(asked_at)) FROM searches")[0][0],
    "without a locale": rows("SELECT count(*) FROM searches WHERE locale IS NULL")[0][0],
}
spark.stop()
print(json.dumps(answers, default=str))

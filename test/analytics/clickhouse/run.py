"""Runs files of ClickHouse SQL in this process, then statements from standard input.

    run.py FILE...

Parameters are written ${NAME} in the files and come from the environment. Each line of
standard input is a JSON object:

    {"sql": "..."}              the rows come back as JSON, one a line, then a full stop
    {"file": "x.sql", "parameters": {"subject": "..."}}   as clickhouse-client would run it
    {"sql": "...", "until": "..."}   the same, once the first column of its only row reads so
"""

import json
import os
import re
import sys
import tempfile
import time

from chdb import session

PATIENCE = 60  # seconds that a statement with "until" may take


def statements(text):
    """Splits at lines that end in a semicolon, without comments."""
    code = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    for part in re.split(r";\s*(?:--.*)?$", "\n".join(code), flags=re.M):
        if part.strip():
            yield part.strip()


def fill(sql):
    return re.sub(r"\$\{(\w+)\}", lambda m: os.environ[m.group(1)], sql)


class Engine:
    def __init__(self, folder):
        self.session = session.Session(folder)
        self.session.query("CREATE DATABASE pfr")
        self.session.query("USE pfr")

    def rows(self, sql, parameters=None):
        return str(self.session.query(sql, "JSONEachRow", params=parameters or {}))

    def run_file(self, path, parameters=None):
        with open(path, encoding="utf-8") as file:
            for sql in statements(fill(file.read())):
                try:
                    self.rows(sql, parameters)
                except Exception as error:
                    if not self.made_all_the_same(sql):
                        raise RuntimeError(f"{path}: {sql[:60]}: {error}") from error

    def made_all_the_same(self, sql):
        """The embedded engine makes a Kafka table and reports an error for it."""
        name = re.match(r"CREATE TABLE IF NOT EXISTS (\w+).*ENGINE = Kafka", sql, re.S)
        return bool(name) and '"result":1' in self.rows(f"EXISTS TABLE {name.group(1)}")

    def answer(self, request):
        if "file" in request:
            self.run_file(request["file"], request.get("parameters"))
            return ""
        wanted, end = request.get("until"), time.monotonic() + PATIENCE
        while True:
            out = self.rows(request["sql"])
            if wanted is None or str(next(iter(json.loads(out).values()))) == wanted:
                return out
            if time.monotonic() > end:
                raise RuntimeError(f"{request['sql']}: {out.strip()}, never {wanted}")
            time.sleep(0.1)


def main():
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(folder)
        for path in sys.argv[1:]:
            engine.run_file(path)
        for line in sys.stdin:
            print(engine.answer(json.loads(line)) + ".")
        sys.stdout.flush()
        os._exit(0)  # readers of topics would keep the process


main()

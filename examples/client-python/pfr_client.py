"""A client of the pfr gateway in plain Python: search, stream, resume, interactions.

    from pfr_client import Client

    client = Client("http://127.0.0.1:8080")
    for name, data in client.stream("artists similar to Khruangbin"):
        if name == "section":
            print(data["title"], data["status"], len(data["items"]))

A search has a correlation id, which the client makes. What is sent again under the id is the
same search and has the same page; so a lost answer is asked for again, and a stream that
broke is taken up where it was. From the command line:

    python3 pfr_client.py --url http://127.0.0.1:8080 "latest albums by lady gaga"
"""

import argparse
import datetime
import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
from typing import Callable, Iterator, Optional, TypeVar

PASSING = (408, 429, 502, 503)  # statuses of problems that may pass
MAX_EVENT = 8 << 20  # bytes of one event of a stream
MAX_BATCH = 100  # interactions in one request
MAX_WAIT = 10  # seconds between two attempts; a longer Retry-After ends them

T = TypeVar("T")


class Problem(Exception):
    """An error answer of the gateway (RFC 9457). Its detail says what to do."""

    def __init__(self, body: dict, retry_after: float = 0):
        self.status, self.title, self.detail = body["status"], body.get("title", ""), body.get("detail", "")
        self.results, self.retry_after = body.get("results") or [], retry_after
        super().__init__(f"{self.status} {self.title}: {self.detail}")


class Broken(Exception):
    """The connection failed or broke. What was sent over it may have arrived."""


def new_id() -> str:
    """Returns a new UUIDv7 (RFC 9562, 5.7)."""
    raw = bytearray((time.time_ns() // 1_000_000).to_bytes(6, "big") + os.urandom(10))
    raw[6], raw[8] = 0x70 | raw[6] & 0x0F, 0x80 | raw[8] & 0x3F
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Client:
    """Asks one gateway, each thing at most `attempts` times. Times are in seconds."""

    def __init__(self, url: str, api_key: str = "", attempts: int = 4, backoff: float = 0.1, silence: float = 25):
        self.url, self.api_key = url.rstrip("/"), api_key
        self.attempts, self.backoff, self.silence = attempts, backoff, silence

    def search(self, query: str, **more) -> dict:
        """Returns the page of a query. `more` are fields of the request, such as market."""
        return json.loads(self.search_raw(query, **more))

    def search_raw(self, query: str, **more) -> bytes:
        """Returns the page as it came."""
        body = {"query": query, "correlation_id": new_id(), **more}
        return self._persist(lambda: self._read(self._open("/v1/search", body)))

    def page(self, correlation_id: str) -> dict:
        """Returns the page of an earlier search."""
        return self._get("/v1/serps/" + correlation_id)

    def explain(self, correlation_id: str) -> dict:
        """Returns the trace of a search: what was decided, and where the time went."""
        return self._get("/v1/explain/" + correlation_id)

    def online(self) -> dict:
        """Returns searches, clicks, streams and successes of each route."""
        return self._get("/v1/metrics/online")

    def stream(self, query: str, **more) -> Iterator[tuple]:
        """Yields (name, data) as things happen: "route", each "section" once, "serp"."""
        for name, data in self.stream_raw(query, **more):
            yield name, json.loads(data)

    def stream_raw(self, query: str, **more) -> Iterator[tuple]:
        """As stream, with data as bytes. That of serp is the page as search_raw has it."""
        body = {"query": query, "correlation_id": new_id(), **more}
        accepted, last, seen = False, "", set()
        for attempt in range(1, self.attempts + 1):
            try:
                headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if accepted and last else {})}
                path = "/v1/serps/" + body["correlation_id"] if accepted else "/v1/search"
                with self._open(path, None if accepted else body, headers) as response:
                    accepted = True
                    for name, last, data in self._events(response):
                        what = name, json.loads(data).get("id")  # a section has one
                        if what not in seen:
                            seen.add(what)
                            yield name, data
                        if name == "serp":
                            return
                raise Broken("the stream ended before its page")
            except (Problem, Broken) as error:
                if isinstance(error, Problem) and error.status == 404 and accepted:
                    accepted = False  # the gateway does not know it any more: ask again, under its id
                    error = Broken("the gateway does not know the search")
                self._pause(attempt, error)

    def interact(self, *events: dict) -> list:
        """Reports what a listener did, and returns a verdict on each event, in their order.

        An event counts once, however often it is sent.
        """
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        full = [{"schema_version": "1.0", "event_id": new_id(), "timestamp": now, "sent_at": now,
                 "event_attributes": {"object": {}, "position": {}}, **event} for event in events]
        verdicts: dict = {}

        def send() -> None:
            rest = [event for event in full if event["event_id"] not in verdicts]
            for i in range(0, len(rest), MAX_BATCH):
                try:
                    results = json.loads(self._read(self._open("/v1/interactions", rest[i:i + MAX_BATCH])))["results"]
                except Problem as problem:
                    verdicts.update((v["event_id"], v) for v in problem.results)
                    raise
                verdicts.update((v["event_id"], v) for v in results)

        self._persist(send)
        return [verdicts[event["event_id"]] for event in full]

    def _get(self, path: str) -> dict:
        return json.loads(self._persist(lambda: self._read(self._open(path))))

    def _open(self, path: str, body=None, headers: Optional[dict] = None) -> http.client.HTTPResponse:
        """Sends one request. An answer that is not a success is a Problem."""
        request = urllib.request.Request(self.url + path, headers={"Accept": "application/json", **(headers or {})})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if self.api_key:
            request.add_header("Authorization", "Bearer " + self.api_key)
        try:
            return urllib.request.urlopen(request, timeout=self.silence)
        except urllib.error.HTTPError as error:
            raise _problem(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f"{path}: {error}") from error

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            with response:
                return response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f"the answer broke off: {error}") from error

    def _events(self, response: http.client.HTTPResponse) -> Iterator[tuple]:
        """Yields (name, id, data) of the server-sent events of an answer."""
        if response.status == 204:  # nothing is left to follow
            path = response.url[len(self.url):]
            yield "serp", "", self._read(self._open(path))
            return
        if not response.headers.get_content_type() == "text/event-stream":
            yield "serp", "", self._read(response)
            return
        name, last, data, size = "", "", [], 0
        for line in self._lines(response):
            field, _, value = line.partition(b":")
            value = value[1:] if value.startswith(b" ") else value
            size += len(line)
            if size > MAX_EVENT:
                raise ValueError("an event of the stream is too long")
            if field == b"event":
                name = value.decode()
            elif field == b"id":
                last = value.decode()
            elif field == b"data":
                data.append(value)
            elif not line:
                if data and name == "error":
                    raise Problem(json.loads(b"\n".join(data)))
                if data and name in ("route", "section", "serp"):
                    yield name, last, b"\n".join(data)
                name, data, size = "", [], 0

    @staticmethod
    def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
        """Yields the lines of a stream, without their ends, until it ends or breaks."""
        while True:
            try:
                line = response.readline(MAX_EVENT)
            except (OSError, http.client.HTTPException) as error:
                raise Broken(f"the stream broke: {error}") from error
            if not line.endswith(b"\n"):
                return
            yield line.rstrip(b"\r\n")

    def _persist(self, send: Callable[[], T]) -> T:
        """Calls send until it succeeds or that is hopeless."""
        for attempt in range(1, self.attempts + 1):
            try:
                return send()
            except (Problem, Broken) as error:
                self._pause(attempt, error)
        raise AssertionError("the last pause raises")

    def _pause(self, attempt: int, error: Exception) -> None:
        """Waits before the next attempt, or raises error if there is to be none."""
        passing = isinstance(error, Broken) or error.status in PASSING
        if attempt >= self.attempts or not passing:
            raise error
        wait = max(self.backoff * 2 ** (attempt - 1) * random.uniform(0.5, 1), getattr(error, "retry_after", 0))
        if wait > MAX_WAIT:
            raise error
        time.sleep(wait)


def _problem(error: urllib.error.HTTPError) -> Problem:
    after = error.headers.get("Retry-After", "0")
    try:
        with error:
            body = json.loads(error.read(1 << 20))
    except (OSError, http.client.HTTPException, ValueError):
        body = None
    if not isinstance(body, dict):  # not the gateway's answer, but that of a proxy
        body = {"title": error.reason}
    return Problem({**body, "status": error.code}, float(after) if after.isdigit() else 0)


def main() -> None:
    """Asks one query and prints its sections as they land."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("query")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--api-key", default=os.environ.get("PFR_API_KEY", ""))
    args = parser.parse_args()
    try:
        show(Client(args.url, args.api_key).stream(args.query))
    except (Problem, Broken) as error:
        sys.exit(f"{args.url}: {error}")


def show(events: Iterator[tuple]) -> None:
    """Prints sections as they land."""
    for name, data in events:
        if name == "section":
            print(f"{data['title']} ({data['status']}, {data['took_ms']:.1f} ms)")
            for item in data["items"][:5]:
                print("  ", item["title"], "·", item.get("subtitle", ""))
        elif name == "serp":
            print(data["status"], data["correlation_id"])


if __name__ == "__main__":
    main()

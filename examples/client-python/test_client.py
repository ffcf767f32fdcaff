"""Tests of the client: python3 -m unittest. With PFR_URL also against that gateway."""

import http.server
import json
import os
import threading
import time
import unittest

import pfr_client
from pfr_client import Broken, Client, Problem

PAGE = b'{"correlation_id":"x","sections":[]}'
ROUTE = b'event: route\nid: x/route\ndata: {"layout":"top_hit"}\n\n'
SHOWS = b'event: section\r\nid: x/shows\r\ndata: {"id":\r\ndata: "shows"}\r\n\r\n'
SERP = b"event: serp\nid: x/serp\ndata: " + PAGE + b"\n\n"


def stream(data: bytes) -> tuple:
    return 200, {"Content-Type": "text/event-stream"}, data


def problem(status: int, **more) -> tuple:
    return status, {"Content-Type": "application/problem+json"}, json.dumps({"title": "Title", "detail": "Why.", **more}).encode()


class Gateway(http.server.ThreadingHTTPServer):
    """Answers each request with the next step, and then with the last. None breaks off."""

    def __init__(self, *steps):
        self.steps, self.asked = steps, []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def client(self) -> Client:
        return Client(f"http://127.0.0.1:{self.server_port}", attempts=3, backoff=0.001)


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self) -> None:
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server.asked.append((f"{self.command} {self.path}", dict(self.headers), json.loads(body or b"null")))
        step = server.steps[min(len(server.asked), len(server.steps)) - 1]
        if step is None:
            return
        status, headers, data = step(server.asked[-1][2]) if callable(step) else step
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def log_message(self, *_) -> None:
        pass


class ClientTest(unittest.TestCase):
    def gateway(self, *steps) -> Gateway:
        gateway = Gateway(*steps)
        self.addCleanup(gateway.server_close)
        self.addCleanup(gateway.shutdown)
        return gateway

    def test_repeated_searches_are_the_same(self):
        for first in (None, problem(503), problem(429), (502, {}, b"<h1>")):
            gateway = self.gateway(first, first, (200, {}, PAGE))
            self.assertEqual(gateway.client().search_raw("q", market="NL"), PAGE)
            bodies = [body for _, _, body in gateway.asked]
            self.assertEqual(len(bodies), 3)
            self.assertEqual(bodies[0], bodies[2])
            self.assertEqual((bodies[0]["query"], bodies[0]["market"]), ("q", "NL"))

    def test_problems(self):
        gateway = self.gateway(problem(400))
        with self.assertRaisesRegex(Problem, "400 Title: Why."):
            gateway.client().search("q")
        self.assertEqual(len(gateway.asked), 1)
        with self.assertRaises(Broken):
            Client("http://127.0.0.1:1", attempts=2, backoff=0.001).search("q")

    def test_retry_after(self):
        status, headers, body = problem(429)
        gateway = self.gateway((status, {**headers, "Retry-After": "1"}, body), (200, {}, PAGE))
        begin = time.monotonic()
        gateway.client().search("q")
        self.assertGreaterEqual(time.monotonic() - begin, 1)
        gateway = self.gateway((status, {**headers, "Retry-After": "3600"}, body))
        with self.assertRaises(Problem):
            gateway.client().search("q")
        self.assertEqual(len(gateway.asked), 1)

    def test_any_error_is_a_problem(self):
        for body in (b"<h1>", b"[]", b'{"results":null}', b""):
            with self.assertRaises(Problem) as caught:
                self.gateway((404, {}, body)).client().search("q")
            self.assertEqual((caught.exception.status, caught.exception.results), (404, []))

    def test_stream(self):
        gateway = self.gateway(stream(b": hello\n\n" + ROUTE + SHOWS + b"event: news\ndata: 1\n\n" + SERP))
        seen = list(gateway.client().stream_raw("q"))
        self.assertEqual([name for name, _ in seen], ["route", "section", "serp"])
        self.assertEqual(json.loads(seen[1][1]), {"id": "shows"})
        self.assertEqual(seen[2][1], PAGE)
        odd = b'event: section\ndata: {"id":"route"}\n\nevent: section\ndata: {"id":"serp"}\n\n'
        self.assertEqual([name for name, _ in self.gateway(stream(ROUTE + odd + SERP)).client().stream("q")], ["route", "section", "section", "serp"])

    def test_broken_streams_go_on(self):
        gateway = self.gateway(stream(ROUTE + SHOWS + b"event: serp\ndata: {"), None, stream(ROUTE + SHOWS + SERP))
        names = [name for name, _ in gateway.client().stream("q", correlation_id="x")]
        self.assertEqual(names, ["route", "section", "serp"])
        self.assertEqual([line for line, _, _ in gateway.asked], ["POST /v1/search", "GET /v1/serps/x", "GET /v1/serps/x"])
        self.assertEqual(gateway.asked[2][1]["Last-Event-Id"], "x/shows")

    def test_streams_end(self):
        drained = b'event: error\ndata: {"status":503,"title":"T"}\n\n'
        for steps, times in (([stream(ROUTE), problem(404), stream(SERP)], 3), ([stream(drained), stream(SERP)], 2),
                             ([stream(ROUTE), (204, {}, b""), (200, {}, PAGE)], 3), ([(200, {}, PAGE)], 1)):
            gateway = self.gateway(*steps)
            self.assertEqual(list(gateway.client().stream_raw("q", correlation_id="x"))[-1], ("serp", PAGE))
            self.assertEqual(len(gateway.asked), times)
        with self.assertRaises(Broken):
            list(self.gateway(stream(ROUTE)).client().stream("q"))

    def test_only_what_is_not_accepted_is_sent_again(self):
        def verdicts(status: int, skip: int):
            def step(events: list) -> tuple:
                results = [{"event_id": e["event_id"], "status": "accepted"} for e in events[skip:]]
                return problem(status, results=results) if status >= 400 else (status, {}, json.dumps({"results": results}).encode())
            return step

        gateway = self.gateway(verdicts(503, 1), verdicts(202, 0))
        got = gateway.client().interact({"event_id": "a"}, {"event_id": "b"})
        self.assertEqual([v["event_id"] for v in got], ["a", "b"])
        self.assertEqual([len(body) for _, _, body in gateway.asked], [2, 1])

    def test_ids(self):
        self.assertRegex(pfr_client.new_id(), "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


@unittest.skipUnless(os.environ.get("PFR_URL"), "PFR_URL is not set")
class GatewayTest(unittest.TestCase):
    def setUp(self):
        self.client = Client(os.environ.get("PFR_URL", ""))

    def test_streamed_and_unstreamed_page_are_equal(self):
        search = {"correlation_id": pfr_client.new_id(), "deadline_ms": 5000}
        seen = list(self.client.stream_raw("artists similar to Khruangbin", **search))
        names = [name for name, _ in seen]
        self.assertEqual((names[0], names[-1]), ("route", "serp"))
        self.assertGreater(names.count("section"), 1)
        self.assertTrue(seen[-1][1] == self.client.search_raw("artists similar to Khruangbin", **search), "the pages differ")
        end = time.monotonic() + 60
        while True:  # the archive may be a moment behind
            try:
                archived = self.client.page(search["correlation_id"])
                break
            except Problem as problem:
                self.assertEqual(problem.status, 404)
                self.assertLess(time.monotonic(), end)
                time.sleep(0.1)
        self.assertEqual(json.loads(seen[-1][1]), archived)

    def test_resume(self):
        class Cutting(Client):
            """Loses the first connection after one event."""
            cut = 0

            def _events(self, response):
                for n, event in enumerate(super()._events(response)):
                    if n == 1 and not self.cut:
                        self.cut = 1
                        raise Broken("the network went away")
                    yield event

        client = Cutting(os.environ.get("PFR_URL", ""))
        seen = [data.get("id", name) for name, data in client.stream("new indie rock releases", deadline_ms=5000)]
        self.assertEqual(client.cut, 1)
        self.assertEqual(seen[-1], "serp")
        self.assertEqual(len(set(seen)), len(seen))

    def test_problem(self):
        with self.assertRaisesRegex(Problem, "400 Bad Request: query"):
            self.client.search(" ")

    def test_interaction_is_counted(self):
        page = self.client.search("true crime podcasts", deadline_ms=5000)
        section = next(s for s in page["sections"] if s["items"])
        route, item = page["route"]["name"], section["items"][0]
        before = self.client.online()["routes"].get(route, {}).get("streams", 0)
        event = {"event_id": pfr_client.new_id(), "action_name": "stream", "query_id": page["correlation_id"], "client_id": "python",
                 "route": route, "section_id": section["id"], "ms_played": 40_000,
                 "event_attributes": {"object": {"object_id": item["id"]}, "position": {"ordinal": 1}}}
        self.assertEqual(self.client.interact(event)[0]["status"], "accepted")
        self.assertEqual(self.client.interact(event)[0]["status"], "duplicate")
        end = time.monotonic() + 60
        while self.client.online()["routes"].get(route, {}).get("streams", 0) <= before:
            self.assertLess(time.monotonic(), end, "the stream was never counted")
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()

"""The wire of a pfr tool: NATS request-reply and discovery, in plain Python.

A tool subscribes to pfr.tool.v1.<name> in the queue group <name> and answers every request on
its reply subject. It is found through the NATS micro protocol, which is three subjects. What
the messages look like is in schemas/jsonschema of the repository.
"""

import asyncio
import dataclasses
import json
import re
import secrets
import signal
import time
from datetime import datetime, timezone
from typing import Awaitable, Callable

import nats
from nats.aio.msg import Msg

MAX_BYTES = 1 << 20  # of a request
MAX_ITEMS = 200  # of an answer


class BadRequest(Exception):
    """The call can never be answered. Its text travels: it names parameters and quotes none."""


@dataclasses.dataclass(frozen=True)
class Spec:
    """What discovery shows of a tool."""

    name: str
    version: str  # semantic, of the behaviour and the parameters
    purpose: str  # one sentence
    data: str  # version of the data behind it
    params: dict  # JSON Schema of the parameters: texts, integers and lists of texts
    example: dict  # {"query": ..., "params": {...}}
    results: list  # types of the items
    cache_seconds: int = 0

    def metadata(self) -> dict:
        return {
            "spec": self.version,
            "schema": json.dumps(self.params, separators=(",", ":")),
            "example": json.dumps(self.example, separators=(",", ":")),
            "results": ",".join(self.results),
            "personal": "false",
            "text": "false",
            "cache_seconds": str(self.cache_seconds),
        }


@dataclasses.dataclass
class Stats:
    """What `pfr tools` shows of a worker."""

    workers: int
    backlog: int = 0
    busy: int = 0
    handled: int = 0
    failed: int = 0
    panics: int = 0
    expired: int = 0
    overloaded: int = 0


Find = Callable[[dict, int], Awaitable[list]]
"""Returns the items for checked parameters, best first."""


class Tool:
    """Serves one tool: at most `workers` calls run at once, `queue` more wait."""

    def __init__(self, spec: Spec, find: Find, workers: int = 8, queue: int = 32):
        self.spec, self.find, self.queue = spec, find, queue
        self.stats = Stats(workers)
        self.slots = asyncio.Semaphore(workers)
        self.calls: set[asyncio.Task] = set()
        self.id = secrets.token_hex(11)
        self.started = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")

    async def serve(self, url: str, ready: Callable[[], None] = lambda: None) -> None:
        """Answers calls until SIGTERM or SIGINT, and then those that it has."""
        stop = asyncio.Event()
        for sig in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sig, stop.set)
        nc = self.nc = await nats.connect(url, name=self.spec.name, max_reconnect_attempts=-1)
        subject = "pfr.tool.v1." + self.spec.name
        subscriptions = [await nc.subscribe(subject, queue=self.spec.name, cb=self._accept)]
        for verb, answer in (("PING", self._ping), ("INFO", self._info), ("STATS", self._statistics)):
            for end in ("", "." + self.spec.name, f".{self.spec.name}.{self.id}"):
                subscriptions.append(await nc.subscribe(f"$SRV.{verb}{end}", cb=_replier(answer)))
        await nc.flush()
        ready()
        await stop.wait()
        await asyncio.gather(*(s.drain() for s in subscriptions))  # no more calls
        if self.calls:
            await asyncio.wait(self.calls, timeout=5)  # those in hand
        await nc.drain()

    # Calls

    async def _accept(self, msg: Msg) -> None:
        """Takes a call or refuses it at once. The library waits for this one before the next."""
        if len(self.calls) >= self.stats.workers + self.queue:
            self.stats.overloaded += 1
            await self._fail(msg, 429, "overloaded")
            return
        task = asyncio.create_task(self._call(msg))
        self.calls.add(task)
        task.add_done_callback(self.calls.discard)

    async def _call(self, msg: Msg) -> None:
        self.stats.backlog += 1
        async with self.slots:
            self.stats.backlog -= 1
            self.stats.busy += 1
            try:
                await self._answer(msg)
            finally:
                self.stats.busy -= 1
                self.stats.handled += 1

    async def _answer(self, msg: Msg) -> None:
        start = time.perf_counter()
        try:
            request, left = self._read(msg)
            if left <= 0:
                self.stats.expired += 1
                raise asyncio.TimeoutError
            items = await asyncio.wait_for(self.find(request["params"], request["limit"]), left)
        except BadRequest as err:
            self.stats.failed += 1
            await self._fail(msg, 400, str(err))
        except asyncio.TimeoutError:
            self.stats.failed += 1
            await self._fail(msg, 504, "out of time")
        except Exception as err:  # its text may quote the call
            self.stats.failed += 1
            self.stats.panics += 1
            await self._fail(msg, 500, type(err).__name__)
        else:
            await msg.respond(json.dumps({
                "schema_version": "1.0",
                "correlation_id": request["correlation_id"],
                "section": request["section"],
                "items": items[: min(request["limit"], MAX_ITEMS)],
                "took_ms": round((time.perf_counter() - start) * 1000, 3),
                "version": self.spec.data,
            }, allow_nan=False).encode())

    async def _fail(self, msg: Msg, code: int, text: str) -> None:
        headers = {"Nats-Service-Error-Code": str(code), "Nats-Service-Error": text.replace("\n", "; ")[:512]}
        await self.nc.publish(msg.reply, b"", headers=headers)

    def _read(self, msg: Msg) -> tuple[dict, float]:
        """Returns the request and the seconds that are left for it."""
        if len(msg.data) > MAX_BYTES:
            raise BadRequest("request: too large")
        try:
            request = json.loads(msg.data)
            limit, params, deadline = request["limit"], request["params"], _time(request["deadline"])
            known = request["schema_version"].split(".")[0] == "1" and request["tool"] == self.spec.name
            known = known and isinstance(request["correlation_id"], str) and isinstance(request["section"], str)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BadRequest("request: is no tool request") from None
        if not known or type(limit) is not int or not 1 <= limit <= MAX_ITEMS or not isinstance(params, dict):
            raise BadRequest("request: is no request to this tool")
        check(self.spec.params, params)
        waits = (msg.headers or {}).get("Pfr-Deadline", "")  # when the caller stops waiting, in microseconds
        if waits.isdigit():
            deadline = min(deadline, int(waits) / 1e6)
        return request, deadline - time.time()

    # Discovery

    def _identity(self, kind: str) -> dict:
        return {"type": f"io.nats.micro.v1.{kind}_response", "name": self.spec.name, "id": self.id,
                "version": self.spec.version, "metadata": self.spec.metadata()}

    def _endpoint(self) -> dict:
        return {"name": "call", "subject": "pfr.tool.v1." + self.spec.name, "queue_group": self.spec.name}

    def _ping(self) -> dict:
        return self._identity("ping")

    def _info(self) -> dict:
        return self._identity("info") | {"description": self.spec.purpose, "endpoints": [self._endpoint()]}

    def _statistics(self) -> dict:
        return self._identity("stats") | {"started": self.started, "endpoints": [self._endpoint() | {
            "num_requests": self.stats.handled, "num_errors": self.stats.failed, "data": dataclasses.asdict(self.stats) | {"data": self.spec.data}}]}


def _replier(answer: Callable[[], dict]) -> Callable[[Msg], Awaitable[None]]:
    async def reply(msg: Msg) -> None:
        if msg.reply:
            await msg.respond(json.dumps(answer()).encode())

    return reply


def _time(text: str) -> float:
    """Reads RFC 3339, whose fraction may have more digits than Python takes."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).timestamp()


def check(schema: dict, params: dict) -> None:
    """Raises BadRequest with every parameter that breaks the schema."""
    faults = [f"{name}: got nothing" for name in schema.get("required", []) if name not in params]
    for name, value in params.items():
        rule = schema["properties"].get(name)
        if rule is None:
            faults.append(f"{json.dumps(name[:64])}: there is no such parameter")
        elif not _fits(rule, value):
            faults.append(f"{name}: want {json.dumps({k: v for k, v in rule.items() if k != 'description'})}")
    if faults:
        raise BadRequest("\n".join(sorted(faults)))


def _fits(rule: dict, value) -> bool:
    if rule["type"] == "integer":
        return type(value) is int and rule.get("minimum", value) <= value <= rule.get("maximum", value)
    if rule["type"] == "array":
        return (isinstance(value, list) and len(value) <= rule.get("maxItems", len(value))
                and all(_fits(rule["items"], v) for v in value))
    return (isinstance(value, str) and rule.get("minLength", 0) <= len(value) <= rule.get("maxLength", len(value))
            and value in rule.get("enum", [value]))

import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectionError, newID, ProblemError } from "../src/index.js";
import { answer, event, events, gateway, id, mix, names, page, problem, quick, results, route, serp, type Step } from "./gateway.js";

const destroy: Step = (_, response) => response.destroy();

test("a search that is repeated is the same search", async () => {
  for (const first of [destroy, problem(503), problem(429), answer(502, "<h1>", { "Content-Type": "text/html" })]) {
    const { client, asked } = await gateway(first, first, answer(200, page));
    const got = await client.search({ query: "q", market: "NL", user: { id: "u" } });
    assert.deepEqual(got, page);
    assert.equal(asked.length, 3);
    assert.equal(asked[0]!.body, asked[2]!.body);
    const { correlation_id, ...rest } = JSON.parse(asked[0]!.body);
    assert.match(correlation_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(rest, { query: "q", market: "NL", user: { id: "u" } });
  }
});

test("problems are errors that say what to do", async () => {
  for (const status of [400, 401, 403, 404, 409, 500, 504]) {
    const { client, asked } = await gateway(problem(status));
    await assert.rejects(client.search({ query: "q" }), (e) => e instanceof ProblemError && e.status === status && e.message === `${status} Title: Why.`);
    assert.equal(asked.length, 1, `asked of a ${status}`);
  }
  const down = await gateway(problem(503));
  await assert.rejects(down.client.search({ query: "q" }), ProblemError);
  assert.equal(down.asked.length, 3);
  await assert.rejects(quick({ baseURL: "http://127.0.0.1:1" }).search({ query: "q" }), ConnectionError);
});

test("Retry-After is kept to, or there is no next attempt", async () => {
  const soon = await gateway(problem(429, { "Retry-After": "1" }), answer(200, page));
  const begin = Date.now();
  await soon.client.search({ query: "q" });
  assert.ok(Date.now() - begin >= 990, "came back too early");
  const late = await gateway(problem(429, { "Retry-After": "600" }));
  await assert.rejects(late.client.search({ query: "q" }), (e) => e instanceof ProblemError && e.retryAfterMS === 600_000);
  assert.equal(late.asked.length, 1);
});

test("a signal ends a search, and a wait for the next attempt", async () => {
  const slow = await gateway(() => {});
  await assert.rejects(slow.client.search({ query: "q" }, { signal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
  const away = await gateway(problem(503, { "Retry-After": "1" }));
  await assert.rejects(away.client.search({ query: "q" }, { signal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
  assert.equal(away.asked.length, 1);
  const silent = await gateway(events(route, "open"));
  assert.match(await names(silent.client.stream({ query: "q" }, { signal: AbortSignal.timeout(100) })), /^route TimeoutError/);
});

test("a stream is the route, each section, the page", async () => {
  const { client, asked } = await gateway(events(`: hello\n\n${route}${event("section", mix)}${event("news", 1)}${event("section", results)}${serp}`));
  const seen = [];
  for await (const e of client.stream({ query: "q" })) seen.push(e);
  assert.equal(seen.map((e) => e.type).join(" "), "route section section serp");
  assert.deepEqual(seen.at(-1), { type: "serp", page });
  assert.equal(asked[0]!.line, "POST /v1/search");
  assert.equal(asked[0]!.headers.accept, "text/event-stream");
});

test("a stream that breaks goes on where it was", async () => {
  const { client, asked } = await gateway(
    events(`${route}${event("section", mix)}event: section\ndata: {`, "cut"),
    events(route + event("section", mix) + event("section", results), "cut"),
    events(route + event("section", mix) + event("section", results) + serp),
  );
  assert.equal(await names(client.stream({ query: "q", correlation_id: id })), "route mix results serp");
  assert.deepEqual(asked.map((a) => a.line), ["POST /v1/search", `GET /v1/serps/${id}`, `GET /v1/serps/${id}`]);
  assert.equal(asked[2]!.headers["last-event-id"], `${id}/section`);
});

test("a stream ends, whatever happens", async () => {
  const cases: [string, Step[], string, number][] = [
    ["cut for ever", [events(route, "cut")], "route ConnectionError: the stream broke", 3],
    ["ends without a page", [events(route)], "route ConnectionError: the stream ended before its page", 3],
    ["forgotten", [events(route, "cut"), problem(404), events(serp)], "route serp", 3],
    ["drained", [events(route + event("error", { title: "T", status: 503 })), events(serp)], "route serp", 2],
    ["no page in time", [events(event("error", { title: "T", status: 504 }))], "ProblemError: 504 T", 1],
    ["refused", [problem(400)], "ProblemError: 400 Title: Why.", 1],
    ["not streamed", [answer(200, page)], "serp", 1],
    ["nothing left", [events(route, "cut"), (_, r) => r.writeHead(204).end(), answer(200, page)], "route serp", 3],
    ["no object", [events("event: serp\ndata: null\n\n")], "FormatError: an event is not an object", 1],
    ["no JSON", [events("event: serp\ndata: {\n\n")], "FormatError: the answer is not JSON", 1],
    ["too long", [events(`data: ${"x".repeat(9 << 20)}`)], `EventTooLongError: an event has more than ${8 << 20} characters`, 1],
  ];
  for (const [name, steps, want, times] of cases) {
    const { client, asked } = await gateway(...steps);
    assert.equal(await names(client.stream({ query: "q" })), want, name);
    assert.equal(asked.length, times, name);
  }
});

test("a silent stream is a broken one", async () => {
  const { url } = await gateway(events(route, "open"), events(serp));
  assert.equal(await names(quick({ baseURL: url, silenceMS: 50 }).stream({ query: "q" })), "route serp");
  const mute = await gateway(() => {}, events(serp));
  assert.equal(await names(quick({ baseURL: mute.url, silenceMS: 50 }).stream({ query: "q" })), "serp");
  assert.deepEqual(mute.asked.map((a) => a.line), ["POST /v1/search", "POST /v1/search"]);
});

test("whoever stops reading closes the stream", async () => {
  const closed = deferred();
  const { client } = await gateway((a, response) => {
    response.on("close", () => closed.resolve());
    events(route, "open")(a, response);
  });
  for await (const e of client.stream({ query: "q" })) {
    assert.equal(e.type, "route");
    break;
  }
  await closed.promise;
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((r) => (resolve = r));
  return { promise, resolve };
}

test("only what is not accepted is sent again", async () => {
  const verdicts = (skip: number, status: number): Step => (a, response) => {
    const list = (JSON.parse(a.body) as { event_id: string }[]).slice(skip);
    const answered = list.map((e) => ({ event_id: e.event_id, status: "accepted" }));
    answer(status, { title: "T", status, results: answered })(a, response);
  };
  const { client, asked } = await gateway(verdicts(2, 503), verdicts(0, 202));
  const click = { action_name: "click", query_id: id, client_id: "c" };
  const got = await client.interact([1, 2, 3, 4].map((n) => ({ ...click, event_id: `e${n}` })));
  assert.deepEqual(got.map((v) => `${v.event_id} ${v.status}`), ["e1 accepted", "e2 accepted", "e3 accepted", "e4 accepted"]);
  assert.deepEqual(asked.map((a) => JSON.parse(a.body).length), [4, 2]);

  const one = await gateway(problem(503), verdicts(0, 202));
  await one.client.interact({ action_name: "view", query_id: id, client_id: "c" });
  assert.equal(one.asked[0]!.body, one.asked[1]!.body, "the event changed between attempts");
  assert.ok(Date.parse(JSON.parse(one.asked[0]!.body)[0].timestamp) > 0);

  const many = await gateway(verdicts(0, 202));
  assert.equal((await many.client.interact(Array.from({ length: 1100 }, () => ({ ...click, session_id: "ü".repeat(30) })))).length, 1100);
  for (const a of many.asked) assert.ok(Buffer.byteLength(a.body) < 64 << 10 && JSON.parse(a.body).length <= 500);
  const silent = await gateway(answer(202, { results: [] }));
  await assert.rejects(silent.client.interact({ ...click }), { name: "FormatError" });
});

test("a beacon is sent with the key where there is one", async () => {
  const came = deferred();
  const { url, asked } = await gateway((a, response) => {
    answer(202, {})(a, response);
    came.resolve();
  });
  assert.equal(quick({ baseURL: url, apiKey: "secret" }).beacon({ action_name: "view", query_id: id, client_id: "c" }), true);
  await came.promise;
  assert.equal(asked[0]!.line, "POST /v1/interactions");
  assert.equal(asked[0]!.headers.authorization, "Bearer secret");
});

test("ids are UUIDv7 and in order of time", () => {
  const ids = Array.from({ length: 100 }, (_, n) => newID(1_700_000_000_000 + n));
  assert.deepEqual(ids, [...ids].sort());
  assert.equal(new Set(ids).size, 100);
  assert.match(ids[0]!, /^018bcfe5-6800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

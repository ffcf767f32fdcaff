// Against a real gateway, whose address is in PFR_URL.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, newID, ProblemError, type SERP } from "../src/index.js";

const baseURL = process.env["PFR_URL"] ?? "";
const skip = baseURL === "" && "PFR_URL is not set";
const client = new Client({ baseURL });
const patient = { deadline_ms: 5000 };

/** Returns what a call returns once that is something: the archive and the counts are a moment behind. */
async function eventually<T>(call: () => Promise<T>): Promise<NonNullable<T>> {
  for (let n = 0; n < 600; n++) {
    const value = await call();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("it never came");
}

test("a streamed page is the unstreamed one", { skip }, async () => {
  const search = { query: "artists similar to Khruangbin", correlation_id: newID(), ...patient };
  let landed = 0;
  let streamed: SERP | undefined;
  for await (const e of client.stream(search)) {
    if (e.type === "route") assert.equal(e.route.correlation_id, search.correlation_id);
    if (e.type === "section") landed++;
    if (e.type === "serp") streamed = e.page;
  }
  assert.ok(landed > 1, `${landed} sections landed`);
  assert.equal(streamed!.route.name, "similar_artists");
  const archived = await eventually(() => client.page(search.correlation_id).catch(() => undefined));
  for (const page of [await client.search(search), archived]) {
    assert.ok(JSON.stringify(page) === JSON.stringify(streamed), "the pages differ");
  }
});

test("a stream that the network cuts is resumed", { skip }, async () => {
  let connections = 0;
  const cutting: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (++connections > 1 || !response.body) return response;
    const reader = response.body.getReader();
    let cut = false; // after the first event, however many come at once
    const body = new ReadableStream({
      async pull(control) {
        if (cut) {
          await reader.cancel();
          return control.error(new TypeError("the network went away"));
        }
        const { value } = await reader.read();
        const text = new TextDecoder().decode(value);
        control.enqueue(new TextEncoder().encode(text.slice(0, text.indexOf("\n\n") + 2)));
        cut = true;
      },
    });
    return new Response(body, { status: response.status, headers: response.headers });
  };
  const seen: string[] = [];
  for await (const e of new Client({ baseURL, fetch: cutting }).stream({ query: "new indie rock releases", ...patient })) {
    seen.push(e.type === "section" ? e.section.id : e.type);
  }
  assert.equal(connections, 2);
  assert.equal(seen.at(-1), "serp");
  assert.equal(new Set(seen).size, seen.length, `${seen}`);
});

test("a problem says what is wrong", { skip }, async () => {
  const correlation_id = newID();
  await client.search({ query: "lady gaga", correlation_id, ...patient });
  await assert.rejects(client.search({ query: "another", correlation_id }), (e) => e instanceof ProblemError && e.status === 409);
  await assert.rejects(client.search({ query: " " }), (e) => e instanceof ProblemError && e.status === 400 && /query/.test(e.message));
  await assert.rejects(client.page(newID()), (e) => e instanceof ProblemError && e.status === 404);
});

test("an interaction is counted", { skip }, async () => {
  const page = await client.search({ query: "true crime podcasts", ...patient });
  const section = page.sections.findIndex((s) => s.items.length > 0);
  const item = page.sections[section]!.items[0]!;
  const before = (await client.online()).routes[page.route.name]?.streams ?? 0;
  const event = {
    event_id: newID(), action_name: "stream", query_id: page.correlation_id, client_id: "typescript", route: page.route.name,
    section_id: page.sections[section]!.id, section_position: section + 1, ms_played: 40_000,
    event_attributes: { object: { object_id: item.id, object_id_type: item.type }, position: { ordinal: 1 } },
  };
  assert.equal((await client.interact(event))[0]!.status, "accepted");
  assert.equal((await client.interact(event))[0]!.status, "duplicate");
  await eventually(async () => ((await client.online()).routes[page.route.name]?.streams ?? 0) > before);
  const trace = await client.explain(page.correlation_id);
  assert.equal(trace.why.route, page.route.name);
  assert.ok(trace.waterfall.length > page.sections.length);
});

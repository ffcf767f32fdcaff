import assert from "node:assert/strict";
import { test } from "node:test";

import { EventParser, EventTooLongError } from "../src/index.js";

const bytes = (text: string) => new TextEncoder().encode(text);

function parse(text: string, size: number): string {
  const parser = new EventParser(1000);
  const all = bytes(text);
  const seen: string[] = [];
  for (let i = 0; i < all.length; i += size) {
    for (const m of parser.push(all.subarray(i, i + size))) seen.push(`${m.event} ${m.id} ${JSON.stringify(m.data)}`);
  }
  return seen.join("; ");
}

test("events are the same wherever the bytes are cut", () => {
  const cases: Record<string, string> = {
    "": "",
    "data: x": "",
    "data: x\n": "",
    "data: x\n\n": 'message  "x"',
    "data:x\r\n\r\n": 'message  "x"',
    "data:x\r\r": 'message  "x"',
    "data:x\r\n\rdata:y\n\n": 'message  "x"; message  "y"',
    "data\n\n": 'message  ""',
    "data:  x\n\n": 'message  " x"',
    "data: a\ndata\ndata: b\n\n": 'message  "a\\n\\nb"',
    "\ufeffdata: x\n\n": 'message  "x"',
    "event: e\nid: 1\ndata: x\n\n": 'e 1 "x"',
    "event: e\n\ndata: x\n\n": 'message  "x"',
    "id: 1\ndata: x\n\ndata: y\n\n": 'message 1 "x"; message 1 "y"',
    "id: 1\ndata: x\nid: a\0b\n\n": 'message 1 "x"',
    ": comment\nretry: 5\nother\n\n": "",
    "data: ü漢🎧\n\n": 'message  "ü漢🎧"',
    "event: a\nevent: b\ndata: {\"a\":\"b: c\"}\r\n\r\n": 'b  "{\\"a\\":\\"b: c\\"}"',
  };
  for (const [stream, want] of Object.entries(cases)) {
    for (const size of [1, 2, 3, 5, 1000]) assert.equal(parse(stream, size), want, `${JSON.stringify(stream)} by ${size}`);
  }
});

test("events are bounded, comments between them are not", () => {
  for (const text of ["x".repeat(2000), `data: ${"x".repeat(2000)}\n\n`, "data: xxxxxxxxx\n".repeat(200)]) {
    assert.throws(() => parse(text, 100), EventTooLongError);
  }
  assert.equal(parse(": a comment\n\n".repeat(1000) + "data: x\n\n", 100), 'message  "x"');
});

// A gateway that answers by script.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

import { Client, type Options, type SearchEvent } from "../src/index.js";

export interface Asked {
  line: string; // method and path
  headers: IncomingMessage["headers"];
  body: string;
}

export type Step = (asked: Asked, response: ServerResponse) => void;

export const id = "01a20771-a079-7a63-a6d6-1e95a8109258";
export const results = { id: "results", status: "ok", items: [{ id: "artist:a", title: "Ä" }] };
export const mix = { id: "mix", status: "timeout", items: [] };
export const page = { correlation_id: id, query: "q", sections: [results, mix] };

/** Starts a gateway that answers each request with the next step, and then with the last. */
export async function gateway(...steps: Step[]): Promise<{ client: Client; asked: Asked[]; url: string }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const a = { line: `${request.method} ${request.url}`, headers: request.headers, body: Buffer.concat(chunks).toString() };
    asked.push(a);
    steps[Math.min(asked.length, steps.length) - 1]!(a, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { client: quick({ baseURL: url }), asked, url };
}

/** Returns a client that does not wait. */
export function quick(options: Options): Client {
  return new Client({ attempts: 3, backoffMS: 1, maxBackoffMS: 1500, ...options });
}

export function answer(status: number, body: unknown, headers: Record<string, string> = {}): Step {
  return (_, response) => {
    const media = status >= 400 ? "application/problem+json" : "application/json";
    response.writeHead(status, { "Content-Type": media, ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

export function problem(status: number, headers: Record<string, string> = {}): Step {
  return answer(status, { type: "about:blank", title: "Title", status, detail: "Why." }, headers);
}

/** Sends a stream, and breaks the connection if it is to be cut. */
export function events(text: string, how: "whole" | "cut" | "open" = "whole"): Step {
  return (_, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    if (how === "whole") response.end(text);
    else response.write(text, () => how === "cut" && response.destroy());
  };
}

export function event(name: string, data: unknown): string {
  return `event: ${name}\nid: ${id}/${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const route = event("route", { correlation_id: id, layout: "top_hit", slots: [], why: { summary: "Sure." } });
export const serp = event("serp", page);

/** Reads a stream to its end and names what came. */
export async function names(stream: AsyncIterable<SearchEvent>): Promise<string> {
  const seen: string[] = [];
  try {
    for await (const e of stream) seen.push(e.type === "section" ? e.section.id : e.type);
  } catch (error) {
    seen.push(String(error));
  }
  return seen.join(" ");
}

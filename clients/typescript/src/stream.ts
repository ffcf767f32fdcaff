import { ConnectionError, FormatError, ProblemError } from "./errors.js";
import type { Problem, RouteEvent, SearchEvent } from "./http.js";
import { EventParser, type Message } from "./sse.js";
import { parse, type Transport } from "./transport.js";
import type { Section, SERP } from "./types.js";

/** Brings one search to its page, over as many connections as that needs. */
export class Follower {
  #transport: Transport;
  #id: string;
  #search: string | undefined; // the body that asks for it; none where there is only its id
  #accepted: boolean; // by the gateway, so that it can be followed
  #last = ""; // id of the last event
  #route = false; // seen
  #sections = new Set<string>(); // seen

  constructor(transport: Transport, id: string, search?: string) {
    this.#transport = transport;
    this.#id = id;
    this.#search = search;
    this.#accepted = search === undefined;
  }

  /** Yields each event once. It ends after the page, or throws. */
  async *events(signal?: AbortSignal): AsyncGenerator<SearchEvent, void, undefined> {
    for (let n = 1; ; n++) {
      try {
        for await (const event of this.#connect(signal)) {
          yield event;
          if (event.type === "serp") return;
        }
        throw new ConnectionError("the stream ended before its page");
      } catch (error) {
        signal?.throwIfAborted();
        const lost = error instanceof ProblemError && error.status === 404 && this.#accepted && this.#search !== undefined;
        if (lost) this.#accepted = false; // the gateway knows it no more: ask again, under its id
        const cause = lost ? new ConnectionError("the gateway does not know the search") : error;
        if (!(await this.#transport.again(cause, n, signal))) throw error;
      }
    }
  }

  /** Reads one connection to its end. */
  async *#connect(signal?: AbortSignal): AsyncGenerator<SearchEvent, void, undefined> {
    const control = new AbortController();
    const abort = () => control.abort(signal?.reason);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const response = await this.#patiently(control, this.#open(control.signal));
      this.#accepted = true;
      if (response.status === 204) {
        yield { type: "serp", page: await this.#patiently(control, this.#page(control.signal)) };
      } else if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
        yield { type: "serp", page: parse<SERP>(await this.#patiently(control, this.#transport.text(response, control.signal))) };
      } else {
        yield* this.#read(response, control);
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      control.abort();
    }
  }

  #path(): string {
    return `/v1/serps/${encodeURIComponent(this.#id)}`;
  }

  #open(signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.#accepted || this.#search === undefined) {
      if (this.#last) headers["Last-Event-ID"] = this.#last;
      return this.#transport.send(this.#path(), { headers: this.#transport.headers(headers), signal });
    }
    headers["Content-Type"] = "application/json";
    return this.#transport.send("/v1/search", { method: "POST", headers: this.#transport.headers(headers), body: this.#search, signal });
  }

  async #page(signal: AbortSignal): Promise<SERP> {
    const response = await this.#transport.send(this.#path(), { headers: this.#transport.headers(), signal });
    return parse<SERP>(await this.#transport.text(response, signal));
  }

  async *#read(response: Response, control: AbortController): AsyncGenerator<SearchEvent, void, undefined> {
    const parser = new EventParser(this.#transport.options.maxEvent);
    const reader = response.body!.getReader();
    for (;;) {
      const chunk = await this.#chunk(reader, control);
      if (chunk === undefined) return;
      for (const message of parser.push(chunk)) {
        this.#last = message.id;
        const event = this.#event(message);
        if (event) yield event;
      }
    }
  }

  /** Returns the next bytes, or undefined at the end. */
  async #chunk(reader: ReadableStreamDefaultReader<Uint8Array>, control: AbortController): Promise<Uint8Array | undefined> {
    try {
      return (await this.#patiently(control, reader.read())).value;
    } catch (cause) {
      throw new ConnectionError("the stream broke", { cause });
    }
  }

  /** Waits for the gateway. Silence for too long is a break. */
  async #patiently<T>(control: AbortController, what: Promise<T>): Promise<T> {
    const ms = this.#transport.options.silenceMS;
    const silent = setTimeout(() => control.abort(new ConnectionError(`nothing came for ${ms} ms`)), ms);
    try {
      return await what;
    } finally {
      clearTimeout(silent);
    }
  }

  /** Returns what a message says, if it is new. Names that it does not know are of later versions. */
  #event({ event, data }: Message): SearchEvent | undefined {
    switch (event) {
      case "route":
        if (this.#route) return undefined;
        this.#route = true;
        return { type: "route", route: object<RouteEvent>(data) };
      case "section": {
        const section = object<Section>(data);
        if (this.#sections.has(section.id)) return undefined;
        this.#sections.add(section.id);
        return { type: "section", section };
      }
      case "serp":
        return { type: "serp", page: object<SERP>(data) };
      case "error":
        throw new ProblemError(object<Problem>(data));
      default:
        return undefined;
    }
  }
}

function object<T>(data: string): T {
  const value = parse<T>(data);
  if (typeof value !== "object" || value === null) throw new FormatError("an event is not an object");
  return value;
}

import { FormatError, ProblemError } from "./errors.js";
import type { Explanation, Online, SearchEvent, SearchRequest, Suggestion, Verdict } from "./http.js";
import { newID } from "./id.js";
import { Follower } from "./stream.js";
import { type CallOptions, type Options, parse, Transport } from "./transport.js";
import type { Interaction, SERP } from "./types.js";

/** An interaction of which the client fills in what is the same for all. */
export type NewInteraction = Omit<Interaction, "schema_version" | "event_id" | "timestamp" | "sent_at" | "event_attributes"> &
  Partial<Pick<Interaction, "schema_version" | "event_id" | "timestamp" | "sent_at" | "event_attributes">>;

const maxBatch = 500; // events of one request
const maxBatchBytes = 60_000; // what keepalive and beacons carry is at most 64 KiB

/**
 * Asks one gateway. What may pass if it is asked again is asked again, under the same
 * correlation id, so that it stays one search. Errors are ProblemError, ConnectionError,
 * FormatError and the reason of an abort signal.
 */
export class Client {
  #transport: Transport;

  constructor(options: Options) {
    this.#transport = new Transport(options);
  }

  /** Asks one query and returns its page. */
  search(request: SearchRequest, call: CallOptions = {}): Promise<SERP> {
    return this.#post<SERP>("/v1/search", JSON.stringify(identified(request)), call);
  }

  /**
   * Follows one search: the route, each section once as it lands, the page. A stream that
   * breaks is taken up where it was, without a new search.
   */
  stream(request: SearchRequest, call: CallOptions = {}): AsyncGenerator<SearchEvent, void, undefined> {
    const search = identified(request);
    return new Follower(this.#transport, search.correlation_id, JSON.stringify(search)).events(call.signal);
  }

  /** Follows a search that is in hand, or was. It asks for nothing new. */
  resume(correlationID: string, call: CallOptions = {}): AsyncGenerator<SearchEvent, void, undefined> {
    return new Follower(this.#transport, correlationID).events(call.signal);
  }

  /** Returns the page of an earlier search. */
  page(correlationID: string, call: CallOptions = {}): Promise<SERP> {
    return this.#get(`/v1/serps/${encodeURIComponent(correlationID)}`, call);
  }

  /** Returns the trace of a search. */
  explain(correlationID: string, call: CallOptions = {}): Promise<Explanation> {
    return this.#get(`/v1/explain/${encodeURIComponent(correlationID)}`, call);
  }

  /** Returns queries that begin as the text does, or have a word that does. */
  async suggest(text: string, more: CallOptions & { market?: string; limit?: number } = {}): Promise<Suggestion[]> {
    const values = new URLSearchParams({ q: text });
    if (more.market) values.set("market", more.market);
    if (more.limit) values.set("limit", String(more.limit));
    return (await this.#get<{ suggestions: Suggestion[] }>(`/v1/suggest?${values}`, more)).suggestions;
  }

  /** Returns what came of the searches of each route. */
  online(call: CallOptions = {}): Promise<Online> {
    return this.#get("/v1/metrics/online", call);
  }

  /**
   * Reports what a listener did, and returns a verdict on each event, in their order. What
   * is not accepted because of a passing fault is sent again; an event counts once.
   */
  async interact(events: NewInteraction | NewInteraction[], call: CallOptions = {}): Promise<Verdict[]> {
    const all = complete(events);
    const verdicts = new Map<string, Verdict>(); // by event id
    const keep = (list: Verdict[] = []) => {
      for (const v of list) if (!verdicts.has(v.event_id)) verdicts.set(v.event_id, v);
    };
    await this.#transport.persist(call.signal, async () => {
      for (const batch of batches(all.filter((e) => !verdicts.has(e.event_id)))) {
        keep(await this.#report(batch, call).catch((error) => {
          if (error instanceof ProblemError) keep(error.problem.results);
          throw error;
        }));
      }
    });
    return all.map((e) => verdicts.get(e.event_id)!);
  }

  async #report(batch: Interaction[], call: CallOptions): Promise<Verdict[]> {
    const init = { ...this.#init("POST", JSON.stringify(batch), call), keepalive: true };
    const response = await this.#transport.send("/v1/interactions", init);
    const { results } = parse<{ results?: Verdict[] }>(await this.#transport.text(response, call.signal));
    if (results?.length !== batch.length) throw new FormatError(`${results?.length} verdicts on ${batch.length} events`);
    return results;
  }

  /**
   * Hands events to the browser, which sends them even if the page goes away, and says
   * whether it took them all. There is no verdict: use it in `pagehide` alone.
   */
  beacon(events: NewInteraction | NewInteraction[]): boolean {
    let taken = true;
    for (const batch of batches(complete(events))) {
      const body = JSON.stringify(batch);
      const url = this.#transport.options.baseURL + "/v1/interactions";
      const hasBeacon = typeof navigator !== "undefined" && "sendBeacon" in navigator;
      if (hasBeacon && !this.#transport.options.apiKey) { // a beacon has no headers
        taken = navigator.sendBeacon(url, new Blob([body], { type: "application/json" })) && taken;
      } else {
        this.#transport.options.fetch(url, { ...this.#init("POST", body, {}), keepalive: true }).catch(() => {});
      }
    }
    return taken;
  }

  #init(method: string, body: string, { signal }: CallOptions): RequestInit {
    const init = { method, body, headers: this.#transport.headers({ "Content-Type": "application/json" }) };
    return signal ? { ...init, signal } : init;
  }

  #post<T>(path: string, body: string, call: CallOptions): Promise<T> {
    return this.#transport.json<T>(path, this.#init("POST", body, call));
  }

  #get<T>(path: string, { signal }: CallOptions): Promise<T> {
    return this.#transport.json<T>(path, { headers: this.#transport.headers(), ...(signal && { signal }) });
  }
}

function identified(request: SearchRequest): SearchRequest & { correlation_id: string } {
  return { ...request, correlation_id: request.correlation_id || newID() };
}

function complete(events: NewInteraction | NewInteraction[]): Interaction[] {
  const now = new Date().toISOString();
  return (Array.isArray(events) ? events : [events]).map((e) => ({
    schema_version: "1.0", event_id: newID(), timestamp: now, sent_at: now, event_attributes: { object: {}, position: {} }, ...e,
  }));
}

/** Cuts a list of events into what one request may hold. */
function* batches(events: Interaction[]): Generator<Interaction[]> {
  let batch: Interaction[] = [];
  let bytes = 2;
  for (const event of events) {
    const length = new TextEncoder().encode(JSON.stringify(event)).length + 1;
    if (batch.length > 0 && (batch.length === maxBatch || bytes + length > maxBatchBytes)) {
      yield batch;
      batch = [];
      bytes = 2;
    }
    batch.push(event);
    bytes += length;
  }
  if (batch.length > 0) yield batch;
}

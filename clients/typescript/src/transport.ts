import { ConnectionError, FormatError, problemOf, ProblemError } from "./errors.js";

/** Where the gateway is and how patient the client is. Only `baseURL` is needed. */
export interface Options {
  /** Of the gateway; "" in a page that the gateway served. */
  baseURL: string;
  /** Sent as a bearer token. A key in a web page is no secret: give browsers short-lived ones. */
  apiKey?: string;
  /** Of one request, and connections of one stream. */
  attempts?: number;
  /** Milliseconds before the second attempt; it doubles, and half of it is random. */
  backoffMS?: number;
  /** At most so long between two attempts; a longer Retry-After ends them. */
  maxBackoffMS?: number;
  /** Without a sign of life for so long a stream counts as broken. */
  silenceMS?: number;
  /** Characters of one event of a stream. */
  maxEvent?: number;
  fetch?: typeof globalThis.fetch;
}

/** What a single call may bring. */
export interface CallOptions {
  signal?: AbortSignal;
}

const passing = [408, 429, 502, 503];

/** Sends requests and repeats those that may pass. */
export class Transport {
  readonly options: Required<Options>;

  constructor(options: Options) {
    this.options = {
      apiKey: "", attempts: 4, backoffMS: 100, maxBackoffMS: 10_000, silenceMS: 25_000, maxEvent: 8 << 20,
      fetch: globalThis.fetch.bind(globalThis), ...options, baseURL: options.baseURL.replace(/\/$/, ""),
    };
    if (this.options.attempts < 1) throw new RangeError("attempts: must be at least 1");
  }

  headers(more: Record<string, string> = {}): Record<string, string> {
    const key: Record<string, string> = this.options.apiKey ? { Authorization: `Bearer ${this.options.apiKey}` } : {};
    return { Accept: "application/json", ...key, ...more };
  }

  /** Sends once. An answer that is not a success is a ProblemError. */
  async send(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this.options.fetch(this.options.baseURL + path, init);
    } catch (cause) {
      init.signal?.throwIfAborted();
      throw new ConnectionError(`${init.method ?? "GET"} ${path}: no answer`, { cause });
    }
    if (response.status >= 400) throw await problemOf(response);
    return response;
  }

  /** Sends until it is answered or that is hopeless, and returns what the answer holds. */
  json<T>(path: string, init: RequestInit): Promise<T> {
    return this.persist(init.signal, async () => parse<T>(await this.text(await this.send(path, init), init.signal)));
  }

  async text(response: Response, signal?: AbortSignal | null): Promise<string> {
    try {
      return await response.text();
    } catch (cause) {
      signal?.throwIfAborted();
      throw new ConnectionError("the answer broke off", { cause });
    }
  }

  /** Tries until it succeeds, the error is one that stays, or the attempts are used up. */
  async persist<T>(signal: AbortSignal | null | undefined, attempt: () => Promise<T>): Promise<T> {
    for (let n = 1; ; n++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(await this.again(error, n, signal))) throw error;
      }
    }
  }

  /** Waits before the attempt after the n-th, or says at once that there is to be none. */
  async again(error: unknown, n: number, signal: AbortSignal | null | undefined): Promise<boolean> {
    const { attempts, backoffMS, maxBackoffMS } = this.options;
    const problem = error instanceof ProblemError ? error : undefined;
    if (n >= attempts || !(error instanceof ConnectionError || (problem && passing.includes(problem.status)))) return false;
    const backoff = Math.min(backoffMS * 2 ** (n - 1), maxBackoffMS);
    const wait = Math.max(backoff * (0.5 + Math.random() / 2), problem?.retryAfterMS ?? 0);
    if (wait > maxBackoffMS) return false;
    await sleep(wait, signal);
    return true;
  }
}

/** Parses JSON of the interface. */
export function parse<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new FormatError("the answer is not JSON", { cause });
  }
}

function sleep(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

import type { Problem } from "./http.js";

/** An error answer of the gateway. */
export class ProblemError extends Error {
  override name = "ProblemError";
  readonly problem: Problem;
  /** How long the gateway asks to be left alone; 0: it does not say. */
  readonly retryAfterMS: number;

  constructor(problem: Problem, retryAfterMS = 0) {
    super(`${problem.status} ${problem.title}${problem.detail ? `: ${problem.detail}` : ""}`);
    this.problem = problem;
    this.retryAfterMS = retryAfterMS;
  }

  get status(): number {
    return this.problem.status;
  }
}

/** The connection failed or broke. What was sent over it may have arrived. */
export class ConnectionError extends Error {
  override name = "ConnectionError";
}

/** An answer that is not what the interface says. */
export class FormatError extends Error {
  override name = "FormatError";
}

/** Reads an error answer. One that is not the gateway's is known by its status alone. */
export async function problemOf(response: Response): Promise<ProblemError> {
  let problem: Problem = { type: "about:blank", title: response.statusText || `HTTP ${response.status}`, status: response.status };
  const text = await response.text().catch(() => "");
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    try {
      problem = { ...problem, ...(JSON.parse(text) as Problem), status: response.status };
    } catch {
      // The status says enough.
    }
  }
  return new ProblemError(problem, retryAfter(response.headers.get("retry-after")));
}

/** Reads either form of Retry-After (RFC 9110, 10.2.3) as milliseconds. */
export function retryAfter(value: string | null, now = Date.now()): number {
  if (value === null) return 0;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? 0 : Math.max(at - now, 0);
}

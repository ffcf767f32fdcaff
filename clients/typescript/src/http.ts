// What the HTTP interface has beside the messages. The gateway's /openapi.yaml is the source.
import type { Alternative, Decision, PublicQuery, Section, SERP, Slots, Tier, Timings, User } from "./types.js";

/** One search. Only `query` is needed. */
export interface SearchRequest {
  query: string;
  /** UUIDv7; made by the client when absent. The same id again is the same search. */
  correlation_id?: string;
  market?: string;
  locale?: string;
  platform?: string;
  client_id?: string;
  session_id?: string;
  mode?: "pre-fusion" | "post-fusion" | "search";
  deadline_ms?: number;
  experiments?: Record<string, string>;
  user?: User;
}

/** Says how a decision came about, in numbers and in words. */
export interface Why {
  summary: string;
  degraded?: string;
  mode?: "pre-fusion" | "post-fusion" | "search";
  route: string;
  confidence: number;
  source: Tier["source"];
  decided_by: string;
  tiers: (Tier & { name: string; text: string })[];
  alternatives: Alternative[];
  arm?: string;
  versions: { manifest: string; model?: string; prompt?: string };
  took_ms: number;
  cost_usd: number;
  tokens: { prompt: number; cached: number; completion: number } | null;
  spent: string;
}

/** Announces a page, so that room can be kept for its sections. */
export interface RouteEvent extends Slots {
  correlation_id: string;
  why: Why;
}

/** One step of a search: the route first, each section once as it lands, the page last. */
export type SearchEvent =
  | { type: "route"; route: RouteEvent }
  | { type: "section"; section: Section }
  | { type: "serp"; page: SERP };

/** An error answer (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  /** What is wrong and what to do. */
  detail?: string;
  correlation_id?: string;
  /** Path at which the page may yet appear. */
  page?: string;
  /** Verdicts that stand although others are missing. */
  results?: Verdict[];
}

/** What became of one interaction. */
export interface Verdict {
  event_id: string;
  status: "accepted" | "duplicate" | "rejected";
  reason?: string;
}

/** One bar of a waterfall, in milliseconds since the query was submitted. */
export interface Span {
  name: string;
  tool?: string;
  status?: Section["status"];
  reason?: string;
  start_ms: number;
  took_ms: number;
  service_ms?: number;
  cached?: boolean;
  repeated?: boolean;
  mandatory?: boolean;
}

/** The trace of one query. What the gateway does not have yet is null. */
export interface Explanation {
  correlation_id: string;
  query: PublicQuery | null;
  decision: Decision | null;
  decided_at?: string;
  why: Why;
  page: { status: SERP["status"]; coverage: number; timings: Timings; cost_usd: number; created_at: string } | null;
  waterfall: Span[];
  links: Record<string, string>;
}

/** A query to offer to somebody who types. */
export interface Suggestion {
  query: string;
  source: "popular" | "example";
}

/** What came of the searches of each route. */
export interface Online {
  as_of: string;
  routes: Record<string, { searches: number; clicks: number; streams: number; successes: number; success_rate: number }>;
}

// The messages of the pipeline. Generated from schemas/jsonschema by `npm run generate`; do not edit.

/** major.minor; a reader accepts any minor version of a major version it knows */
export type SchemaVersion = string;
/** UUIDv7 in lower case, made by the client */
export type CorrelationID = string;
/** the text as typed, with something to see in it */
export type QueryText = string;
/** ISO 3166-1 alpha-2 */
export type Market = string;
/** a short text without control characters */
export type Token = string;
/** a short text without control characters, not empty */
export type Name = string;
/** a tool, and the last token of its NATS subject */
export type Tool = string;
/** the tier of the cascade that decided */
export type Source = "cache" | "precomputed" | "student" | "llm" | "fallback";
/** who composes the calls; absent means pre-fusion, search asks no router */
export type Mode = "pre-fusion" | "post-fusion" | "search";
export type Erasure =
  | {
      clients: unknown;
    }
  | {
      users: unknown;
    };
/** One search, on pfr.queries.v1. */
export type Query = PublicQuery & {
  user?: User;
};

/** parameters of a route or a call */
export interface Params {
  [k: string]: string | number | string[];
}
/** What tools may know of the listener. It goes to tools only. */
export interface User {
  /** pseudonymous */
  id: string;
  features?: {
    [k: string]: string;
  };
}
/** The part of a query that the router may read. */
export interface PublicQuery {
  schema_version: SchemaVersion;
  correlation_id: CorrelationID;
  text: QueryText;
  market: Market;
  /** BCP 47 */
  locale: Name;
  platform?: Token;
  client_id?: Token;
  session_id?: Token;
  mode?: Mode;
  submitted_at: string;
  /** when the page must be out */
  deadline: string;
  experiments?: Experiments;
  /** a health check */
  probe?: boolean;
}
/** arm by experiment */
export interface Experiments {
  [k: string]: Name;
}
/** What a language model read and wrote. */
export interface Tokens {
  prompt: number;
  /** part of prompt */
  cached: number;
  completion: number;
}
/** One tool call. It fills one section. */
export interface Call {
  tool: Tool;
  /** unique in the decision */
  section: Name;
  title: string;
  component: Name;
  params: Params;
  /** items shown at most */
  limit: number;
  /** more items to ask for, to stand in for those that other sections show */
  spare?: number;
  /** one thing made of items, as a mix is: it keeps them all */
  whole?: boolean;
  /** from the scatter, for a query of 450 ms; the query's deadline may be nearer */
  deadline_ms: number;
  mandatory?: boolean;
  /** what becomes of a late answer; absent means drop */
  late?: "drop" | "cache";
  display?: Display;
  /** items of one artist that are shown before those of others; 0: any */
  per_artist?: number;
  /** 0 takes items by rank alone, 1 as different as can be */
  diversity?: number;
  /** what becomes of the section without items; absent means explain */
  empty?: "explain" | "omit";
  /** another tool for the same section, to compare with */
  rival?: Rival;
  /** it is called if the page has nothing to show without it; these come last */
  last_resort?: boolean;
}
/** How a section is drawn, in terms that every frontend has. */
export interface Display {
  /** how items follow each other: one below the other, side by side in lines, or in one line that scrolls sideways */
  flow: "stack" | "grid" | "shelf";
  /** how one item is drawn: a small picture with the words beside it, or a large one with the words below it */
  form: "row" | "card";
  /** so many first items are drawn large */
  lead?: number;
  /** items have numbers: the order says something */
  numbered?: boolean;
  /** what the text of the section is: a note, what was asked for, or spoken before the items */
  text?: "" | "answer" | "intro";
  /** columns of twelve on a wide screen */
  width: number;
  /** items to show at first and to reserve room for */
  room: number;
}
/** A tool that is asked for the same as a call; the section shows a mix of both answers. */
export interface Rival {
  tool: Tool;
  /** its name */
  comparison: Name;
}
/** A route that was not taken. */
export interface Alternative {
  route: Name;
  /** calibrated probability that the route is right */
  confidence: number;
}
/** One tier of the cascade that a query went through. */
export interface Tier {
  source: Source;
  outcome: "answered" | "miss" | "unsure" | "off" | "limited" | "open" | "timeout" | "invalid" | "error";
  route?: Token;
  /** calibrated probability that the route is right */
  confidence?: number;
  took_ms: number;
  cost_usd?: number;
}
/** What a query text means. */
export interface Decision {
  route: Name;
  params: Params;
  /** in layout order */
  calls: Call[];
  layout: Name;
  /** shown above the sections */
  notice?: string;
  refine?: Refinement;
  source: Source;
  /** a better tier was away */
  degraded?: boolean;
  /** calibrated probability that the route is right */
  confidence: number;
  /** of the roll-out, or experiment/arm; absent for the default */
  arm?: Token;
  /** the arms of the experiment differ for this query */
  exposed?: boolean;
  /** the next best routes, best first */
  alternatives?: Alternative[];
  /** what was asked, in order */
  tiers?: Tier[];
  manifest_version: Name;
  model_version?: Token;
  prompt_version?: Token;
  tokens: Tokens;
  cost_usd: number;
  /** time spent deciding */
  took_ms: number;
  lead?: Lead;
  quorum?: Quorum;
}
/** How a finished page may be put in another order. */
export interface Refinement {
  /** the query's deadline may be nearer */
  budget_ms: number;
  /** the first item of every mandatory section stays where it is */
  keep_top?: boolean;
}
/** The section that comes first if the decision is sure enough. */
export interface Lead {
  section: Name;
  /** the least that the decision must have */
  confidence: number;
}
/** Once every mandatory section and so many in all have landed, the others have so long. */
export interface Quorum {
  sections: number;
  patience_ms: number;
}
/** One result. */
export interface Item {
  /** catalogue id: the type, a colon and a name */
  id: string;
  type: Name;
  title: string;
  subtitle?: string;
  artists?: string[];
  genres?: string[];
  /** YYYY, YYYY-MM or YYYY-MM-DD */
  release_date?: string;
  /** comparable within one section only */
  score: number;
  /** a reason to show */
  why?: string;
  /** invented for a sample catalogue */
  synthetic?: boolean;
  /** of a release: album, single, ep, live, compilation, ... */
  kind?: Token;
  /** other versions of the same work that this item stands for: live, remaster, deluxe, single, ... */
  versions?: string[];
  /** whose the item is, in a section with a rival */
  team?: "a" | "b";
}
/** The part of a decision that a page shows. */
export interface RouteSummary {
  name: Name;
  params: Params;
  source: Source;
  degraded?: boolean;
  confidence: number;
  manifest_version: Name;
  model_version?: Token;
  /** of the roll-out, or experiment/arm; absent for the default */
  arm?: Token;
  /** the arms of the experiment differ for this query */
  exposed?: boolean;
  /** the next best routes, best first */
  alternatives?: Alternative[];
  /** what was asked, in order */
  tiers?: Tier[];
}
/** The answer of one call. */
export interface Section {
  id: Name;
  title: string;
  /** hero, carousel, list, answer, mix, ... */
  component: Name;
  tool: Tool;
  status: "ok" | "empty" | "timeout" | "error" | "invalid" | "shed" | "no_responder";
  /** why it is not ok, for a person */
  reason?: string;
  text?: string;
  /** from scatter to gather */
  took_ms: number;
  /** in the tool */
  service_ms?: number;
  /** best first */
  items: Item[];
  display?: Display;
  mandatory?: boolean;
  /** the tool had answered an equal call */
  cached?: boolean;
  /** the call was repeated, and the repeat answered first */
  repeated?: boolean;
  /** team B of the items, where they are a mix of two tools' answers */
  rival?: Rival;
}
/** Where the time of a page went. */
export interface Timings {
  /** submitted to decided, without deciding */
  queued_ms: number;
  /** deciding */
  router_ms: number;
  /** scatter to gather */
  tools_ms: number;
  /** putting items in order */
  refine_ms?: number;
  /** submitted to page */
  total_ms: number;
}
/** The room for one section. */
export interface Slot {
  id: Name;
  title: string;
  component: Name;
  tool: Tool;
  display?: Display;
}
/** The page that a decision leads to. */
export interface Slots {
  route: RouteSummary;
  layout: Name;
  notice?: string;
  /** in layout order */
  slots: Slot[];
}
/** What analytics may know of the query of a page. Who asked is named by salted pseudonyms alone. */
export interface Asked {
  /** when the query was submitted */
  at: string;
  locale: Name;
  platform?: Token;
  mode?: Mode;
  /** pseudonym of whom arms are assigned to */
  client?: Token;
  /** pseudonym */
  session?: Token;
  /** pseudonym */
  user?: Token;
  experiments?: Experiments;
  /** features of the user that the operator has named one by one */
  features?: {
    [k: string]: string;
  };
}
/** Durations in logarithmic bins: with g = 1.01 / 0.99, bin i counts those in (g^(i-1), g^i] milliseconds. */
export interface Histogram {
  /** a microsecond or less */
  zero?: number;
  /** count by bin */
  bins?: {
    [k: string]: number;
  };
}
/** What is set for every router, by an operator or by an experiment that harms, on pfr.control.v1: either the ladder, or that an arm serves nobody. */
export interface Control {
  schema_version: SchemaVersion;
  /** the best tier that anybody may use */
  ladder?: "llm" | "student" | "search";
  /** experiment/arm */
  arm?: Token;
  /** of arm: its queries get the control's decisions */
  off?: boolean;
  /** why, for a person */
  reason?: string;
  /** the name of the key that was used, or of the part that did it */
  by: Name;
  set_at: string;
}
/** A record of pfr.dead-letters.v1 with its headers, as operators see it. */
export interface DeadLetter {
  topic: Name;
  partition: number;
  offset: number;
  key: string;
  group: string;
  /** 0 when the message could not be decoded */
  attempts: number;
  error_kind: "decode" | "permanent" | "exhausted" | "panic";
  error: string;
  failed_at: string;
  /** the redacted message; absent if it was not JSON */
  payload?: {
    [k: string]: unknown;
  };
}
export interface Erasure1 {
  schema_version: SchemaVersion;
  /** of the request: the same request again has the same one */
  id: Name;
  /** pseudonyms of client ids */
  clients?: Name[];
  /** pseudonyms of user ids */
  users?: Name[];
  requested_at: string;
}
/** What is known of an experiment, on pfr.experiments.v1. */
export interface ExperimentReadout {
  schema_version: SchemaVersion;
  /** its name, or that of the comparison */
  experiment: Name;
  /** what the readout is of */
  kind: "experiment" | "comparison";
  as_of: string;
  /** an object for who shows it; see docs/experiments.md */
  readout: {
    [k: string]: unknown;
  };
}
/** An event of User Behavior Insights 1.3, on pfr.interactions.v1. */
export interface Interaction {
  schema_version: SchemaVersion;
  /** unique */
  event_id: Name;
  /** click, stream, impression, view, ... */
  action_name: Name;
  query_id: CorrelationID;
  client_id: Name;
  session_id?: Token;
  /** when it happened, by the client's clock */
  timestamp: string;
  /** when it was sent, by the client's clock */
  sent_at?: string;
  /** when the edge took it, by the edge's clock; a client does not set it */
  received_at?: string;
  /** of the page */
  market?: Market;
  route?: Token;
  section_id?: Token;
  /** from 1 */
  section_position?: number;
  ms_played?: number;
  /** how long a section was in view */
  visible_ms?: number;
  event_attributes: {
    object: {
      /** a catalogue id; clicks and streams have one */
      object_id?: string;
      object_id_type?: Token;
    };
    position: {
      /** in the section, from 1 */
      ordinal?: number;
    };
  };
}
/** What came of the searches of one window and cut, on pfr.online-metrics.v1. */
export interface OnlineMetrics {
  schema_version: SchemaVersion;
  window: "1m" | "1h" | "1d" | "all";
  /** of the window; 0001-01-01T00:00:00Z for all */
  start: string;
  /** What is absent is not cut by; without any it is everything. */
  cut?: {
    route?: Token;
    section?: Token;
    tool?: Token;
    /** that decided */
    tier?: Token;
    market?: Token;
    platform?: Token;
    arm?: Token;
  };
  /** grows with each correction */
  revision: number;
  counts: {
    searches: number;
    clicks: number;
    /** of at least 30 s */
    streams: number;
    /** searches with a click or a stream */
    successes: number;
    success_rate: number;
    /** texts on the way to another one: in no other count */
    typed?: number;
    /** searches whose events were too many to be a listener's */
    flooded?: number;
    /** searches of which something came into view */
    viewed?: number;
    /** searches with a click */
    clicked?: number;
    /** searches with a stream */
    streamed?: number;
    /** successes that began outside the first section */
    rescues?: number;
    /** successes that began in this section; of cuts by section or tool */
    first?: number;
    /** searches without a click, a stream or another wording */
    abandoned?: number;
    /** those whose page had no answer on it */
    bad_abandoned?: number;
    /** searches that were worded otherwise soon after */
    reformulated?: number;
    /** decided from the cache or ahead of time */
    known?: number;
    /** decided by the fallback */
    fallbacks?: number;
    /** pages of that status */
    degraded?: number;
    /** pages of that status */
    partial?: number;
    /** pages of that status */
    expired?: number;
    /** pages with nothing on them */
    zero_results?: number;
    /** searches for which a language model was asked */
    asked?: number;
    /** of Asked: what it said was no valid decision */
    invalid?: number;
    /** of language models */
    cost_nano_usd?: number;
    /** that were asked for */
    sections?: number;
    /** sections that found nothing */
    empty?: number;
    /** sections that were not answered */
    failed?: number;
    /** first successes by their position in the section */
    ranks?: {
      [k: string]: number;
    };
    time_to_success?: Histogram;
    /** by stage: total, queued, router, tools, refine */
    latency?: {
      [k: string]: Histogram;
    };
  };
  /** what follows from the counts, by name */
  rates?: {
    [k: string]: number;
  };
  as_of: string;
}
/** A decision made ahead of time, on pfr.precomputed-routes.v1. */
export interface PrecomputedRoute {
  schema_version: SchemaVersion;
  /** normalised query and versions */
  route_key: string;
  /** normalised */
  query: QueryText;
  decision: Decision;
  computed_at: string;
  expires_at: string;
}
/** One step of a page, on pfr.serp.v1.<correlation id>. It holds what its kind names, and nothing else. */
export interface Progress {
  schema_version: SchemaVersion;
  correlation_id: CorrelationID;
  kind: "route" | "section" | "serp";
  route?: Slots;
  section?: Section;
  serp?: SERP;
}
/** A finished search results page, on pfr.serps.v1. */
export interface SERP {
  schema_version: SchemaVersion;
  correlation_id: CorrelationID;
  query: QueryText;
  market: Market;
  route: RouteSummary;
  layout: Name;
  notice?: string;
  status: "complete" | "partial" | "degraded" | "expired";
  /** answered calls ÷ calls */
  coverage: number;
  /** in layout order */
  sections: Section[];
  /** a language model had a say in the order of items */
  refined?: boolean;
  timings: Timings;
  cost_usd: number;
  created_at: string;
  /** the page of a health check */
  probe?: boolean;
  /** found nothing and are not shown; status and reason say why */
  omitted?: Section[];
  asked?: Asked;
}
/** A query with its decision, on pfr.route-decisions.v1. */
export interface RouteDecision {
  schema_version: SchemaVersion;
  query: PublicQuery;
  user?: User;
  decision: Decision;
  decided_at: string;
}
/** What a candidate router would have decided, beside what was served, on pfr.shadow-decisions.v1. */
export interface ShadowDecision {
  schema_version: SchemaVersion;
  correlation_id: CorrelationID;
  query: QueryText;
  market: Market;
  live: Decision;
  /** its arm is the name of the candidate */
  candidate: Decision;
  /** params: the same route and parameters; route: the same route only */
  agreement: "params" | "route" | "none";
  decided_at: string;
}
/** Asks one tool to fill one section, on pfr.tool.v1.<tool>. */
export interface ToolRequest {
  schema_version: SchemaVersion;
  correlation_id: CorrelationID;
  tool: Tool;
  section: Name;
  query: QueryText;
  params: Params;
  /** items wanted */
  limit: number;
  market: Market;
  locale: Token;
  user?: User;
  deadline: string;
  /** what becomes of an answer that is not ready by the deadline; absent means drop */
  late?: "drop" | "cache";
  /** sent before, to a worker that has not answered; one that has it in hand refuses it with code 409 */
  repeat?: boolean;
}
/** Answers a tool request. */
export interface ToolResponse {
  schema_version: SchemaVersion;
  correlation_id: CorrelationID;
  section: Name;
  /** an answer or an introduction, shown above the items */
  text?: string;
  /** best first, at most the limit asked for */
  items: Item[];
  /** service time, without queueing */
  took_ms: number;
  version?: Token;
  /** the answer to an equal call, kept or shared */
  cached?: boolean;
}

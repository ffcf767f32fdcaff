export { Client, type NewInteraction } from "./client.js";
export { ConnectionError, FormatError, ProblemError } from "./errors.js";
export type * from "./http.js";
export { newID } from "./id.js";
export { EventParser, EventTooLongError, type Message } from "./sse.js";
export type { CallOptions, Options } from "./transport.js";
export type * from "./types.js";

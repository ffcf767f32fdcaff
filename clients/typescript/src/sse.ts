/** One server-sent event. */
export interface Message {
  event: string; // "message" where the stream does not say
  id: string; // the last one given, by this event or an earlier one
  data: string;
}

/** Thrown for an event that is longer than the parser takes. */
export class EventTooLongError extends Error {
  override name = "EventTooLongError";
}

/**
 * Reads server-sent events from chunks of bytes, wherever these are cut. Lines end with LF,
 * CR LF or CR, as the HTML standard (9.2.6) says; what is left at the end is no event.
 */
export class EventParser {
  #decoder = new TextDecoder(); // which keeps half a character for the next chunk
  #limit: number;
  #line = "";
  #afterCR = false;
  #event = "";
  #id = "";
  #data: string[] = [];
  #size = 0;

  /** `limit` is the most characters of one event. */
  constructor(limit = 8 << 20) {
    this.#limit = limit;
  }

  /** Returns the events that end in this chunk. */
  push(chunk: Uint8Array): Message[] {
    const text = this.#decoder.decode(chunk, { stream: true });
    const messages: Message[] = [];
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === 10 && this.#afterCR) {
        this.#afterCR = false;
        from = i + 1;
        continue;
      }
      this.#afterCR = c === 13;
      if (c !== 10 && c !== 13) continue;
      const message = this.#end(this.#line + text.slice(from, i));
      if (message) messages.push(message);
      this.#line = "";
      from = i + 1;
    }
    this.#line += text.slice(from);
    this.#bound(this.#line.length);
    return messages;
  }

  #bound(more: number): void {
    if (this.#size + more > this.#limit) throw new EventTooLongError(`an event has more than ${this.#limit} characters`);
  }

  #end(line: string): Message | undefined {
    if (line === "") return this.#dispatch();
    this.#bound(line.length);
    this.#size += line.length;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return undefined;
  }

  #dispatch(): Message | undefined {
    const message = { event: this.#event || "message", id: this.#id, data: this.#data.join("\n") };
    const has = this.#data.length > 0;
    this.#event = "";
    this.#data = [];
    this.#size = 0;
    return has ? message : undefined;
  }
}

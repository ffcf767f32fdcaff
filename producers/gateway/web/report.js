// @ts-check
// Interactions: what a listener did, on its way back to the page that it came from.

import { $ } from "./dom.js";
import { identity, uuid } from "./keep.js";

export const client = identity("localStorage", "pfr-client");
export const session = identity("sessionStorage", "pfr-session");

// send reports an interaction, also while the page is being left.
export function send(event) {
  const now = new Date().toISOString();
  const body = { event_id: uuid(), client_id: client, session_id: session, timestamp: now, sent_at: now, ...event };
  fetch("/v1/interactions", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), keepalive: true,
  }).catch(() => {}); // a lost click must not disturb who searches
}

// about describes an item of the page for an interaction.
export function about(item, action) {
  const section = item.closest(".section");
  const main = $("main");
  return {
    action_name: action, query_id: main.dataset.correlation, route: main.dataset.route,
    section_id: section.dataset.section, section_position: Number(section.dataset.position),
    event_attributes: {
      object: { object_id: item.dataset.id, object_id_type: item.dataset.type },
      position: { ordinal: Number(item.dataset.ordinal) },
    },
  };
}

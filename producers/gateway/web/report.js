// @ts-check
// Interactions: what a listener did, on its way back to the page that it came from.

import { $ } from "./dom.js";
import { identity, uuid } from "./keep.js";

export const client = identity("localStorage", "pfr-client");
export const session = identity("sessionStorage", "pfr-session");

/** send reports interactions in one go, also while the page is being left. @param {...object} events */
export function send(...events) {
  const now = new Date().toISOString();
  const bodies = events.map((event) => ({ event_id: uuid(), client_id: client, session_id: session, timestamp: now, sent_at: now, ...event }));
  fetch("/v1/interactions", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(bodies), keepalive: true,
  }).catch(() => {}); // a lost click must not disturb who searches
}

// of describes a section of the page for an interaction.
function of(section, action) {
  const { correlation, route, market } = $("main").dataset;
  return {
    action_name: action, query_id: correlation, route, market,
    section_id: section.dataset.section, section_position: Number(section.dataset.position),
  };
}

// about describes an item of the page for an interaction.
export function about(item, action) {
  return {
    ...of(item.closest(".section"), action),
    event_attributes: {
      object: { object_id: item.dataset.id, object_id_type: item.dataset.type },
      position: { ordinal: Number(item.dataset.ordinal) },
    },
  };
}

// impression describes that a section was in view. ms says for how long when it was told.
export function impression(section, ms) {
  return { ...of(section, "impression"), visible_ms: ms };
}

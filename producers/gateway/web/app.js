// @ts-check
// The page of a search: slots fill as sections land, and what is clicked and played goes
// back as interactions.

import { $ } from "./dom.js";
import { remember } from "./keep.js";
import { Player } from "./player.js";
import { about, client, impression, send, session } from "./report.js";
import { Watcher } from "./seen.js";
import * as serp from "./serp.js";
import { begin as beginShell } from "./shell.js";
import { follow } from "./stream.js";
import { toggleAll } from "./draw.js";

const form = /** @type {HTMLFormElement} */ ($("search"));
const box = /** @type {HTMLInputElement} */ ($("q"));
const market = /** @type {HTMLSelectElement} */ ($("market"));
const preFusion = "pre-fusion"; // the mode that need not be said

const mode = () => /** @type {RadioNodeList} */ (form.elements.namedItem("mode"));
const player = new Player((event, played) => send({ ...event, ms_played: played }));

const watcher = new Watcher((seen) => send(...seen.map((s) => impression(s.section, s.ms))));
const watch = () => $("main").dataset.correlation && watcher.watch($("sections").children);

let leave = () => {}; // the search in hand

// thenWatch looks which sections are seen, once something is drawn.
const thenWatch = (draw) => (data) => {
  draw(data);
  watch();
};

// begin runs a search and draws what comes.
function begin(query) {
  leave();
  watcher.stop();
  serp.start(query);
  $("main").dataset.market = market.value;
  const params = { q: query, market: market.value, mode: mode().value, platform: "web", client_id: client, session_id: session };
  let mine = true; // until another search begins
  const only = (handle) => (data) => mine && handle(data);
  const away = follow(new URLSearchParams(params), {
    route: only(serp.onRoute), section: only(thenWatch(serp.onSection)), page: only(thenWatch(serp.onPage)),
    problem: only((p) => serp.showProblem(p.title, p.detail, p.status)),
    broken: only(() => serp.say("The connection broke. Taking the search up again…")),
  });
  leave = () => {
    mine = false;
    away();
  };
}

function go(query) {
  const text = query.trim();
  if (!text) return;
  box.value = text;
  remember(text);
  const more = { ...(market.value === "US" ? {} : { market: market.value }), ...(mode().value === preFusion ? {} : { mode: mode().value }) };
  const url = `/?${new URLSearchParams({ q: text, ...more })}`;
  if (url === location.pathname + location.search) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  begin(text);
  window.scrollTo({ top: 0 });
}

form.addEventListener("submit", (e) => {
  e.preventDefault();
  go(box.value);
});

window.addEventListener("popstate", () => {
  const params = new URLSearchParams(location.search);
  const query = params.get("q");
  box.value = query ?? "";
  market.value = params.get("market") ?? "US";
  mode().value = params.get("mode") ?? preFusion;
  if (query) return begin(query);
  leave();
  watcher.stop();
  serp.home();
});

// plainly is a click that stays on this page.
const plainly = (e) => e.button === 0 && !e.metaKey && !e.ctrlKey && !e.shiftKey && !e.altKey;

document.addEventListener("click", (e) => {
  const target = /** @type {Element} */ (e.target);
  const play = target.closest(".play");
  if (play) return onPlay(play);
  if (target.closest(".all")) return toggleAll(target.closest(".section"));
  const title = target.closest(".item .title");
  if (title) send(about(title.closest(".item"), "click"));
  const link = /** @type {HTMLAnchorElement|null} */ (title ?? target.closest(".examples a, a.again"));
  if (!link || !plainly(e)) return;
  e.preventDefault();
  go(new URL(link.href).searchParams.get("q") ?? "");
});

function onPlay(button) {
  const item = button.closest(".item");
  const art = item.querySelector(".art");
  player.play({
    button, title: item.querySelector(".title").textContent, artClass: art.className, mono: art.textContent,
    event: about(item, "stream"),
  });
}

beginShell({ escape: () => player.stop() });
serp.settleAll();
$("main").dataset.market = market.value;
watch();

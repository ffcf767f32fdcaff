// @ts-check
// Follows one search. A connection that breaks is taken up again by the browser, and the
// server goes on with the same search; after a few times the page is asked for as a whole.

const RETRIES = 3;
const SILENCE = 20_000; // milliseconds without any event, before the stream counts as broken
const PATIENCE = 10_000; // milliseconds for the page as a whole

const STUCK = 100; // milliseconds after which a frame is no longer waited for

// painted resolves once what was drawn is on the screen, or as soon as nobody looks.
function painted() {
  return new Promise((done) => {
    if (document.hidden) return done(null);
    setTimeout(done, STUCK);
    requestAnimationFrame(() => setTimeout(done));
  });
}

// inFrames returns a function that runs what it is given in order, one for each frame: what
// has landed is on the screen before the next is drawn.
function inFrames(signal) {
  let last = Promise.resolve();
  return (draw) => {
    last = last.then(() => {
      if (signal.aborted) return;
      draw();
      return painted();
    });
  };
}

/**
 * follow runs a search. on has route, section, page, problem and broken; after page or
 * problem nothing more comes. It returns a function that leaves the search.
 * @param {URLSearchParams} params
 * @param {{route(data: any): void, section(data: any): void, page(data: any): void, problem(p: {title: string, detail: string, status?: number}): void, broken(): void}} on
 */
export function follow(params, on) {
  const url = `/v1/search?${params}`;
  const source = new EventSource(url);
  const leaving = new AbortController();
  const draw = inFrames(leaving.signal);
  let id = "";
  let retries = 0;
  let timer = 0;

  const stop = () => {
    source.close();
    clearTimeout(timer);
  };
  const whole = async () => {
    stop();
    const end = await fetchPage(id ? `/v1/serps/${id}` : url, leaving.signal);
    if (leaving.signal.aborted) return;
    draw(() => (end.page ? on.page(end.page) : on.problem(end.problem)));
  };
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(whole, SILENCE);
  };

  alive();
  source.addEventListener("route", (e) => {
    alive();
    const data = JSON.parse(e.data);
    id = data.correlation_id;
    on.route(data); // skeletons need not be seen before the first section is
  });
  source.addEventListener("section", (e) => {
    alive();
    draw(() => on.section(JSON.parse(e.data)));
  });
  source.addEventListener("serp", (e) => {
    stop(); // or it would connect again
    draw(() => on.page(JSON.parse(e.data)));
  });
  source.addEventListener("error", (e) => {
    if (e instanceof MessageEvent && e.data) {
      const problem = JSON.parse(e.data);
      if (problem.status === 503 && retries < RETRIES) return; // the browser takes the search up again, perhaps elsewhere
      stop();
      draw(() => on.problem(problem));
      return;
    }
    retries++;
    if (source.readyState === EventSource.CONNECTING && retries <= RETRIES) on.broken();
    else whole();
  });
  return () => {
    leaving.abort();
    stop();
  };
}

const unreachable = { title: "No answer", detail: "The connection broke or the server is away. Try it again in a moment." };

/**
 * fetchPage asks for a page without a stream, which also tells what is wrong.
 * @param {string} url @param {AbortSignal} signal
 * @returns {Promise<{page: any, problem: {title: string, detail: string, status?: number}}>} page is null if there is a problem
 */
async function fetchPage(url, signal) {
  try {
    const answer = await fetch(url, {
      headers: { Accept: "application/json" }, signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    });
    const body = await answer.json();
    if (answer.ok) return { page: body, problem: unreachable };
    return { page: null, problem: { title: body.title ?? unreachable.title, detail: body.detail ?? unreachable.detail, status: answer.status } };
  } catch {
    return { page: null, problem: unreachable };
  }
}

/** Requests to the server, and messages for failed ones. */

import { announce, button, h } from "./dom.js";

// How often a request is sent again by itself to a server that has too much to do.
const AGAIN = 3;
// Statuses for which trying the same request again is pointless.
const REFUSED = new Set([400, 401, 403, 404, 413, 422]);

/** An error response: an RFC 9457 problem, or something else. */
export class Problem extends Error {
  constructor(status, { title, detail, cure, errors } = {}) {
    super(inPlain(detail ?? `The server returned HTTP status ${status}.`));
    this.status = status;
    this.title = title ?? "Error";
    this.cure = cure ?? "";
    this.errors = errors ?? [];
  }

  /** What is wrong with a field of the body; "" where nothing is. */
  of(name) {
    const place = `body.${name}`;
    const found = this.errors.filter(
      ({ location }) => location === place || location.startsWith(`${place}.`),
    );
    return found.map(({ message }) => message).join("; ");
  }
}

/** `query.as_of: expected ...` as `As of: expected ...`: users see labels, not parameters. */
function inPlain(detail) {
  return detail.replace(/^(?:query|body)\.(\w)(\w*)(?=:)/, (_, first, rest) =>
    first.toUpperCase() + rest.replaceAll("_", " "),
  );
}

/** No response. */
export class Unreachable extends Error {
  constructor() {
    super("The server is not responding. It may have stopped, or the network may be down.");
    this.title = "No connection";
    this.cure = "Restart it with: sourcebook serve";
  }
}

/**
 * The response to a request. Throws `Problem` or `Unreachable`, and `AbortError` once `signal` is
 * aborted. Where the server has too much to do, it has begun nothing: the request is sent again
 * when the server says.
 * @param {string} address
 * @param {{method?: string, body?: object|FormData, signal?: AbortSignal,
 *   keepalive?: boolean}} [how]
 * @returns {Promise<Response>}
 */
export async function request(address, how = {}) {
  let response = await sent(address, how);
  for (let again = 0; again < AGAIN && response.status === 503; again++) {
    const seconds = Number(response.headers.get("Retry-After"));
    if (!seconds) break;
    await pause(1000 * seconds * (1 + Math.random() / 4), how.signal);
    response = await sent(address, how);
  }
  const signingIn = address === "/v1/session";
  if (response.status === 401 && !signingIn) document.dispatchEvent(new Event("keyneeded"));
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
  return response;
}

/** Waits, unless `signal` is aborted: throws what it was aborted with. */
function pause(ms, signal) {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

async function sent(address, { method = "GET", body, signal, keepalive }) {
  const form = body instanceof FormData;
  const headers = body && !form ? { "Content-Type": "application/json" } : {};
  try {
    return await fetch(address, {
      method,
      headers,
      body: form ? body : body && JSON.stringify(body),
      signal,
      keepalive,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
}

/** As `request`, but returns the parsed JSON, or null for a response without content. */
export async function call(address, how) {
  const response = await request(address, how);
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(); // the connection broke off
  }
}

/**
 * An error message: what went wrong and what to do, with a button to try again.
 * @param {Error} error
 * @param {() => void} [retry]
 */
export function failure(error, retry) {
  if (!(error instanceof Problem || error instanceof Unreachable)) console.error(error);
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", {}, h("strong", {}, error.title ?? "Error in this page"), `. ${error.message}`),
    error.cure && h("p", {}, error.cure),
    retry && h("p", {}, button("Try again", retry)),
    error.status === 404 && h("p", {}, h("a", { href: "/library" }, "See what is in the library")),
  );
}

// The last request for each place; the result of an earlier one is dropped if it arrives later.
const latest = new WeakMap();

/**
 * Fills a place with the result of `work`, or with an error message and a button to try again.
 * @param {HTMLElement} place
 * @param {() => Promise<Node|Node[]|null>} work
 */
export async function fill(place, work) {
  const turn = {};
  latest.set(place, turn);
  place.setAttribute("aria-busy", "true");
  let made;
  try {
    made = await work();
  } catch (error) {
    const again = REFUSED.has(error.status) ? null : () => fill(place, work);
    made = error.name === "AbortError" ? null : failure(error, again);
  }
  if (latest.get(place) !== turn) return;
  place.removeAttribute("aria-busy");
  if (made) place.replaceChildren(...[made].flat(Infinity).filter(Boolean));
}

/** Copies text and announces it; works without the clipboard API, too. */
export async function copy(words, what) {
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    // Only pages over https, or from this machine, have the clipboard API.
    const area = h("textarea", { class: "unseen" });
    area.value = words;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  announce(`${what} copied.`);
}

/** A button that copies the result of `words` and confirms it. */
export function copyButton(label, words, what) {
  const made = button(label, async () => {
    await copy(words(), what);
    made.textContent = "Copied";
    setTimeout(() => (made.textContent = label), 2000);
  });
  return made;
}

/** Calls to the server, and how it is shown when one fails. */

import { announce, button, h } from "./dom.js";

// What is asked for in the same words is refused again.
const REFUSED = new Set([400, 404, 413, 422]);

/** The server refused: an RFC 9457 problem, or an answer that is none. */
export class Problem extends Error {
  constructor(status, { title, detail, cure } = {}) {
    super(inPlain(detail ?? `The server returned HTTP status ${status}.`));
    this.status = status;
    this.title = title ?? "Error";
    this.cure = cure ?? "";
  }
}

/** `query.as_of: expected ...` as `As of: expected ...`, for people see labels, not parameters. */
function inPlain(detail) {
  return detail.replace(/^(?:query|body)\.(\w)(\w*)(?=:)/, (_, first, rest) =>
    first.toUpperCase() + rest.replaceAll("_", " "),
  );
}

/** Nobody answered. */
export class Unreachable extends Error {
  constructor() {
    super("The server is not responding. It may have stopped, or the network may be down.");
    this.title = "No connection";
    this.cure = "Restart it with: sourcebook serve";
  }
}

/**
 * The response to a request. Throws `Problem` or `Unreachable`, and `AbortError` once `signal` is
 * aborted.
 * @param {string} address
 * @param {{method?: string, body?: object|FormData, signal?: AbortSignal,
 *   keepalive?: boolean}} [how]
 * @returns {Promise<Response>}
 */
export async function request(address, { method = "GET", body, signal, keepalive } = {}) {
  const form = body instanceof FormData;
  const headers = body && !form ? { "Content-Type": "application/json" } : {};
  let response;
  try {
    response = await fetch(address, {
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
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
  return response;
}

/** What the server answers, read from JSON; null for an answer without content. As `request`. */
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
 * What went wrong and what to do about it, with a button to try again.
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

// What each place was last asked to show: an older answer that comes later is dropped.
const latest = new WeakMap();

/**
 * Fills a place with what `work` makes; with the failure and a way to try again if it throws.
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

/** Puts words on the clipboard and says so; also where the browser keeps its clipboard away. */
export async function copy(words, what) {
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    // Pages that do not come over https, or from this machine, have no such clipboard.
    const area = h("textarea", { class: "unseen" });
    area.value = words;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  announce(`${what} copied.`);
}

/** A button that copies what `words` gives, and says that it has. */
export function copyButton(label, words, what) {
  const made = button(label, async () => {
    await copy(words(), what);
    made.textContent = "Copied";
    setTimeout(() => (made.textContent = label), 2000);
  });
  return made;
}

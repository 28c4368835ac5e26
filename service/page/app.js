/** Routing: which view a URL shows, and moving between views. */

import { failure } from "./api.js";
import { ask } from "./ask.js";
import { evaluate } from "./evaluate.js";
import { judge } from "./judge.js";
import { library } from "./library.js";
import { read } from "./read.js";
import { showWho, signIn } from "./signin.js";
import { spanOf } from "./text.js";

/**
 * A view draws itself into `main` and returns its title.
 * @typedef {object} View
 * @property {string} title for the browser's window
 * @property {(url: URL) => Promise<void>} [moved] the same view with other parameters
 * @property {(hash: string) => void} [turned] the same view with another fragment
 * @property {() => void} [leave] called before the view is left
 *
 * @typedef {object} Frame
 * @property {(address: string) => Promise<void>} go opens a URL of this page
 * @property {(title: string) => void} name sets the title of the browser's window
 * @property {AbortSignal} signal aborted when the view is left
 */
const VIEWS = [
  [/^\/$/, ask],
  [/^\/articles\/[^/]+$/, read],
  [/^\/library$/, library],
  [/^\/judge$/, judge],
  [/^\/evaluate$/, evaluate],
];

const main = document.getElementById("main");
const who = document.getElementById("who");
let shown = { url: null, view: {}, aborter: new AbortController() };

history.scrollRestoration = "manual"; // views fill themselves later than the browser would scroll

function viewAt(url) {
  return VIEWS.find(([path]) => path.test(url.pathname))?.[1];
}

/** Opens a URL of this page, as a click on a link does. */
async function go(address) {
  history.replaceState({ top: scrollY }, "");
  const url = new URL(address, location.href);
  if (url.href === location.href) history.replaceState({}, "", url);
  else history.pushState({}, "", url);
  await show(url, { arrived: true });
}

async function show(url, { arrived = false, top = 0 } = {}) {
  const before = shown.url;
  const samePlace = before?.pathname === url.pathname;
  shown.url = url;
  if (samePlace && before.search === url.search && shown.view.turned) {
    shown.view.turned(url.hash);
  } else if (samePlace && shown.view.moved) {
    await shown.view.moved(url);
    if (!arrived) scrollTo(0, top);
  } else {
    await open(url, arrived);
    const placed = main.contains(document.activeElement);
    if (arrived && !placed) main.querySelector("h1")?.focus({ preventScroll: true });
    if (!spanOf(url.hash)) scrollTo(0, top);
  }
}

async function open(url, arrived) {
  shown.view.leave?.();
  shown.aborter.abort();
  const aborter = new AbortController();
  shown = { url, view: {}, aborter };
  main.replaceChildren();
  markPlace(url);
  const name = (title) => (document.title = title ? `${title} · Sourcebook` : "Sourcebook");
  const place = document.createElement("div");
  main.append(place);
  try {
    const view = await viewAt(url)(place, url, { go, name, signal: aborter.signal, arrived });
    if (aborter.signal.aborted) return;
    shown.view = view;
    name(view.title);
  } catch (error) {
    if (error.name !== "AbortError") place.append(failure(error, () => open(url, arrived)));
  }
  for (const heading of main.querySelectorAll("h1")) heading.tabIndex = -1;
}

/** Replaces the view by a form to sign in with; then the view is opened anew. */
function askForKey() {
  if (main.querySelector("form[data-signin]")) return;
  shown.view.leave?.();
  shown.aborter.abort();
  shown = { url: shown.url, view: {}, aborter: new AbortController() };
  main.replaceChildren(...signIn(() => {
    showWho(who, askForKey);
    open(new URL(location.href), true);
  }));
  document.title = "Sign in · Sourcebook";
  main.querySelector("input").focus();
}

function markPlace(url) {
  for (const link of document.querySelectorAll("nav a")) {
    if (link.pathname === url.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const keys = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  if (!link || event.button || keys || event.defaultPrevented) return;
  if (link.target || link.hasAttribute("download")) return;
  if (link.classList.contains("skip")) {
    event.preventDefault();
    main.focus();
  } else if (link.origin === location.origin && viewAt(link) && !isNote(link)) {
    event.preventDefault();
    go(link.href);
  }
});

/** Whether a link points to a place in the same view, such as a note; the browser handles it. */
function isNote(link) {
  return link.hash && !spanOf(link.hash) && isHere(link);
}

function isHere(url) {
  return location.pathname === url.pathname && location.search === url.search;
}

addEventListener("popstate", (event) => {
  const url = new URL(location.href);
  if (isHere(shown.url) && url.hash !== shown.url.hash && !shown.view.turned) shown.url = url;
  else show(url, { top: event.state?.top });
});
// Going to another site or closing the page also leaves the view.
addEventListener("pagehide", () => shown.view.leave?.());
addEventListener("pageshow", (event) => event.persisted && open(new URL(location.href), false));

document.addEventListener("keyneeded", askForKey);
showWho(who, askForKey);
show(new URL(location.href));

/** Makes elements. Text is always inserted as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element. Attributes that are null or false are left out; functions become listeners.
 * @param {string} name
 * @param {Object<string, any>} [attributes]
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 * @returns {HTMLElement}
 */
export function h(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An SVG element; as `h`. */
export function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/**
 * An element with text from articles or users, which has its own direction and language.
 * @param {string} name
 * @param {string|Array} words
 * @param {string} [language] a code such as `en`
 * @param {Object<string, any>} [attributes]
 */
export function untrusted(name, words, language, attributes = {}) {
  return h(name, { dir: "auto", lang: language || null, ...attributes }, words);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, String(value));
  }
  element.append(...children.flat(Infinity).filter(isShown).map(asNode));
  return element;
}

const isShown = (child) => child !== null && child !== undefined && child !== false;
const asNode = (child) => (child instanceof Node ? child : String(child));

/** A paragraph in small grey type. */
export const quiet = (...words) => h("p", { class: "quiet" }, words);

/** Buttons and links in a row. */
export const actions = (...controls) => h("p", { class: "actions" }, controls);

/** Content that is hidden until its summary is clicked. */
export const folded = (words, ...content) => h("details", {}, h("summary", {}, words), content);

/** A link that opens in a new tab. */
export const outward = (address, words) =>
  h("a", { href: address, target: "_blank", rel: "noopener" }, words);

/** A push button that does something on this page. */
export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", click: onclick, ...attributes }, label);
}

let numbered = 0;

/** A unique element id. */
export function newId(name) {
  numbered += 1;
  return `${name}-${numbered}`;
}

/**
 * A label with its control.
 * @param {string} label
 * @param {HTMLElement} control an input, select or textarea
 * @param {string} [hint]
 */
export function field(label, control, hint) {
  control.id ||= newId("field");
  const told = hint && h("span", { class: "hint", id: `${control.id}-hint` }, hint);
  if (told) control.setAttribute("aria-describedby", told.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, told);
}

/** A `select` of (value, label) pairs. */
export function choice(pairs, chosen, attributes = {}) {
  const option = ([value, label]) => h("option", { value, selected: value === chosen }, label);
  return h("select", attributes, pairs.map(option));
}

/** Announces something to screen readers, without moving the focus. */
export function announce(words) {
  const status = document.getElementById("status");
  status.textContent = "";
  setTimeout(() => (status.textContent = words), 50); // the same words twice are told twice
}

/** A table that scrolls horizontally if it is wider than the screen. */
export function scrolled(label, ...rows) {
  const table = h("table", { "aria-label": label }, rows);
  return h("div", { class: "scrolled", role: "region", "aria-label": label, tabindex: 0 }, table);
}

/** `1 article`, `2 articles`. */
export function count(number, noun, nouns = `${noun}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : nouns}`;
}

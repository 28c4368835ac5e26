/** Read: an article with a quote highlighted, at a permanent URL. */

import { call, copyButton } from "./api.js";
import { citeDialog } from "./cite.js";
import { removalList } from "./cleaning.js";
import { attention, correctButton, pageSays } from "./correct.js";
import { actions, announce, button, count, untrusted, h, outward, quiet } from "./dom.js";
import { addressOf, CodePoints, inWords, lengthOf, spanOf, titleOf, whoAndWhen } from "./text.js";

const TAGS = { heading: "h2" };
const CLASSES = { row: "table-row", header: "table-header", item: "list-item" };
// As on the server: a link to a long quote contains only its first and last words.
const LINK_WORDS = 16;
const LINK_EDGE_WORDS = 6;
const CELLS = " | "; // between those of a table's row

/** The view of `/articles/ID#start-end`. */
export async function read(place, url, { go, name, signal }) {
  const id = decodeURIComponent(url.pathname.split("/").pop());
  const address = `/v1/articles/${encodeURIComponent(id)}`;
  const article = await call(address, { signal });
  const text = new CodePoints(article.text);
  const body = h("div", { class: "body", dir: "auto", lang: article.language || null });
  const tools = h("div", { class: "tools", role: "region", "aria-label": "Highlighted passage" });
  let hash = url.hash;
  let [top, beside] = [head(article), facts(article, corrected)];
  place.append(
    h(
      "article",
      { class: "reading" },
      top,
      tools,
      h("div", { class: "columns" }, h("div", {}, body, cleaning(article)), beside),
    ),
  );

  /** Shows the article as it was corrected; its text is the same. */
  async function corrected() {
    Object.assign(article, await call(address, { signal }));
    const before = [top, beside];
    [top, beside] = [head(article), facts(article, corrected)];
    before.forEach((old, at) => old.replaceWith([top, beside][at]));
    body.lang = article.language;
    name(titleOf(article));
    turned(hash);
    beside.querySelector(".correct").focus();
  }

  function turned(to) {
    hash = to;
    const span = spanOf(hash);
    const within = span && span.start < text.length;
    drawText(body, article, text, within ? span : null);
    tools.replaceChildren(...quoteTools(article, text, within ? span : null));
    const quote = body.querySelector("#quote");
    if (quote) {
      quote.scrollIntoView({ block: "center" });
      quote.focus({ preventScroll: true });
      announce("The quote is highlighted in the text.");
    } else if (span) {
      tools.append(outside(span, text.length));
    }
  }

  onSelection(body, tools, signal, (span) => go(addressOf(article.id, span)));
  turned(url.hash);
  // Scrolling has no effect before the first frame is drawn.
  requestAnimationFrame(() => body.querySelector("#quote")?.scrollIntoView({ block: "center" }));
  return { title: titleOf(article), turned };
}

function head(article) {
  return h(
    "header",
    {},
    untrusted("h1", titleOf(article), article.language),
    quiet(
      untrusted(
        "span",
        [article.authors.join(", "), whoAndWhen(article)].filter(Boolean).join(" · "),
      ),
    ),
    attention(article),
  );
}

function outside(span, length) {
  return h(
    "p",
    { class: "notice bad", role: "alert" },
    `This link points to characters ${span.start} to ${span.end}, but the text has only ${length}. ` +
      "The article may have been replaced since the link was made.",
  );
}

/** Draws the blocks of the text; each has its start offset, to locate selections. */
function drawText(body, article, text, span) {
  let first = true;
  const marked = ({ quote, from, to }) => {
    const attributes = !quote ? { class: "context" } : first ? { tabindex: -1, id: "quote" } : {};
    if (quote) first = false;
    return h("mark", attributes, text.slice(from, to));
  };
  // In the order of the text, without overlap: a link can be made by hand.
  const spans = (span ? [{ ...span, quote: true }, ...span.context] : []).sort(
    (one, other) => one.start - other.start,
  );
  const blocks = article.blocks.map(({ kind, start, end }) => {
    const words = [];
    let done = start;
    for (const { quote, ...one } of spans) {
      const [from, to] = [Math.max(done, one.start), Math.min(end, one.end)];
      if (from >= to) continue;
      words.push(text.slice(done, from), marked({ quote, from, to }));
      done = to;
    }
    words.push(text.slice(done, end));
    return h(TAGS[kind] ?? "p", { "data-start": start, class: CLASSES[kind] ?? kind, dir: "auto" }, words);
  });
  body.replaceChildren(...blocks);
}

function quoteTools(article, text, span) {
  const spans = span ? [span, ...span.context] : [];
  const quotes = spans.map(({ start, end }) => text.slice(start, end));
  const link = article.url && (span ? fragmentLink(article.url, quotes) : article.url);
  const permanent = () => new URL(addressOf(article.id, span), location.href).href;
  return [
    button(
      span ? "Cite this passage" : "Cite this article",
      () => citeDialog({ article, ...span }),
    ),
    copyButton("Copy permanent link", permanent, "Link"),
    link && outward(link, "Open at publisher"),
    h("span", { class: "quiet hint" }, "Select text to highlight and cite it."),
  ].filter(Boolean);
}

/** A URL that scrolls to the first of some quotes and marks all (WICG, "Text fragments"). */
function fragmentLink(url, quotes) {
  return `${url.split("#")[0]}#:~:${quotes.map(directive).join("&")}`;
}

/** What a browser looks for: a text, or of a long one or a row the first and last words. */
function directive(quote) {
  const words = quote.split(/\s+/).filter(Boolean);
  const cells = quote.split(CELLS);
  let parts = [words.join(" ")];
  if (cells.length > 1) {
    parts = [cells[0], cells.at(-1)].map((cell) => cell.trim()).filter(Boolean);
  } else if (words.length > LINK_WORDS) {
    parts = [words.slice(0, LINK_EDGE_WORDS), words.slice(-LINK_EDGE_WORDS)].map((some) =>
      some.join(" "),
    );
  }
  const encoded = parts.map((part) => encodeURIComponent(part).replaceAll("-", "%2D"));
  return `text=${encoded.join(",")}`;
}

/** Offers to highlight the selected text. */
function onSelection(body, tools, signal, mark) {
  const offer = button("Highlight selection", () => mark(spanOfSelection(body)), { class: "offer" });
  document.addEventListener(
    "selectionchange",
    () => {
      if (spanOfSelection(body)) tools.prepend(offer);
      else offer.remove();
    },
    { signal },
  );
  // Pressing the button must not clear the selection.
  offer.addEventListener("mousedown", (event) => event.preventDefault());
}

function spanOfSelection(body) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const start = offsetOf(body, range.startContainer, range.startOffset);
  const end = offsetOf(body, range.endContainer, range.endOffset);
  return start !== null && end !== null && start < end ? { start, end } : null;
}

/** The offset in the article, in code points, of a place in its blocks. */
function offsetOf(body, node, offset) {
  const block = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest?.(
    "[data-start]",
  );
  if (!block || !body.contains(block)) return null;
  const before = document.createRange();
  before.setStart(block, 0);
  before.setEnd(node, offset);
  return Number(block.dataset.start) + lengthOf(before.toString());
}

function cleaning(article) {
  const found = article.removals.length;
  if (!found) return quiet("Cleaning removed nothing from this article.");
  return h(
    "details",
    { class: "cleaning" },
    h("summary", {}, `What cleaning removed (${count(found, "part")})`),
    removalList(article),
  );
}

function facts(article, corrected) {
  const link = (one) => h("a", { href: addressOf(one.id), dir: "auto" }, titleOf(one));
  const dated = (name) =>
    article[name] &&
    [
      inWords(article[name]),
      !(name in article.corrected) &&
        article.date_sources[name] &&
        `(from: ${article.date_sources[name]})`,
    ]
      .filter(Boolean)
      .join(" ");
  const own = (name, value) => {
    const said = pageSays(article, name);
    return said ? [value || "none", said] : value;
  };
  const known = [
    ["Title", article.corrected.title === undefined ? "" : own("title", article.title)],
    ["Publisher", own("publisher", article.publisher)],
    ["Authors", own("authors", article.authors.join(", "))],
    ["Published", own("published", dated("published"))],
    ["Modified", own("modified", dated("modified"))],
    ["Retrieved", dated("retrieved")],
    ["Language", own("language", article.language)],
    ["Tags", own("tags", article.tags.join(", "))],
    ["URL", own("url", article.url && outward(article.url, article.url))],
    ["Source", article.source],
    ["Copy of", article.copy_of && h("a", { href: addressOf(article.copy_of) }, article.copy_of)],
    ["Copies", article.copies.length > 0 && h(
      "ul",
      {},
      article.copies.map((one) => h("li", {}, link(one))),
    )],
    ["Other versions", article.versions.length > 0 && h(
      "ul",
      {},
      article.versions.map((one) => h("li", {}, link(one))),
    )],
    ["Passages", article.passages],
    ["Characters", article.characters.toLocaleString("en")],
    ["Added", article.added.replace("T", " ").replace("Z", " UTC")],
    ["SHA-256 of the text", h("code", {}, article.sha256)],
    ...Object.entries(article.extra).map(([name, value]) => [name, asText(value)]),
  ];
  return h(
    "aside",
    { "aria-label": "About this article" },
    actions(correctButton(article, corrected)),
    h(
      "dl",
      {},
      known
        .filter(([, value]) => value || value === 0)
        .map(([name, value]) => [h("dt", {}, name), h("dd", { dir: "auto" }, value)]),
    ),
  );
}

/** Other metadata as text: lists with commas, objects as `name: value; name: value`. */
function asText(value) {
  if (Array.isArray(value)) return value.map(asText).join(", ");
  if (typeof value !== "object" || value === null) return String(value ?? "");
  const pairs = Object.entries(value);
  return pairs.map(([name, one]) => `${name}: ${asText(one)}`).join("; ");
}

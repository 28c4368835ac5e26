/** Citing: a quote with its reference in six styles, and saving an answer as a document. */

import { call, copyButton, fill, request } from "./api.js";
import { actions, button, choice, field, untrusted, h, quiet } from "./dom.js";
import { addressOf, titleOf, today } from "./text.js";

const PRINTED = [
  ["apa", "APA"],
  ["chicago", "Chicago (notes)"],
  ["mla", "MLA"],
];
const STYLES = [
  ...PRINTED,
  ["bibtex", "BibTeX"],
  ["ris", "RIS"],
  ["csl-json", "CSL-JSON"],
];
const FORMATS = [
  ["markdown", "Markdown"],
  ["html", "HTML, for word processors"],
];

// The style is remembered for as long as the page is open.
let preferred = "apa";

function styleChoice(styles) {
  const select = choice(styles, preferred);
  select.addEventListener("change", () => (preferred = select.value));
  return select;
}

/**
 * Shows the reference of a quote or an article, for copying.
 * @param {{article: object, start?: number, end?: number, context?: object[]}} cited
 */
export function citeDialog({ article, start, end, context = [] }) {
  const aborter = new AbortController();
  const style = styleChoice(STYLES);
  const shown = h("div", { class: "reference", "aria-live": "polite" });
  let cited = { text: "", reference: "" };
  const reference = copyButton("Copy reference", () => cited.reference, "Reference");
  const everything = copyButton("Copy quote and reference", () => cited.text, "Citation");

  function draw() {
    const query = new URLSearchParams({ style: style.value, accessed: today() });
    if (end) for (const [name, value] of Object.entries({ start, end })) query.set(name, value);
    for (const need of context) query.append("context", `${need.start}-${need.end}`);
    const address = `/v1/articles/${encodeURIComponent(article.id)}/cite?${query}`;
    return fill(shown, async () => {
      cited = { text: "", reference: "" };
      cited = await call(address, { signal: aborter.signal });
      // Entries for programs contain the quote, so there is no separate reference to copy.
      reference.hidden = end && cited.text === cited.reference;
      return untrusted("pre", cited.text, article.language, { tabindex: 0, "aria-label": "Citation" });
    });
  }

  const permanent = new URL(addressOf(article.id, end && { start, end, context }), location.href).href;
  const closed = () => {
    aborter.abort();
    dialog.remove();
  };
  const dialog = h(
    "dialog",
    { "aria-labelledby": "cite-title", class: "cite", close: closed },
    h("h2", { id: "cite-title" }, end ? "Cite this passage" : "Cite this article"),
    quiet(untrusted("cite", titleOf(article), article.language)),
    field("Style", style),
    shown,
    actions(
      end ? everything : null,
      reference,
      copyButton("Copy permanent link", () => permanent, "Link"),
      button("Close", () => dialog.close()),
    ),
  );
  style.addEventListener("change", draw);
  document.body.append(dialog);
  dialog.showModal();
  draw();
}

/** Saves an answer with its notes as a file. @param {URLSearchParams} wanted the question */
export function exportForm(wanted) {
  const [format, style] = [choice(FORMATS, "markdown"), styleChoice(PRINTED)];
  const told = h("div");

  async function save(event) {
    event.preventDefault();
    const query = new URLSearchParams(
      [...wanted, ["format", format.value], ["style", style.value]],
    );
    await fill(told, async () => {
      const response = await request(`/v1/export?${query}`);
      const link = h("a", {
        href: URL.createObjectURL(await response.blob()),
        download: `answer.${format.value === "html" ? "html" : "md"}`,
      });
      link.click();
      URL.revokeObjectURL(link.href);
      return quiet(`Saved as ${link.download}.`);
    });
  }

  return h(
    "form",
    { class: "panel", submit: save, "aria-labelledby": "export-title" },
    h("h3", { id: "export-title" }, "Save or print"),
    h("div", { class: "row" }, field("Format", format), field("Citation style", style)),
    actions(
    h("button", {}, "Save answer"), button("Print", () => print())),
    told,
  );
}

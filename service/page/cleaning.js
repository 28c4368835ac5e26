/** The cleaning report: what was taken out of an article, and by which rule. */

import { folded, foreign, h, quiet } from "./dom.js";

/** The removals of an article, each foldable. */
export function removalList({ removals, language }) {
  const one = ({ rule, start, end, text }) =>
    h(
      "li",
      {},
      folded(rule, " ", h("span", { class: "quiet" }, foreign("span", opening(text), language)),
        foreign("pre", text, language),
        quiet(`Characters ${start} to ${end} of the raw text.`),
      ),
    );
  return h("ol", { class: "removals" }, removals.map(one));
}

function opening(text) {
  const words = text.trim().replace(/\s+/g, " ");
  return words.length > 60 ? `${words.slice(0, 60)}…` : words;
}

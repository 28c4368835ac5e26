/** The cleaning report: what was removed from an article, and by which rule. */

import { folded, untrusted, h, quiet } from "./dom.js";

/** The removals of an article; each can be expanded. */
export function removalList({ removals, language }) {
  const one = ({ rule, start, end, text }) =>
    h(
      "li",
      {},
      folded(rule, " ", h("span", { class: "quiet" }, untrusted("span", opening(text), language)),
        untrusted("pre", text, language),
        quiet(`Characters ${start} to ${end} of the raw text.`),
      ),
    );
  return h("ol", { class: "removals" }, removals.map(one));
}

function opening(text) {
  const words = text.trim().replace(/\s+/g, " ");
  return words.length > 60 ? `${words.slice(0, 60)}…` : words;
}

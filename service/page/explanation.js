/** How an answer came about: what each stage made of the question, loaded when it is opened. */

import { call, fill } from "./api.js";
import { announce, count, h, quiet, scrolled, untrusted } from "./dom.js";
import { addressOf } from "./text.js";

const HEAD = ["", "Passage", "Meaning", "Words", "Rank", "Score", "Reader", "Outcome"];

/**
 * A fold that asks the question again, and shows how its answer came about.
 * @param {object} answer what `/v1/ask` said
 * @param {URLSearchParams} wanted the question and its filters
 * @param {AbortSignal} signal
 */
export function explanationFold(answer, wanted, signal) {
  const answered = answer.status === "answered";
  const place = h("div", { class: "explanation" });
  let asked = false;
  return h(
    "details",
    {
      class: "why",
      toggle: ({ target }) => {
        if (!target.open || asked) return;
        asked = true;
        fill(place, async () => explained(await again(wanted, signal), answer));
      },
    },
    h("summary", {}, answered ? "Why this answer?" : "Why no answer?"),
    place,
  );
}

const again = (wanted, signal) =>
  call(`/v1/ask?${new URLSearchParams([...wanted, ["explain", "true"]])}`, { signal });

function explained({ explanation: found, generation }, answer) {
  announce(`${found.because} ${found.advice}`);
  const same = found.merged
    ? `; ${found.merged.toLocaleString("en")} of them repeat the text of a better one`
    : "";
  const reached = found.confidence >= found.needed ? "reaches" : "lies below";
  return [
    generation === answer.generation
      ? null
      : h("p", { class: "warning" }, "The library has changed since. Ask again to see its answer."),
    h("p", { dir: "auto" }, h("strong", {}, found.because)),
    h("p", {}, found.advice),
    h(
      "p",
      {},
      `Search found ${count(found.found, "passage")}${same}. `,
      found.read
        ? `The reader read ${count(found.read, "passage")}. `
        : "No reader was at work. ",
      `The confidence, ${found.confidence.toFixed(3)}, ${reached} ${found.needed.toFixed(3)}.`,
    ),
    found.passages.length ? passages(found.passages) : null,
  ];
}

function passages(found) {
  return [
    scrolled(
      "What became of the passages found",
      h("thead", {}, h("tr", {}, HEAD.map(heading))),
      h("tbody", {}, found.map(row)),
    ),
    quiet(
      "Meaning and words are the scores of search. A reader’s value above 0 says that the passage " +
        "answers.",
    ),
  ];
}

const heading = (words) =>
  h("th", { scope: "col" }, words || h("span", { class: "unseen" }, "Place"));

function row(one) {
  const numbers = [one.dense, one.lexical].map(figure);
  return h(
    "tr",
    {},
    h("td", { class: "number" }, one.place),
    h(
      "th",
      { scope: "row" },
      h("a", { href: addressOf(one.article_id, one), dir: "auto" }, one.title),
      quiet(untrusted("span", `${one.opening} …`)),
      one.lacks.length ? quiet(`Does not contain: ${one.lacks.join(", ")}`) : null,
    ),
    numbers.map((value) => h("td", { class: "number" }, value)),
    h("td", { class: "number" }, one.rank),
    h("td", { class: "number" }, figure(one.score)),
    h("td", { class: "number" }, one.logit === null ? "not read" : figure(one.logit)),
    h("td", {}, one.outcome),
  );
}

const figure = (value) => value.toFixed(2);

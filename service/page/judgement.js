/** Judging an answer; judgements are stored in the library, so that complaints become tests. */

import { call, failure, fill } from "./api.js";
import { actions, announce, button, field, folded, untrusted, h } from "./dom.js";
import { titleOf, whoAndWhen } from "./text.js";

const OFFERED = 8;

const quoteOf = ({ article, start, end }) => ({ article_id: article.id, start, end });

/**
 * The panel for judging an answer.
 * @param {object} answer
 * @param {URLSearchParams} wanted the question and its filters
 * @param {AbortSignal} signal
 */
export function judgement(answer, wanted, signal) {
  const silent = answer.status !== "answered";
  const said = new Set(answer.sentences.flatMap((sentence) => sentence.citations));
  const shown = answer.citations.filter(({ number }) => said.has(number)).map(quoteOf);
  const told = h("div", { "aria-live": "polite" });
  const more = h("div");
  const note = h("textarea", { rows: 2, dir: "auto", maxlength: 2000 });

  async function keep(verdict, quotes) {
    const body = { question: wanted.get("q"), verdict, quotes, note: note.value.trim() };
    try {
      await call("/v1/judgements", { method: "POST", body, signal });
    } catch (error) {
      told.replaceChildren(failure(error, () => keep(verdict, quotes)));
      return;
    }
    more.replaceChildren();
    told.replaceChildren(
      h(
        "p",
        { class: "notice good" },
        "Saved in the library. Thank you. ",
        h("a", { href: "/judge" }, "All judgements"),
      ),
    );
  }

  const open = () =>
    fill(more, async () => {
      const made = await passageForm(wanted, keep, signal);
      announce("Choose the right passage.");
      return made;
    });
  const choices = silent
    ? [
        button("Right, it is not in the library", () => keep("unanswerable", [])),
        button("Wrong, it is in the library", () => keep("wrong", shown)),
      ]
    : [
        button("This is right", () => keep("right", shown)),
        button("This is wrong", () => keep("wrong", shown)),
        button("It is not in the library", () => keep("unanswerable", [])),
      ];
  return h(
    "section",
    { class: "panel", "aria-labelledby": "judge-title" },
    h("h3", { id: "judge-title" }, "Is this answer right?"),
    actions(choices, button("Choose the right passage", open)),
    more,
    folded("Add a note", field("Note, saved with your judgement", note)),
    told,
  );
}

/** Lets the user choose the right passage among search results, or paste it. */
async function passageForm(wanted, keep, signal) {
  const body = { question: wanted.get("q"), limit: OFFERED };
  const { hits } = await call("/v1/search", { method: "POST", body, signal });
  const boxes = hits.map(({ citation }) => {
    const box = h("input", { type: "checkbox" });
    const label = h(
      "label",
      {},
      box,
      untrusted("span", citation.exact, citation.article.language),
      h(
        "span",
        { class: "quiet", dir: "auto" },
        `${titleOf(citation.article)}, ${whoAndWhen(citation.article)}`,
      ),
    );
    return { box, label, quote: quoteOf(citation) };
  });
  const pasted = h("textarea", { rows: 3, dir: "auto" });
  const told = h("div");

  async function submit(event) {
    event.preventDefault();
    const chosen = boxes.filter(({ box }) => box.checked).map(({ quote }) => quote);
    await fill(told, async () => {
      if (pasted.value.trim()) chosen.push(await located(pasted.value.trim(), signal));
      if (!chosen.length) return h("p", { class: "warning" }, "Choose a passage or paste one.");
      await keep("passage", chosen);
      return null;
    });
  }

  return h(
    "form",
    { class: "passages", submit },
    h(
      "fieldset",
      {},
      h("legend", {}, "Right passage"),
      boxes.map(({ label }) => label),
      field(
        "Or paste words from an article",
        pasted,
        "They must match the article exactly.",
      ),
    ),
    told,
    actions(
  h("button", {}, "Save")),
  );
}

/** Finds pasted words in the library. */
async function located(quote, signal) {
  const { verdicts } = await call("/v1/verify", { method: "POST", body: { quote }, signal });
  const place = verdicts[0].locations[0];
  if (!place) {
    const error = new Error("No article in the library contains these words.");
    error.title = "Not found";
    throw error;
  }
  return { article_id: place.article_id, start: place.start, end: place.end };
}

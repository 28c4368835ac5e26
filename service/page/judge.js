/** Judge: lists readers' judgements, for export and deletion. */

import { call, failure, fill } from "./api.js";
import { actions, announce, button, count, folded, untrusted, h } from "./dom.js";
import { addressOf, inWords } from "./text.js";

const PAGE = 50;

const VERDICTS = {
  right: "Right",
  wrong: "Wrong",
  passage: "Another passage is right",
  unanswerable: "Not in the library",
};

/** The view of `/judge`. */
export async function judge(place, url, { signal }) {
  const list = h("div");
  place.append(
    h("h1", {}, "Judgements"),
    h(
      "p",
      { class: "lead" },
      "What readers said about answers. Use them as judged questions to measure later changes: ",
      h("a", { href: "/evaluate" }, "start an evaluation"),
      ".",
    ),
    list,
  );
  await fill(list, () => judgements(list, signal));
  return { title: "Judgements" };
}

async function judgements(list, signal) {
  const { total, judgements: found } = await page(0, signal);
  if (!total) {
    return h(
      "p",
      { class: "notice" },
      "No answers judged yet. ",
      h("a", { href: "/" }, "Ask a question"),
      ", then say below the answer whether it is right.",
    );
  }
  const again = () => fill(list, () => judgements(list, signal));
  return [
    actions(h(
        "a",
        { href: "/v1/judgements/export", download: "judged-questions.jsonl", class: "strong" },
        "Save judged questions for sourcebook eval",
      ),
    ),
    ...shown(found, total, 0, again, signal),
  ];
}

const page = (offset, signal) => call(`/v1/judgements?limit=${PAGE}&offset=${offset}`, { signal });

/** One page of judgements, and a button that puts the next one in its own place. */
function shown(found, total, offset, again, signal) {
  const parts = [h("ul", { class: "judged" }, found.map((one) => entry(one, again)))];
  const next = offset + found.length;
  if (found.length && next < total) {
    const rest = h("div");
    const more = async () => {
      const { judgements: further, total: now } = await page(next, signal);
      return shown(further, now, next, again, signal);
    };
    rest.append(actions(button("Show older judgements", () => fill(rest, more))));
    parts.push(rest);
  }
  return parts;
}

function entry(one, again) {
  const told = h("div");
  async function remove() {
    try {
      await call(`/v1/judgements/${encodeURIComponent(one.id)}`, { method: "DELETE" });
    } catch (error) {
      told.replaceChildren(failure(error, remove));
      return;
    }
    announce("Judgement deleted.");
    await again();
  }
  const place = (quote) =>
    h(
      "li",
      {},
      h("a", { href: addressOf(quote.article_id, quote), dir: "auto" }, quote.text),
    );
  return h(
    "li",
    {},
    h(
      "p",
      {},
      h("a", { href: `/?${new URLSearchParams({ q: one.question })}`, dir: "auto" }, one.question),
    ),
    h(
      "p",
      {},
      h("strong", { class: `verdict ${one.verdict}` }, VERDICTS[one.verdict] ?? one.verdict),
      h("span", { class: "quiet" }, ` ${inWords(one.judged.slice(0, 10))}`),
    ),
    one.note && untrusted("p", one.note),
    one.quotes.length > 0 && folded(
      count(one.quotes.length, "passage"),
      h("ul", {}, one.quotes.map(place)),
    ),
    actions(
    button("Delete", remove, { "aria-label": `Delete the judgement on ${one.question}` })),
    told,
  );
}

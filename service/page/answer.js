/** An answer: verbatim sentences, each next to a note with its source. */

import { actions, button, count, folded, untrusted, h, outward, quiet } from "./dom.js";
import { citeDialog, exportForm } from "./cite.js";
import { explanationFold } from "./explanation.js";
import { judgement } from "./judgement.js";
import { addressOf, CodePoints, inWords, titleOf, whoAndWhen } from "./text.js";

const STATUSES = {
  answered: "Answered",
  related: "Related, but no answer found",
  not_in_library: "Not in the library",
};
const LEADS = { header: "Header", lead_in: "Introduction", heading: "Heading" };
// A narrow space that does not break, so that no line starts with a note number.
const NARROW = "\u202f";

/** The outcome in a few words, for a heading and for screen readers. */
export function headline(answer) {
  return STATUSES[answer.status] ?? answer.status;
}

/**
 * The whole answer to a question.
 * @param {object} answer what `/v1/ask` says
 * @param {URLSearchParams} wanted the question and its filters
 * @param {AbortSignal} signal
 * @returns {HTMLElement}
 */
export function answerView(answer, wanted, signal) {
  const silent = answer.status !== "answered";
  const outdated = new Set(answer.outdated);
  return h(
    "article",
    { class: `answer ${answer.status}`, "aria-labelledby": "outcome" },
    h("p", { class: "asked", dir: "auto" }, wanted.get("q")),
    standing(answer, wanted),
    silent ? silence(answer) : evidence(answer, outdated),
    silent ? null : timeline(answer.citations),
    h(
      "div",
      { class: "afterwards" },
      judgement(answer, wanted, signal),
      silent ? null : exportForm(wanted),
    ),
    explanationFold(answer, wanted, signal),
    h("p", { class: "quiet made" }, provenance(answer)),
  );
}

function standing(answer, wanted) {
  const silent = answer.status !== "answered";
  const publishers =
    answer.publishers > 1
      ? `From ${answer.publishers} independent publishers; copies are counted once.`
      : "From one publisher.";
  const sure = silent
    ? `Confidence that the library has an answer: ${answer.confidence_in_words}.`
    : `Confidence: ${answer.confidence_in_words}.`;
  const until = wanted.get("as_of");
  return h(
    "header",
    { class: "standing" },
    h("h2", { id: "outcome" }, headline(answer)),
    h(
      "p",
      {},
      silent ? `${answer.reason_in_words} ${sure}` : `${sure} ${publishers}`,
      until ? ` As of ${inWords(until)}; later articles are hidden.` : "",
      answer.disagreements.length > 0 && [
        " ",
        h("a", { href: "#disagreements" }, answer.disagreements[0].heading),
        ".",
      ],
    ),
    ...answer.notes.map((note) => untrusted("p", note)),
    understood(answer.query),
  );
}

/** Names and dates found in the question, so that users notice misunderstandings. */
function understood(query) {
  const read = [
    ...query.phrases.map((phrase) => `the phrase “${phrase}”`),
    ...query.sources.map(({ written }) => written),
    ...query.periods.map(period),
  ];
  if (!read.length) return null;
  return h(
    "p",
    { class: "quiet", dir: "auto" },
    `Passages that match these rank higher: ${read.join("; ")}.`,
  );
}

function period({ first, last, published }) {
  const [from, to] = wholes(first, last).map((date) => date && inWords(date));
  const days =
    from === to ? from : [from && `from ${from}`, to && `to ${to}`].filter(Boolean).join(" ");
  return published ? `articles published ${days}` : days;
}

/** Both days, cut to months or years if the period begins and ends with one. */
function wholes(first, last) {
  if (!first || !last) return [first, last];
  const [year, month] = last.split("-").map(Number);
  const lastOfMonth = String(new Date(Date.UTC(year, month, 0)).getUTCDate());
  if (first.endsWith("-01-01") && last.endsWith("-12-31")) return [first, last].map((d) => d.slice(0, 4));
  if (first.endsWith("-01") && last.endsWith(`-${lastOfMonth}`)) return [first, last].map((d) => d.slice(0, 7));
  return [first, last];
}

function evidence(answer, outdated) {
  const byNumber = new Map(answer.citations.map((citation) => [citation.number, citation]));
  const noted = new Set();
  const rows = answer.sentences.map((sentence) => {
    const cited = sentence.citations.map((number) => byNumber.get(number));
    const fresh = cited.filter(({ number }) => !noted.has(number));
    for (const { number } of fresh) noted.add(number);
    return row(statement(sentence, cited[0], answer.short), fresh, outdated);
  });
  const further = answer.citations.filter(({ number }) => !noted.has(number));
  return [
    answer.short ? shortAnswer(answer.short) : null,
    h("section", { "aria-label": "Evidence, verbatim", class: "evidence" }, rows),
    disagreements(answer),
    further.length
      ? h(
          "section",
          { class: "evidence further", "aria-label": "Further sources" },
          further.map((one) => row(quotation(one), [one], outdated)),
        )
      : null,
  ];
}

function row(words, citations, outdated) {
  return h(
    "div",
    { class: "sourced" },
    words,
    h("div", { class: "notes" }, citations.map((one) => note(one, outdated.has(one.number)))),
  );
}

function shortAnswer(short) {
  return h(
    "p",
    { class: "short" },
    h("span", { class: "label" }, "In short: "),
    h("strong", { dir: "auto" }, short.text),
    " ",
    mark(short.citation),
  );
}

/** A sentence with its note numbers; the short answer is highlighted in it. */
function statement(sentence, citation, short) {
  const text = new CodePoints(sentence.text);
  const from = short?.citation === citation.number ? short.start - citation.start : -1;
  const to = from + (short ? short.end - short.start : 0);
  const marked = from >= 0 && text.slice(from, to) === short.text;
  const words = marked
    ? [text.slice(0, from), h("mark", {}, short.text), text.slice(to)]
    : [sentence.text];
  return inContext(citation, [...words, NARROW, sentence.citations.map(mark)]);
}

function quotation(citation) {
  return inContext(citation, [citation.exact, NARROW, mark(citation.number)]);
}

/** A quote after the header, introduction or heading that it is not understood without. */
function inContext({ context, article }, words) {
  const quote = untrusted("blockquote", words, article.language);
  if (!context.length) return quote;
  const parts = context.map(({ kind, exact }) => [
    h("p", { class: "label" }, LEADS[kind] ?? kind),
    untrusted("blockquote", exact, article.language, { class: "context" }),
  ]);
  return h("div", {}, parts, quote);
}

function mark(number) {
  return h(
    "a",
    { class: "mark", href: `#note-${number}`, "aria-label": `Note ${number}`, dir: "ltr" },
    `[${number}]`,
  );
}

function spanOfCitation({ start, end, context }) {
  return { start, end, context };
}

/** The source of a quote, with actions. */
function note(citation, outdated) {
  const { article, number } = citation;
  const also = citation.also.map((other) =>
    h(
      "li",
      {},
      h("a", { href: addressOf(other.id), dir: "auto" }, titleOf(other)),
      ` (${whoAndWhen(other)})`,
    ),
  );
  return h(
    "section",
    { class: "note", id: `note-${number}`, "aria-label": `Note ${number}` },
    h(
      "p",
      {},
      h("span", { class: "number", "aria-hidden": "true" }, `[${number}] `),
      untrusted("cite", titleOf(article), article.language),
    ),
    quiet(untrusted("span", whoAndWhen(article))),
    citation.headings.length
      ? quiet("Under ", untrusted("span", citation.headings.join(" › "), article.language))
      : null,
    outdated
      ? h(
        "p",
        { class: "warning" },
        h("strong", {}, "Outdated: "),
        "a newer article or version cited here says something else.",
      )
      : null,
    also.length
      ? folded(`Also published in ${count(also.length, "other article")}`, h("ul", {}, also))
      : null,
    actions(
      h("a", { href: addressOf(article.id, spanOfCitation(citation)) }, "Read in context"),
      button("Cite", () => citeDialog({ article, ...spanOfCitation(citation) })),
      citation.link && outward(citation.link, "Open at publisher"),
    ),
  );
}

function silence(answer) {
  if (!answer.nearest.length) {
    return h("p", {}, h("a", { href: "/library" }, "See what is in the library, or add articles"));
  }
  return h(
    "section",
    { class: "evidence nearest", "aria-labelledby": "nearest" },
    h("h3", { id: "nearest" }, "Closest passages"),
    quiet(
      "These passages probably do not answer the question. If one should, check the spelling or " +
        "rephrase the question.",
    ),
    answer.nearest.map((citation) => row(quotation(citation), [citation], new Set())),
  );
}

function disagreements({ disagreements: found, citations }) {
  if (!found.length) return null;
  const publisher = (number) => citations.find((one) => one.number === number)?.article.publisher;
  const side = (one) =>
    h(
      "li",
      {},
      h("p", { class: "value", dir: "auto" }, one.value),
      h("p", { class: "who" }, untrusted("span", publisher(one.citation) || "Unknown publisher")),
      quiet(
        h("time", { datetime: one.published ?? one.modified }, inWords(one.published ?? one.modified)),
        one.published && one.modified > one.published
          ? [", changed ", h("time", { datetime: one.modified }, inWords(one.modified))]
          : null,
      ),
      h("p", { class: "said", dir: "auto" }, `“${one.text}”${NARROW}`, mark(one.citation)),
    );
  return h(
    "section",
    { class: "disagreements", "aria-labelledby": "disagreements" },
    found.map((one, place) => [
      h("h3", { id: place ? null : "disagreements" }, one.heading),
      h("h4", { dir: "auto" }, one.matter),
      h("ul", { class: "sides" }, one.sides.map(side)),
    ]),
  );
}

/** The evidence by date of publication, if there are different dates. */
function timeline(citations) {
  const dated = citations.filter(({ article }) => article.published);
  if (new Set(dated.map(({ article }) => article.published)).size < 2) return null;
  dated.sort((a, b) => (a.article.published < b.article.published ? -1 : 1));
  const entry = ({ article, number }) =>
    h(
      "li",
      {},
      h("time", { datetime: article.published }, inWords(article.published)),
      " ",
      untrusted("span", article.publisher || titleOf(article)),
      " ",
      mark(number),
    );
  return h(
    "section",
    { class: "timeline", "aria-labelledby": "timeline" },
    h("h3", { id: "timeline" }, "Evidence by date"),
    h("ol", {}, dated.map(entry)),
  );
}

function provenance({ generation, fingerprint, seconds }) {
  const took = Object.values(seconds).reduce((sum, one) => sum + one, 0);
  const library = fingerprint.slice(0, 8);
  return `Took ${took.toFixed(2)} s. Library ${library}, generation ${generation}.`;
}

/** Converts the server's offsets and dates for JavaScript and for display. */

/** A text whose offsets are Unicode code points; a JavaScript string counts UTF-16 units. */
export class CodePoints {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    // Most texts only have characters below U+10000, for which both counts are equal.
    this.units = /[\ud800-\udfff]/.test(text) ? unitsOf(text) : null;
    this.length = this.units ? this.units.length - 1 : text.length;
  }

  /** The text of `[start, end)`, like `text[start:end]` in Python. */
  slice(start, end = this.length) {
    if (!this.units) return this.text.slice(start, end);
    const last = this.length;
    return this.text.slice(this.units[Math.min(start, last)], this.units[Math.min(end, last)]);
  }
}

/** The start of each code point, in UTF-16 units, and the end of the last one. */
function unitsOf(text) {
  const found = [];
  for (let unit = 0; unit < text.length; unit += text.codePointAt(unit) > 0xffff ? 2 : 1)
    found.push(unit);
  return [...found, text.length];
}

/** The number of code points in a string. */
export function lengthOf(text) {
  return new CodePoints(text).length;
}

/**
 * The span in a fragment `#start-end`, with those of its context after commas, as in
 * `#80-99,30-60`; null if there is none.
 */
export function spanOf(hash) {
  if (!/^#\d+-\d+(,\d+-\d+)*$/.test(hash)) return null;
  const spans = hash.slice(1).split(",").map((span) => {
    const [start, end] = span.split("-").map(Number);
    return { start, end };
  });
  const [quote, ...context] = spans;
  return spans.every(({ start, end }) => start < end) ? { ...quote, context } : null;
}

/** The permanent URL of an article, or of a quote in it with its context. */
export function addressOf(articleId, span) {
  const place = ({ start, end }) => `${start}-${end}`;
  const hash = span ? `#${[span, ...(span.context ?? [])].map(place).join(",")}` : "";
  return `/articles/${encodeURIComponent(articleId)}${hash}`;
}

/** A date such as `2025-09` in words: `September 2025`. */
export function inWords(date, month = "long") {
  if (!date) return "no date";
  const parts = date.split("-").map(Number);
  const detail = [{ year: "numeric" }, { month }, { day: "numeric" }].slice(0, parts.length);
  const how = Object.assign({ timeZone: "UTC" }, ...detail);
  const day = new Date(0);
  day.setUTCFullYear(parts[0], (parts[1] ?? 1) - 1, parts[2] ?? 1);
  return new Intl.DateTimeFormat("en-GB", how).format(day);
}

/** Today's local date, such as `2025-09-19`. */
export function today() {
  return new Intl.DateTimeFormat("sv-SE").format(new Date());
}

/** The title of an article, or if it has none, the name of its source. */
export function titleOf(article) {
  return article.title || article.source.split("/").pop().replace(/^upload:/, "");
}

/** Publisher and date in one line. */
export function whoAndWhen(article) {
  return [article.publisher, inWords(article.published)].filter(Boolean).join(", ");
}

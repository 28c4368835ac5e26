/** Offsets and dates: what the server counts and writes, as JavaScript does. */

/** A text whose offsets are Unicode code points; a JavaScript string counts UTF-16 units. */
export class CodePoints {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    // Most texts have no character beyond the first 65,536: there, both count alike.
    this.units = /[\ud800-\udfff]/.test(text) ? unitsOf(text) : null;
    this.length = this.units ? this.units.length - 1 : text.length;
  }

  /** The text of `[start, end)`, as in `text[start:end]` of Python. */
  slice(start, end = this.length) {
    if (!this.units) return this.text.slice(start, end);
    const last = this.length;
    return this.text.slice(this.units[Math.min(start, last)], this.units[Math.min(end, last)]);
  }
}

/** Where each code point begins, in UTF-16 units, and where the last one ends. */
function unitsOf(text) {
  const found = [];
  for (let unit = 0; unit < text.length; unit += text.codePointAt(unit) > 0xffff ? 2 : 1)
    found.push(unit);
  return [...found, text.length];
}

/** How many code points a string has. */
export function lengthOf(text) {
  return new CodePoints(text).length;
}

/** A span `#start-end` of an address; null if it is none. */
export function spanOf(hash) {
  const found = /^#(\d+)-(\d+)$/.exec(hash);
  if (!found) return null;
  const [start, end] = [Number(found[1]), Number(found[2])];
  return start < end ? { start, end } : null;
}

/** The permanent address of an article, or of a quote in it. */
export function addressOf(articleId, span) {
  return `/articles/${encodeURIComponent(articleId)}${span ? `#${span.start}-${span.end}` : ""}`;
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

/** Today where the reader is, as `2025-09-19`. */
export function today() {
  return new Intl.DateTimeFormat("sv-SE").format(new Date());
}

/** The title of an article, or for one without it the name of its source. */
export function titleOf(article) {
  return article.title || article.source.split("/").pop().replace(/^upload:/, "");
}

/** Publisher and date in one line. */
export function whoAndWhen(article) {
  return [article.publisher, inWords(article.published)].filter(Boolean).join(", ");
}

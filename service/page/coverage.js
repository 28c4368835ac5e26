/** Coverage: the number of articles by month and publisher, as a chart and a table. */

import { call } from "./api.js";
import { count, folded, h, scrolled, svg } from "./dom.js";

// More colours could not be told apart; the table has all publishers.
const COLOURS = 6;
const HEIGHT = 180;
const BASE = 24; // below the bars, for the dates
const LEFT = 32;
const [NARROWEST, WIDEST] = [320, 1000];
const LABEL = 70; // what a date needs

/** The chart of `/v1/library/coverage` and its table; empty for an empty library. */
export async function coverage(signal) {
  const { coverage: cells } = await call("/v1/library/coverage", { signal });
  const dated = cells.filter(({ month }) => /^\d{4}-\d\d$/.test(month ?? ""));
  if (!cells.length) return h("span");
  const totals = new Map();
  for (const { publisher, articles } of cells)
    totals.set(publisher, (totals.get(publisher) ?? 0) + articles);
  const publishers = [...totals.keys()].sort((a, b) => totals.get(b) - totals.get(a));
  return h(
    "section",
    { class: "coverage", "aria-labelledby": "coverage" },
    h("h2", { id: "coverage" }, "Coverage"),
    dated.length ? [drawing(dated, publishers), legend(publishers)] : null,
    folded("Show as a table", table(cells)),
  );
}

const colourOf = (publishers, publisher) => `c${Math.min(publishers.indexOf(publisher), COLOURS)}`;

function drawing(cells, publishers) {
  const months = between(cells.map(({ month }) => month).sort());
  const heights = new Map(months.map((month) => [month, 0]));
  for (const { month, articles } of cells) heights.set(month, heights.get(month) + articles);
  const most = Math.max(...heights.values());
  // Drawn at the width at which it is shown, so that its text has the usual size.
  const width = Math.max(
    NARROWEST,
    Math.min(WIDEST, document.getElementById("main").clientWidth - 32),
  );
  const step = (width - LEFT) / months.length;
  const tall = (articles) => (articles / most) * (HEIGHT - 10);
  const tops = new Map(months.map((month) => [month, HEIGHT]));
  const sorted = [...cells].sort(
    (a, b) => publishers.indexOf(a.publisher) - publishers.indexOf(b.publisher),
  );
  const bars = sorted.map(({ month, publisher, articles }) => {
    const y = tops.get(month) - tall(articles);
    tops.set(month, y);
    return svg(
      "rect",
      {
        class: colourOf(publishers, publisher),
        x: LEFT + months.indexOf(month) * step + Math.min(2, step / 8),
        y,
        width: Math.min(step * 0.85, 60),
        height: tall(articles),
      },
      svg("title", {}, `${month}, ${publisher || "unknown"}: ${count(articles, "article")}`),
    );
  });
  const every = Math.ceil(LABEL / step);
  const labels = months
    .map((month, i) => ({ month, i }))
    .filter(({ i }) => i % every === 0 && LEFT + i * step + LABEL <= width + step)
    .map(({ month, i }) => svg("text", { x: LEFT + i * step, y: HEIGHT + 17 }, month));
  return svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${HEIGHT + BASE}`,
      role: "img",
      "aria-label":
        `Articles by month from ${months[0]} to ${months.at(-1)}; at most ${most} in one month. ` +
        "The table below has the figures.",
    },
    svg("line", { x1: LEFT, x2: width, y1: HEIGHT, y2: HEIGHT }),
    svg("text", { x: LEFT - 6, y: 18, "text-anchor": "end" }, most),
    svg("text", { x: LEFT - 6, y: HEIGHT, "text-anchor": "end" }, 0),
    bars,
    labels,
  );
}

/** Every month from the first to the last. */
function between(sorted) {
  const [first, last] = [sorted[0], sorted.at(-1)];
  const found = [];
  for (let [year, month] = first.split("-").map(Number); ; month += 1) {
    if (month > 12) [year, month] = [year + 1, 1];
    found.push(`${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}`);
    if (found.at(-1) >= last) return found;
  }
}

function legend(publishers) {
  const named = publishers.slice(0, COLOURS).map(
    (name, i) => [`c${i}`, name || "unknown publisher"],
  );
  if (publishers.length > COLOURS) named.push([`c${COLOURS}`, "others"]);
  const entry = ([colour, name]) =>
    h(
      "li",
      {},
      svg(
        "svg",
        { class: "key", viewBox: "0 0 10 10", "aria-hidden": "true" },
        svg("rect", { class: colour, width: 10, height: 10 }),
      ),
      h("span", { dir: "auto" }, name),
    );
  return h("ul", { class: "legend" }, named.map(entry));
}

function table(cells) {
  const row = ({ month, publisher, articles }) =>
    h(
      "tr",
      {},
      h("td", {}, month ?? "no date"),
      h("td", { dir: "auto" }, publisher || "unknown"),
      h("td", {}, articles),
    );
  return scrolled(
    "Articles by month and publisher",
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["Month", "Publisher", "Articles"].map((name) => h("th", { scope: "col" }, name)),
      ),
    ),
    h("tbody", {}, cells.map(row)),
  );
}

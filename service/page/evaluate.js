/** Evaluate: start, watch and compare runs on judged questions. */

import { call, failure, fill, Problem, request } from "./api.js";
import { actions, announce, button, choice, count, field } from "./dom.js";
import { folded, h, outward, quiet, scrolled } from "./dom.js";

const POLL_MS = 1000;
const METHODS = [
  ["full", "full: as served"],
  ["late", "late: late interaction only"],
  ["hybrid", "hybrid: dense and BM25"],
  ["bm25", "bm25: keywords only"],
  ["dense", "dense: vectors only"],
];
const HERE = "here";
const SOURCES = [
  [HERE, "judged on this page"],
  ["file", "from a JSON Lines file"],
];

/** The view of `/evaluate`. */
export async function evaluate(place, url, { signal }) {
  const runs = h("div");
  const watch = () => fill(runs, () => runList(runs, signal, watch));
  place.append(
    h("h1", {}, "Evaluate"),
    h(
      "p",
      { class: "lead" },
      "Measure how well questions are answered whose right passages are known. ",
      "The engine is the one that serves this page.",
    ),
    startForm(watch, signal),
    h("section", { "aria-labelledby": "runs" }, h("h2", { id: "runs" }, "Runs"), runs),
  );
  await watch();
  return { title: "Evaluate" };
}

function startForm(watch, signal) {
  const source = choice(SOURCES, HERE);
  const file = h("input", { type: "file", accept: ".jsonl,.json" });
  const fileField = field("File of judged questions", file);
  fileField.hidden = true;
  source.addEventListener("change", () => (fileField.hidden = source.value === HERE));
  const method = choice(METHODS, "full");
  const name = h("input", { value: "questions", required: true, maxlength: 100 });
  const told = h("div", { "aria-live": "polite" });

  async function submit(event) {
    event.preventDefault();
    await fill(told, async () => {
      const lines = source.value === HERE ? await exported(signal) : await file.files[0]?.text();
      const body = { questions: judgedQuestions(lines), method: method.value, name: name.value };
      await call("/v1/evaluations", { method: "POST", body, signal });
      announce("The run is queued.");
      await watch();
      return h("span");
    });
  }

  return h(
    "form",
    { class: "panel", submit, "aria-labelledby": "start" },
    h("h2", { id: "start" }, "Start a run"),
    h(
      "div",
      { class: "grid" },
      field("Questions", source),
      fileField,
      field("Method", method),
      field("Name", name),
    ),
    actions(
    h("button", {}, "Start")),
    told,
  );
}

async function exported(signal) {
  const response = await request("/v1/judgements/export", { signal });
  return response.text();
}

/** Parses questions in JSON Lines; the error for a bad line gives its number. */
function judgedQuestions(lines) {
  const found = (lines ?? "").split("\n").flatMap((one, i) => {
    if (!one.trim()) return [];
    try {
      return [JSON.parse(one)];
    } catch {
      throw new Problem(
        0,
        {
          title: "Bad file",
          detail: `Line ${i + 1} is not JSON.`,
          cure: "Put one judged question on each line.",
        },
      );
    }
  });
  if (found.length) return found;
  throw new Problem(0, {
    title: "No questions",
    detail: "There are no judged questions yet.",
    cure: "Judge some answers, or choose a file.",
  });
}

/** The list of runs, refreshed while one of them is not finished. */
async function runList(place, signal, watch) {
  let found;
  try {
    found = (await call("/v1/evaluations", { signal })).evaluations;
  } catch (error) {
    if (error.status !== 404) throw error;
    return h(
      "p",
      { class: "notice" },
      "This server offers no evaluations. Start it with: sourcebook serve",
    );
  }
  if (!found.length) return quiet("No runs since the server started.");
  if (found.some(isOn)) setTimeout(() => !signal.aborted && watch(), POLL_MS);
  return [comparison(found.filter(({ status }) => status === "done")), h(
    "ul",
    { class: "runs" },
    found.map((one) => run(one, watch)),
  )];
}

const isOn = ({ status }) => ["queued", "running"].includes(status);

function run(one, watch) {
  const told = h("div");
  const end = async () => {
    try {
      await call(`/v1/evaluations/${one.id}`, { method: "DELETE" });
      await watch();
    } catch (error) {
      told.replaceChildren(failure(error, end));
    }
  };
  const report = `/v1/evaluations/${one.id}/report.html`;
  return h(
    "li",
    {},
    h("h3", { dir: "auto" }, `${one.name}, ${one.method}`),
    quiet(
      `${one.status}, ${count(one.total, "question")}, `,
      one.created.slice(0, 16).replace("T", " "),
    ),
    isOn(one) && h(
      "progress",
      { max: one.total, value: one.done, "aria-label": `Questions asked of ${one.name}` },
    ),
    one.problem && h("p", { class: "notice bad" }, one.problem),
    one.missing_gold > 0 && h(
      "p",
      { class: "warning" },
      `${count(one.missing_gold, "quote")} from the right passages are not in the library.`,
    ),
    one.measures && measures(one),
    actions(one.status === "done" && outward(report, "Open the report"),
      button(
        isOn(one) ? "Cancel" : "Delete",
        end,
        { "aria-label": `${isOn(one) ? "Cancel" : "Delete"} ${one.name}, ${one.method}` },
      ),
    ),
    told,
  );
}

function figure({ mean, low, high }) {
  return `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

function measures({ measures: found, name }) {
  const row = ([measure, interval]) => h(
    "tr",
    {},
    h("th", { scope: "row" }, measure),
    h("td", {}, figure(interval)),
  );
  return folded("Measures with 95 % confidence intervals",
    scrolled(`Measures of ${name}`, h("tbody", {}, Object.entries(found).map(row))),
  );
}

/** Two runs side by side. */
function comparison(done) {
  if (done.length < 2) return null;
  const pairs = done.map(
    (one) => [one.id, `${one.name}, ${one.method}, ${one.created.slice(11, 19)}`],
  );
  const [first, second] = [choice(pairs, done[1].id), choice(pairs, done[0].id)];
  const shown = h("div", { "aria-live": "polite" });

  function draw(event) {
    event.preventDefault();
    const [a, b] = [first, second].map((select) => done.find(({ id }) => id === select.value));
    const row = (measure) => {
      const difference = b.measures[measure].mean - a.measures[measure].mean;
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, measure),
        h("td", {}, figure(a.measures[measure])),
        h("td", {}, figure(b.measures[measure])),
        h("td", {}, `${difference < 0 ? "−" : "+"}${Math.abs(difference).toFixed(3)}`),
      );
    };
    const heads = ["Measure", a, b, "Difference"].map(
      (one) => (one.id ? `${one.name}, ${one.method}` : one),
    );
    shown.replaceChildren(
      scrolled(
        "Comparison",
        h(
          "thead",
          {},
          h("tr", {}, heads.map((one) => h("th", { scope: "col", dir: "auto" }, one))),
        ),
        h("tbody", {}, Object.keys(a.measures).filter((measure) => b.measures[measure]).map(row)),
      ),
      h(
        "p",
        {},
        outward(
          `/v1/evaluations/${a.id}/against/${b.id}`,
          "Open the comparison, question by question",
        ),
      ),
    );
  }
  return h(
    "form",
    { class: "panel", submit: draw, "aria-labelledby": "compare" },
    h("h3", { id: "compare" }, "Compare two runs"),
    h(
      "div",
      { class: "row" },
      field("First", first),
      field("Second", second),
      h("button", {}, "Compare"),
    ),
    shown,
  );
}

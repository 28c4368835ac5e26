/** Ask: a question with filters, all in the URL, and the answer below it. */

import { answerView, headline } from "./answer.js";
import { call, fill } from "./api.js";
import { announce, button, count, field, h, newId, quiet } from "./dom.js";

const NAMES = [
  ["publishers", "Publisher", "publishers"],
  ["authors", "Author"],
  ["languages", "Language", "languages"],
  ["tags", "Tag"],
];
const DATES = [
  ["published_from", "Published from"],
  ["published_to", "Published to"],
  ["as_of", "As of"],
];
const DATE = "[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?";

/** The view of `/?q=...`. */
export async function ask(place, url, { go, name, signal, arrived }) {
  const answer = h("div", { class: "answer-place" });
  const library = await call("/v1/library", { signal }).catch((error) => {
    if (error.name === "AbortError") throw error;
    return null; // asking says what is wrong
  });
  const form = questionForm(library, go);
  place.append(h("h1", {}, "Ask the library"), form.element, answer);

  async function moved(at) {
    const wanted = parameters(at.searchParams);
    form.write(wanted);
    const asked = wanted.get("q");
    name(asked ?? "");
    await fill(answer, () => (asked ? answered(wanted, signal) : beginning(library, signal)));
  }

  await moved(url);
  if (!url.searchParams.get("q") && !arrived) form.focus();
  return { title: url.searchParams.get("q") ?? "", moved };
}

/** The question and filters among the parameters of a URL. */
function parameters(given) {
  const known = ["q", ...[...NAMES, ...DATES].map(([name]) => name)];
  const pairs = known.flatMap((name) => given.getAll(name).map((value) => [name, value.trim()]));
  return new URLSearchParams(pairs.filter(([, value]) => value));
}

async function answered(wanted, signal) {
  const answer = await call(`/v1/ask?${wanted}`, { signal });
  announce(`${headline(answer)}. ${count(answer.sentences.length, "passage")} found.`);
  return answerView(answer, wanted, signal);
}

async function beginning(library, signal) {
  const { examples } = await call("/v1/library/examples", { signal });
  const known = library ?? (await call("/v1/library", { signal }));
  if (!known.articles) {
    return h(
      "section",
      { class: "notice" },
      h("h2", {}, "The library is empty"),
      h("p", {}, "Add articles, then ask questions about them."),
      h("p", {}, h("a", { class: "strong", href: "/library" }, "Add articles")),
    );
  }
  const held = [
    count(known.articles, "article"),
    known.publishers.length ? count(known.publishers.length, "publisher") : null,
    count(known.passages, "passage"),
  ];
  const link = ({ question }) =>
    h(
      "li",
      {},
      h("a", { href: `/?${new URLSearchParams({ q: question })}`, dir: "auto" }, question),
    );
  return [
    examples.length
      ? h(
        "section",
        { class: "examples" },
        h("h2", {}, "Try asking"),
        h("ul", {}, examples.map(link)),
      )
      : null,
    quiet(`The library holds ${held.filter(Boolean).join(", ")}. `),
  ];
}

function questionForm(library, go) {
  const question = h("textarea", {
    rows: 1,
    dir: "auto",
    maxlength: 2000,
    autocomplete: "off",
    enterkeyhint: "search",
    placeholder: "Who, what, when …",
    input: grow,
    keydown: (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      element.requestSubmit();
    },
  });

  /** Makes the box as high as its text, in browsers without `field-sizing`. */
  function grow() {
    if (CSS.supports("field-sizing", "content")) return;
    question.style.height = "auto";
    question.style.height = `${question.scrollHeight + 2}px`;
  }

  const lists = NAMES.map(([name, label, known]) => chips(name, label, library?.[known] ?? []));
  const dates = DATES.map(([name, label]) => [
    name,
    label,
    h("input", { pattern: DATE, size: 11, title: "A date such as 2025, 2025-09 or 2025-09-19" }),
  ]);
  const summary = h("summary", { dir: "auto" });
  const filters = h(
    "details",
    { class: "filters" },
    summary,
    h("div", { class: "grid" }, lists.map((one) => one.element)),
    h(
      "div",
      { class: "grid" },
      dates.map(([name, label, input]) =>
        field(
          label,
          input,
          name === "as_of" ? "hides later articles" : "2025, 2025-09 or 2025-09-19",
        ),
      ),
    ),
  );

  function written() {
    const pairs = [
      ["q", question.value.replace(/\s+/g, " ").trim()],
      ...lists.flatMap((one) => one.values().map((value) => [one.name, value])),
      ...dates.map(([name, , input]) => [name, input.value.trim()]),
    ];
    return parameters(new URLSearchParams(pairs));
  }

  function submit(event) {
    event.preventDefault();
    const wanted = written();
    if (wanted.has("q")) go(`/?${wanted}`);
    else question.focus();
  }

  const element = h(
    "form",
    { class: "ask", role: "search", action: "/", submit },
    h("div", { class: "row" }, field("Your question", question), h("button", {}, "Ask")),
    filters,
  );
  return {
    element,
    focus: () => question.focus({ preventScroll: true }),
    /** Shows the question and filters of a URL. */
    write(wanted) {
      question.value = wanted.get("q") ?? "";
      grow();
      for (const one of lists) one.set(wanted.getAll(one.name), false);
      for (const [name, , input] of dates) input.value = wanted.get(name) ?? "";
      const set = [...NAMES, ...DATES].flatMap(([name, label]) =>
        wanted.getAll(name).map((value) => `${label.toLowerCase()} ${value}`),
      );
      summary.textContent = set.length ? `Filters: ${set.join(", ")}` : "Filters";
    },
  };
}

/** A field for several names, each shown as a button that removes it. */
function chips(name, label, known) {
  let chosen = [];
  const options = h(
    "datalist",
    { id: newId("known") },
    known.map((value) => h("option", { value })),
  );
  const input = h(
    "input",
    { list: known.length ? options.id : null, dir: "auto", autocomplete: "off" },
  );
  const list = h("ul", { class: "chips" });

  function draw() {
    const chip = (value) =>
      h(
        "li",
        {},
        button(
          [value, h("span", { "aria-hidden": "true" }, " ×")],
          () => set(chosen.filter((one) => one !== value)),
          { "aria-label": `Remove ${label.toLowerCase()} ${value}`, dir: "auto" },
        ),
      );
    list.replaceChildren(...chosen.map(chip));
  }
  function set(values, focus = true) {
    chosen = [...new Set(values)];
    input.value = "";
    draw();
    if (focus) input.focus({ preventScroll: true });
  }
  function take() {
    if (input.value.trim()) set([...chosen, input.value.trim()]);
  }
  input.addEventListener("change", take);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && input.value.trim()) {
      event.preventDefault();
      take();
    }
  });
  const element = field(label, input);
  element.append(options, list);
  return { name, element, set, values: () => [...chosen, input.value.trim()].filter(Boolean) };
}

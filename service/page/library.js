/** Library: a table of articles; adding, removing with undo, and coverage. */

import { additions } from "./additions.js";
import { call, failure, fill } from "./api.js";
import { removalList } from "./cleaning.js";
import { coverage } from "./coverage.js";
import { actions, announce, button, choice, count, field, untrusted, h, quiet } from "./dom.js";
import { addressOf, inWords, titleOf } from "./text.js";

const PAGE = 50;
const UNDO_S = 30;
const COLUMNS = [
  ["title", "Title"],
  ["publisher", "Publisher"],
  ["published", "Date"],
  ["passages", "Passages"],
  ["language", "Language"],
];
const ORDERS = [["added", "Date added"], ...COLUMNS];

/** The view of `/library?words=&attention=&sort=&descending=&page=`. */
export async function library(place, url, { go, signal }) {
  const removals = new Removals();
  const [list, failures, covered] = [h("div"), h("div"), h("div")];
  const words = h("input", { type: "search", dir: "auto", autocomplete: "off" });
  const sort = choice(ORDERS, "added");
  const only = h("input", { type: "checkbox" });
  let at = url;

  const open = (changes) => {
    const query = new URLSearchParams(at.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    return go(`/library${query.size ? `?${query}` : ""}`);
  };
  async function draw() {
    words.value = at.searchParams.get("words") ?? "";
    sort.value = at.searchParams.get("sort") ?? "added";
    only.checked = at.searchParams.get("attention") === "true";
    await fill(list, () => articleList(at.searchParams, open, removals, signal));
  }
  const redraw = () =>
    Promise.all([
      draw(),
      fill(failures, () => failureList(redraw, signal)),
      fill(covered, () => coverage(signal)),
    ]);
  removals.done = redraw;

  sort.addEventListener("change", () => open({ sort: sort.value, descending: "", page: "" }));
  only.addEventListener("change", () => open({ attention: only.checked && "true", page: "" }));
  const search = (event) => {
    event.preventDefault();
    open({ words: words.value.trim(), page: "" });
  };
  place.append(
    h("h1", {}, "Library"),
    additions(redraw, signal),
    failures,
    h(
      "section",
      { "aria-labelledby": "articles" },
      h("h2", { id: "articles" }, "Articles"),
      h(
        "form",
        { class: "row", role: "search", submit: search },
        field("Title, publisher, author or source", words),
        h("button", {}, "Search"),
        field("Sort by", sort),
        field("Needs attention", only),
      ),
      list,
    ),
    covered,
  );
  await redraw();
  return {
    title: "Library",
    moved: async (to) => {
      at = to;
      await draw();
    },
    leave: () => removals.send(),
  };
}

async function articleList(given, open, removals, signal) {
  const page = Math.max(1, Number(given.get("page")) || 1);
  const sort = given.get("sort") ?? "added";
  const descending = (given.get("descending") ?? String(sort === "added")) === "true";
  const query = new URLSearchParams({ sort, descending, limit: PAGE, offset: (page - 1) * PAGE });
  for (const name of ["words", "attention"]) {
    if (given.get(name)) query.set(name, given.get(name));
  }
  const found = await call(`/v1/articles?${query}`, { signal });
  const last = Math.max(1, Math.ceil(found.total / PAGE));
  announce(count(found.total, "article"));
  if (!found.total) {
    return h(
      "p",
      { class: "notice" },
      given.get("attention")
        ? "No article here needs attention."
        : given.get("words")
        ? "No article has these words in its title, publisher, authors or source."
        : "No articles yet. Add some above.",
    );
  }
  const way = descending ? "descending" : "ascending";
  const heading = ([name, label]) => {
    const down = sort === name && !descending;
    return h(
      "th",
      { scope: "col", role: "columnheader", "aria-sort": sort === name && way },
      button(label, () => open({ sort: name, descending: String(down), page: "" })),
    );
  };
  return [
    quiet(count(found.total, "article")),
    // Explicit roles, because phones show rows as cards, which loses the table semantics.
    h(
      "table",
      { class: "articles", role: "table", "aria-label": "Articles" },
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          COLUMNS.map(heading),
          ["Status", "Actions"].map(
            (name) => h("th", { scope: "col", role: "columnheader" }, name),
          ),
        ),
      ),
      h("tbody", { role: "rowgroup" }, found.articles.map((one) => articleRow(one, removals))),
    ),
    last > 1 &&
      h(
        "nav",
        { class: "actions", "aria-label": "Pages" },
        page > 1 && button("Previous", () => open({ page: page - 1 })),
        h("span", {}, `Page ${page} of ${last}`),
        page < last && button("Next", () => open({ page: page + 1 })),
      ),
  ];
}

function articleRow(article, removals) {
  const cell = (name, ...words) => h("td", { role: "cell", "data-name": name }, words);
  const title = titleOf(article);
  const address = addressOf(article.id);
  const cleaning = button("Cleaning", () => cleaningDialog(article), {
    "aria-label": `Cleaning report of ${title}`,
  });
  const remove = button("Remove", () => removals.begin(row, article), {
    "aria-label": `Remove ${title}`,
  });
  const row = h(
    "tr",
    { role: "row" },
    h(
      "th",
      { scope: "row", role: "rowheader" },
      h("a", { href: address, dir: "auto", lang: article.language || null }, title),
    ),
    cell("Publisher", untrusted("span", article.publisher)),
    cell("Date", article.published ? inWords(article.published, "short") : ""),
    cell("Passages", article.passages.toLocaleString("en")),
    cell("Language", article.language),
    cell(
      "Status",
      article.copy_of ? h("a", { href: addressOf(article.copy_of) }, "Copy") : "Searchable",
      article.attention.length > 0 && [
        ". ",
        h("a", { href: address, title: article.attention.map((one) => one.message).join(" ") },
          "Needs attention"),
      ],
    ),
    h("td", { role: "cell", class: "buttons" }, h("span", { class: "actions" }, cleaning, remove)),
  );
  removals.show(row, article);
  return row;
}

/** Removals that can be undone until they are sent: after a delay, or on leaving the page. */
class Removals {
  pending = new Map();
  done = () => {};

  /** Marks the article of a row as removed. */
  begin(row, article) {
    this.pending.set(article.id, { article, left: UNDO_S });
    this.timer ??= setInterval(() => this.tick(), 1000);
    this.show(row, article);
    row.querySelector(".pending button").focus();
    announce(
      `${titleOf(article)} will be deleted in ${UNDO_S} seconds ` +
        "or when you leave this page, unless you undo the removal.",
    );
  }

  /** Shows a pending removal in its row. */
  show(row, article) {
    const pending = this.pending.get(article.id);
    if (!pending) return;
    const kept = [...row.children];
    pending.countdown = h("span", {}, ` ${pending.left} s`);
    const undo = () => {
      this.forget(article.id);
      row.classList.remove("removed");
      row.replaceChildren(...kept);
      row.querySelector(".buttons button:last-child").focus();
      announce("Article kept.");
    };
    row.classList.add("removed");
    row.replaceChildren(
      h(
        "td",
        { role: "cell", colspan: COLUMNS.length + 2, class: "pending" },
        h(
          "p",
          {},
          "Removed: ",
          untrusted("s", titleOf(article), article.language),
          ". It will be deleted when you leave this page, or in",
          pending.countdown,
          ".",
        ),
        actions(
      button("Undo", undo), button("Remove now", () => this.remove(article.id, row))),
      ),
    );
  }

  tick() {
    for (const [id, one] of this.pending) {
      one.left -= 1;
      one.countdown.textContent = ` ${one.left} s`;
      if (one.left <= 0) this.remove(id, one.countdown.closest("tr"));
    }
  }

  forget(id) {
    this.pending.delete(id);
    if (!this.pending.size) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
  }

  async remove(id, row) {
    this.forget(id);
    try {
      await call(`/v1/articles/${encodeURIComponent(id)}`, { method: "DELETE" });
    } catch (error) {
      row?.querySelector(".pending")?.replaceChildren(failure(error, () => this.remove(id, row)));
      return;
    }
    announce("Article removed.");
    await this.done();
  }

  /** Sends pending removals at once; the requests continue after the page is closed. */
  send() {
    for (const id of [...this.pending.keys()]) {
      this.forget(id);
      call(`/v1/articles/${encodeURIComponent(id)}`, { method: "DELETE", keepalive: true }).catch(
        console.error,
      );
    }
  }
}

function cleaningDialog(article) {
  const report = h("div");
  const dialog = h(
    "dialog",
    { "aria-labelledby": "cleaning-title", close: () => dialog.remove() },
    h("h2", { id: "cleaning-title" }, "What cleaning removed"),
    untrusted("p", titleOf(article), article.language, { class: "quiet" }),
    report,
    actions(
  button("Close", () => dialog.close())),
  );
  document.body.append(dialog);
  dialog.showModal();
  fill(report, async () => {
    const whole = await call(`/v1/articles/${encodeURIComponent(article.id)}`);
    return whole.removals.length ? removalList(whole) : h(
      "p",
      {},
      "Nothing was removed.",
    );
  });
}

/** The sources that could not be added. */
async function failureList(redraw, signal) {
  const { failed } = await call("/v1/library", { signal });
  if (!failed.length) return h("span");
  const entry = (one) => {
    const told = h("div");
    const named = new URLSearchParams({ source: one.source });
    const act = (address, method, done) =>
      fill(told, async () => {
        await call(`${address}?${named}`, { method });
        announce(done);
        await redraw();
        return null;
      });
    const forget = () => act("/v1/library/failures", "DELETE", "Dismissed.");
    const retry = () => act("/v1/library/failures/retry", "POST", "Added.");
    return h(
      "li",
      {},
      h("p", {}, untrusted("strong", one.source), `: ${one.message} `, one.cure),
      quiet(`Tried ${count(one.attempts, "time")}.`),
      actions(
        button("Try again", retry, { "aria-label": `Try ${one.source} again` }),
        button("Dismiss", forget, { "aria-label": `Dismiss ${one.source}` }),
      ),
      told,
    );
  };
  return h(
    "section",
    { class: "notice bad", "aria-labelledby": "failed" },
    h("h2", { id: "failed" }, `${count(failed.length, "source")} could not be added`),
    h("ul", {}, failed.map(entry)),
  );
}

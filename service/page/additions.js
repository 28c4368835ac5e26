/** Adding articles: dropped or chosen files, pasted text, or a folder on the server. */

import { call, failure, fill } from "./api.js";
import { actions, announce, count, field, folded, untrusted, h, quiet } from "./dom.js";
import { addressOf, titleOf } from "./text.js";

const SUFFIXES = ".txt,.md,.markdown,.html,.htm,.jsonl";
const POLL_MS = 500;

/**
 * The forms for adding articles.
 * @param {() => Promise<any>} added called when the library has changed
 * @param {AbortSignal} signal
 */
export function additions(added, signal) {
  const progress = h("div", { class: "progress" });
  const files = fileForm(progress, added);
  return h(
    "section",
    { class: "panel add", "aria-labelledby": "add" },
    h("h2", { id: "add" }, "Add articles"),
    files,
    h("div", { class: "others" }, pasteForm(added, signal), folderForm(added, signal)),
    progress,
  );
}

function fileForm(progress, added) {
  const input = h("input", {
    type: "file",
    multiple: true,
    accept: SUFFIXES,
    change: () => {
      send([...input.files], progress, added);
      input.value = "";
    },
  });
  const drop = h(
    "div",
    { class: "drop" },
    field("Drop files here, or choose them", input, "Text, Markdown, HTML or JSON Lines"),
  );
  const over = (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  };
  drop.addEventListener("dragover", over);
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    send([...event.dataTransfer.files], progress, added);
  });
  return drop;
}

/** Sends files one at a time, so that each shows its own result. */
async function send(files, progress, added) {
  if (!files.length) return;
  const bar = h("progress", { max: files.length, value: 0, "aria-label": "Files processed" });
  const jobs = files.map((file) => ({ file, line: h("li", {}, line(file, "waiting")) }));
  progress.replaceChildren(bar, h("ul", {}, jobs.map(({ line: one }) => one)));
  let failed = 0;
  for (const { file, line: place } of jobs) {
    if (!(await sendOne(file, place, added))) failed += 1;
    bar.value += 1;
  }
  announce(`${count(files.length - failed, "file")} added, ${failed} failed.`);
  await added();
}

const line = (file, ...words) => h("span", {}, untrusted("strong", file.name), ": ", words);

/** Sends a file and shows the result; returns false if it failed. */
async function sendOne(file, place, added) {
  place.replaceChildren(line(file, "reading and indexing …"));
  const body = new FormData();
  body.append("file", file);
  try {
    const { outcomes, failures } = await call("/v1/articles", { method: "POST", body });
    place.replaceChildren(line(file, outcomes.map(outcome)), ...failures.map(refusal));
    return true;
  } catch (error) {
    const retry = async () => {
      if (await sendOne(file, place, added)) await added();
    };
    place.replaceChildren(line(file, "failed"), failure(error, retry));
    return false;
  }
}

function outcome({ action, article }) {
  const copy = article.copy_of ? ", a copy of an article already in the library" : "";
  return h(
    "span",
    { class: "outcome" },
    `${action}${copy}: `,
    h("a", { href: addressOf(article.id), dir: "auto" }, titleOf(article)),
    ` (${count(article.passages, "passage")}) `,
  );
}

const refusal = ({ source, message, cure }) => h(
  "p",
  { class: "warning" },
  `${source}: ${message} ${cure}`,
);

function pasteForm(added, signal) {
  const text = h("textarea", { rows: 8, required: true, dir: "auto" });
  const fields = {
    title: h("input", { dir: "auto" }),
    publisher: h("input", { dir: "auto" }),
    published: h("input", { placeholder: "2025-09-19" }),
    url: h("input", { type: "url", placeholder: "https://…" }),
  };
  const told = h("div", { "aria-live": "polite" });
  const labels = { title: "Title", publisher: "Publisher", published: "Date", url: "URL" };

  async function submit(event) {
    event.preventDefault();
    const known = Object.entries(fields).map(([name, input]) => [name, input.value.trim()]);
    const body = { text: text.value, ...Object.fromEntries(known.filter(([, value]) => value)) };
    await fill(told, async () => {
      const { outcomes } = await call("/v1/articles", { method: "POST", body, signal });
      form.reset();
      await added();
      return h("p", { class: "notice good" }, outcomes.map(outcome));
    });
  }

  const form = h(
    "form",
    { submit },
    field("Text", text),
    h(
      "div",
      { class: "grid" },
      Object.entries(fields).map(([name, input]) => field(labels[name], input)),
    ),
    actions(
    h("button", {}, "Add text")),
    told,
  );
  return folded("Paste text", form);
}

/** Adds a folder on the server, if its settings allow it. */
function folderForm(added, signal) {
  const folder = h("input", { required: true, placeholder: "/srv/articles" });
  const [told, allowed] = [h("div", { "aria-live": "polite" }), h("div")];

  async function submit(event) {
    event.preventDefault();
    await fill(told, async () => {
      const body = { folder: folder.value.trim() };
      let job = await call("/v1/imports", { method: "POST", body, signal });
      while (["queued", "running"].includes(job.status)) {
        const bar = h(
          "progress",
          { max: job.total || 1, value: job.done, "aria-label": "Files processed" },
        );
        told.replaceChildren(bar, ` ${job.done} of ${count(job.total, "file")}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        job = await call(`/v1/imports/${encodeURIComponent(job.id)}`, { signal });
      }
      await added();
      return importReport(job);
    });
  }

  const form = h(
    "form",
    { submit },
    allowed,
    field("Folder", folder),
    actions(
    h("button", {}, "Add folder")),
    told,
  );
  const opened = () => fill(
    allowed,
    async () => permission((await call("/v1/imports", { signal })).folders),
  );
  return h("details", { toggle: opened }, h("summary", {}, "Add a folder on the server"), form);
}

function permission(folders) {
  return quiet(folders.length
      ? `The server allows imports from ${folders.join(", ")}.`
      : "The server’s settings allow no folders; see docs/settings.md.",
  );
}

function importReport(job) {
  const counts = Object.entries(job.actions).map(([action, number]) => `${number} ${action}`);
  const failures = job.failures.map((one) => h("li", {}, refusal(one)));
  return [
    h(
      "p",
      {},
      h("strong", {}, job.status),
      `: ${[...counts, `${job.failed} failed`].join(", ")}. `,
      job.problem,
    ),
    failures.length ? h("ul", {}, failures) : null,
  ];
}

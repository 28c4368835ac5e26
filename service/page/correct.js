/** Correcting: a form for what is known of an article, and why somebody should look at it. */

import { call, failure } from "./api.js";
import { actions, announce, button, field, h, quiet, untrusted } from "./dom.js";
import { titleOf } from "./text.js";

const HINTS = {
  authors: "One in each line",
  published: "As far as it is known: 2025, 2025-09 or 2025-09-19",
  modified: "As far as it is known",
  language: "A code such as en or es",
  tags: "One in each line",
};
const LABELS = {
  title: "Title",
  authors: "Authors",
  publisher: "Publisher",
  published: "Published",
  modified: "Modified",
  url: "URL",
  language: "Language",
  tags: "Tags",
};
const LISTS = ["authors", "tags"];
// Why a field needs attention, and what to say of it where it is right as it is.
const CONFIRMED = {
  title: ["no-title", "It has no title"],
  authors: ["odd-author", "These are its authors"],
  publisher: ["no-publisher", "It has no publisher"],
  published: ["no-date", "It has no date of publication"],
};

/** Why somebody should look at an article, with what to do; null where there is nothing. */
export function attention({ attention: reasons }) {
  if (!reasons.length) return null;
  return h(
    "section",
    { class: "notice", "aria-label": "Needs attention" },
    h("p", {}, h("strong", {}, "Needs attention")),
    h("ul", {}, reasons.map(({ message, cure }) => h("li", {}, `${message} ${cure}`))),
  );
}

/** What the page says of each field that was corrected, for `dd` elements. */
export function pageSays(article, name) {
  if (!(name in article.corrected)) return null;
  const value = inWords(article.corrected[name]);
  return quiet("Corrected. The page says: ", value ? untrusted("q", value) : "nothing");
}

/**
 * Shows a form with what is known of an article.
 * @param {object} article
 * @param {() => Promise<any>} saved called when something was corrected
 */
export function correctDialog(article, saved) {
  const fields = Object.keys(LABELS).map((name) => new Field(article, name));
  const told = h("div");
  const save = h("button", {}, "Save");

  async function submit(event) {
    event.preventDefault();
    const changed = fields.filter((one) => one.isChanged);
    for (const one of fields) one.complain("");
    told.replaceChildren();
    if (!changed.length) {
      dialog.close();
      announce("Nothing was changed.");
      return;
    }
    save.disabled = true; // a second press would send it again
    try {
      const body = Object.fromEntries(changed.map((one) => [one.name, one.change]));
      const address = `/v1/articles/${encodeURIComponent(article.id)}`;
      await call(address, { method: "PATCH", body });
    } catch (error) {
      if (error.status === 401) dialog.close(); // the form to sign in is below
      else complain(error);
      return;
    } finally {
      save.disabled = false;
    }
    dialog.close();
    await saved();
    announce("Corrected.");
  }

  /** Shows each message beside its field, and what belongs to none below. */
  function complain(error) {
    const wrong = fields.filter((one) => one.complain(error.of?.(one.name) ?? ""));
    if (!wrong.length) told.replaceChildren(failure(error));
    wrong[0]?.input.focus();
  }

  const dialog = h(
    "dialog",
    { "aria-labelledby": "correct-title", class: "correcting", close: () => dialog.remove() },
    h("h2", { id: "correct-title" }, "Correct what is known"),
    quiet("The text stays the same. Leave a field empty where there is nothing to say."),
    h(
      "form",
      { submit, novalidate: true },
      fields.map((one) => one.place),
      told,
      actions(save, button("Cancel", () => dialog.close())),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  fields[0].input.focus();
}

/** A field of the form, which knows what it began with and what the page says. */
class Field {
  isTakenBack = false;

  constructor(article, name) {
    this.name = name;
    this.began = inLines(article[name]);
    const input = () => {
      this.isTakenBack = false;
      if (this.confirmed) this.confirmed.checked = false;
    };
    const attributes = { dir: "auto", autocomplete: "off", input };
    this.input = LISTS.includes(name)
      ? h("textarea", { rows: 2, ...attributes })
      : h("input", attributes);
    this.input.value = this.began;
    this.place = field(LABELS[name], this.input, HINTS[name]);
    this.error = h("p", { class: "warning", id: `${this.input.id}-error` });
    this.place.append(this.error);
    const [reason, words] = CONFIRMED[name] ?? [];
    if (article.attention.some((one) => one.reason === reason)) this.place.append(this.confirming(words));
    if (name in article.corrected) this.place.append(this.takingBack(article.corrected[name]));
  }

  /** A box to say that the field is right as it is. */
  confirming(words) {
    this.confirmed = h("input", { type: "checkbox" });
    return field(words, this.confirmed);
  }

  takingBack(value) {
    const back = () => {
      this.input.value = inLines(value);
      this.isTakenBack = true;
      this.input.focus();
    };
    const label = `Undo the correction of ${LABELS[this.name].toLowerCase()}`;
    return h(
      "p",
      { class: "quiet" },
      inWords(value) ? ["The page says: ", untrusted("q", inWords(value))] : "The page says nothing.",
      " ",
      button("Undo", back, { "aria-label": label }),
    );
  }

  get isChanged() {
    return this.isTakenBack || this.confirmed?.checked || this.input.value.trim() !== this.began;
  }

  get change() {
    if (this.isTakenBack) return null;
    const value = this.input.value.trim();
    if (!LISTS.includes(this.name)) return value;
    return value.split("\n").map((line) => line.trim()).filter(Boolean);
  }

  /** Shows what is wrong with the field; returns whether anything is. */
  complain(words) {
    const hint = HINTS[this.name] ? `${this.input.id}-hint` : "";
    this.error.textContent = words;
    if (words) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
    const described = [hint, words && this.error.id].filter(Boolean).join(" ");
    if (described) this.input.setAttribute("aria-describedby", described);
    else this.input.removeAttribute("aria-describedby");
    return Boolean(words);
  }
}

const inLines = (value) => (Array.isArray(value) ? value.join("\n") : value ?? "");
const inWords = (value) => (Array.isArray(value) ? value.join(", ") : value ?? "");

/** A button that opens the form; people whose key only reads do not see it. */
export function correctButton(article, saved) {
  return button("Correct", () => correctDialog(article, saved), {
    class: "correct",
    "aria-label": `Correct what is known of ${titleOf(article)}`,
  });
}

/** Signing in with a key, where the server needs one, and out. */

import { call, failure } from "./api.js";
import { button, field, h, quiet } from "./dom.js";

const ADDRESS = "/v1/session";

/**
 * A form that signs in with a key, and then calls `done`.
 * @param {() => void} done
 */
export function signIn(done) {
  const key = h("input", {
    type: "password",
    autocomplete: "current-password",
    spellcheck: "false",
    required: true,
    maxlength: 200,
  });
  const told = h("div");
  const submit = async (event) => {
    event.preventDefault();
    try {
      await call(ADDRESS, { method: "POST", body: { key: key.value.trim() } });
    } catch (error) {
      told.replaceChildren(failure(error));
      key.select();
      return;
    }
    done();
  };
  return [
    h("h1", { tabindex: -1 }, "Sign in"),
    h("p", { class: "lead" }, "This library is for people with a key. You stay signed in for a week."),
    h(
      "form",
      { class: "panel", submit, "data-signin": true },
      h("div", { class: "row" }, field("Your key", key), h("button", {}, "Sign in")),
      quiet("It begins with sbk_. The administrator of this server hands keys out."),
    ),
    told,
  ];
}

/** Shows in `place` who is signed in, with a button to sign out; nothing where nobody is. */
export async function showWho(place, out) {
  const session = await call(ADDRESS).catch(() => null);
  place.replaceChildren();
  document.body.dataset.role = session?.role ?? ""; // hides what the role does not allow
  if (!session?.needed || !session.name) return;
  const leave = async () => {
    await call(ADDRESS, { method: "DELETE" }).catch(() => null);
    place.replaceChildren();
    out();
  };
  place.append(h("span", { class: "quiet" }, `${session.name} (${session.role})`), button("Sign out", leave));
}

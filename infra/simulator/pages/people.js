// Which number is written to, and as whom.

import { known, phone } from "./actions.js";
import { byId, closeSheet, el, sheet } from "./dom.js";

const SOMEONE = { phone: "15557770001", name: "Maria Silva" };

export const nameOf = (person) => person.name || person.username || person.phone || person.user_id;

const addressOf = ({ phone: digits, username, user_id }) =>
  digits ? `+${digits}` : [username && `@${username}`, user_id].filter(Boolean).join(" · ");

/** Initials on a colour that stays the same for a name. */
export function avatar(name) {
  const initials = String(name ?? "?").split(/\s+/).slice(0, 2).map((word) => [...word][0] ?? "").join("");
  const colour = [...String(name)].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 6, 7);
  return el("span", { class: `avatar colour-${colour}`, "aria-hidden": "true" }, initials.toUpperCase());
}

let chosen = () => {};

export function listen(choose, readState, done) {
  chosen = async (number, customer) => {
    done();
    await choose(number, customer);
  };
  byId("number").addEventListener("focus", async () => drawNumbers(await readState()));
  byId("number").addEventListener("change", (event) => choose(event.target.value, startingCustomer()));
  byId("new-customer").addEventListener("click", askForCustomer);
}

const startingCustomer = () => ({ ...SOMEONE });

export function draw(state, chat) {
  drawNumbers(state);
  const list = byId("customers");
  const focused = document.activeElement?.dataset?.person;
  const people = known() || !phone.customer ? chat.people : [phone.customer, ...chat.people];
  list.replaceChildren(...people.map((person) => entry(person, chat.now)));
  if (focused) list.querySelector(`[data-person="${CSS.escape(focused)}"]`)?.focus();
}

function entry(person, now) {
  const current = person === phone.customer || person === known();
  const { user_id, phone: digits, name, username } = person;
  return el("li", {},
    el("button",
      {
        type: "button", class: "person", "aria-current": current ? "true" : undefined,
        data: { person: user_id ?? digits }, onclick: () => chosen(phone.number, { user_id, phone: digits, name, username }),
      },
      avatar(nameOf(person)),
      el("span", { class: "names" },
        el("strong", { dir: "auto" }, nameOf(person)), el("span", { class: "quiet" }, addressOf(person))),
      person.blocked ? el("span", { class: "badge bad" }, "blocked") : windowBadge(person, now)));
}

function windowBadge({ window_closes_at: closes }, now) {
  if (!closes) return null;
  return closes > now
    ? el("span", { class: "badge good", title: "The business may write freely" }, `${Math.ceil((closes - now) / 3600)} h`)
    : el("span", { class: "badge", title: "Only templates reach this customer" }, "closed");
}

let drawnNumbers = "";

function drawNumbers(state) {
  const select = byId("number");
  const numbers = JSON.stringify(state.numbers.map(({ id, verified_name, display_phone_number }) => [id, verified_name, display_phone_number]));
  if (numbers !== drawnNumbers) {
    const option = ({ id, verified_name, display_phone_number }) =>
      el("option", { value: id }, `${verified_name} · ${display_phone_number}`);
    select.replaceChildren(
      ...state.businesses.map((business) =>
        el("optgroup", { label: business.name },
          ...state.numbers.filter(({ business_id }) => business_id === business.id).map(option))),
    );
    drawnNumbers = numbers;
  }
  select.value = phone.number;
}

function askForCustomer() {
  const way = (value, label, checked) =>
    el("label", { class: "choice" }, el("input", { type: "radio", name: "way", value, checked }), label);
  const form = el("form", { class: "stack" },
    el("label", { class: "field" }, "Name", el("input", { name: "name", required: true, autocomplete: "off", maxlength: "100" })),
    el("fieldset", {},
      el("legend", {}, "The business sees"),
      way("phone", "their phone number", true), way("username", "only a username", false)),
    el("label", { class: "field", data: { way: "phone" } }, "Phone number, country code first",
      el("input", { name: "phone", inputmode: "tel", required: true, pattern: "\\+?[0-9 ]{5,18}", autocomplete: "off", value: someNumber() })),
    el("label", { class: "field", data: { way: "username" }, hidden: true }, "Username",
      el("input", { name: "username", required: true, disabled: true, autocomplete: "off", maxlength: "30" })),
    el("button", { type: "submit", class: "strong wide" }, "Write as them"));
  form.addEventListener("change", () => {
    for (const field of form.querySelectorAll("[data-way]")) {
      field.hidden = field.dataset.way !== form.elements.way.value;
      field.querySelector("input").disabled = field.hidden;
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    closeSheet();
    chosen(phone.number, customerOf(form.elements));
  });
  sheet("New customer", form);
}

function customerOf({ way, name, phone: digits, username }) {
  if (way.value === "phone") return { name: name.value, phone: digits.value.replace(/\D/g, "") };
  return { name: name.value, username: username.value.replace(/^@/, ""), user_id: `US.${random(20)}` };
}

const someNumber = () => `1555777${random(4)}`;

function random(digits) {
  return Array.from(crypto.getRandomValues(new Uint8Array(digits)), (byte) => byte % 10).join("");
}

/** The choice is part of the address: it can be reloaded and passed on. */
export function remember() {
  const parts = Object.entries({ number: phone.number, ...phone.customer }).filter(([, value]) => value);
  history.replaceState(null, "", `#${new URLSearchParams(parts)}`);
}

export function remembered(state) {
  const { number, ...customer } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const listening = new Set(state.wabas.filter(({ subscribed }) => subscribed).map(({ id }) => id));
  const start =
    state.numbers.find(({ id }) => id === number) ??
    state.numbers.find(({ waba_id, registered }) => registered && listening.has(waba_id)) ??
    state.numbers[0];
  const isSomeone = customer.phone || customer.user_id;
  return { number: start?.id, customer: isSomeone ? customer : startingCustomer() };
}

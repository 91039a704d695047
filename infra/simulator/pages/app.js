// The page: keeps what is shown in step with the simulator.

import { act, known, phone, unread, markRead, whenActed } from "./actions.js";
import * as composer from "./composer.js";
import { byId, complain, el, nodes } from "./dom.js";
import { drawMessages } from "./message.js";
import * as panel from "./panel.js";
import * as people from "./people.js";
import * as theme from "./theme.js";
import * as wire from "./wire.js";

/** Milliseconds between two looks, while nothing happens and just after something did. */
const CALM = 700;
const LIVELY = 150;

let shown = "";
let state = null;
let livelyUntil = 0;

/** Reads the chat, and draws it where it is not what it was. */
async function refresh() {
  if (!phone.number) return;
  const asked = `${phone.number} ${JSON.stringify(phone.customer)}`;
  const text = await wire.chat(phone.number, known()?.user_id ?? phone.customer?.user_id);
  if (asked !== `${phone.number} ${JSON.stringify(phone.customer)}`) return;
  const chat = JSON.parse(text);
  const met = !known() && phone.customer;
  phone.chat = chat;
  const { now, ...rest } = chat;
  const looks = asked + JSON.stringify(rest);
  if (looks !== shown) {
    draw(chat);
    shown = looks;
    livelyUntil = Date.now() + 3000;
  }
  // Only now the business knows them, and so do we their messages.
  if (met && known() && !phone.customer.user_id) await refresh();
}

function draw(chat) {
  people.draw(state, chat);
  drawBusiness(chat);
  drawNotices(chat);
  drawMessages(byId("messages"), chat);
  composer.draw();
}

function drawBusiness({ number, typing }) {
  const person = { ...phone.customer, ...known() };
  const below = typing ? "typing…" : number.display_phone_number;
  byId("business").replaceChildren(
    people.avatar(number.verified_name),
    el("div", { class: "names" },
      el("strong", { dir: "auto" }, number.verified_name),
      el("span", { class: typing ? "typing" : "quiet" }, below)),
    el("div", { class: "me" }, el("span", { class: "quiet" }, "you are"), el("span", { dir: "auto" }, people.nameOf(person))),
  );
}

/** What keeps messages from flowing, before anybody wonders. */
function drawNotices({ number, waba, webhook_url: url }) {
  const found = [];
  if (!waba.subscribed) {
    found.push(`No app listens to WABA ${waba.id}: what you write is told to nobody until POST /${waba.id}/subscribed_apps.`);
  } else if (!url) {
    found.push("The app has no webhook address: what you write is told to nobody.");
  }
  if (!number.registered) found.push(`The number cannot send before POST /${number.id}/register.`);
  const waiting = unread().length;
  byId("notices").replaceChildren(
    ...found.map((text) => el("p", { class: "notice" }, text)),
    ...nodes([
      waiting > 0 && !number.reads &&
        el("button", { type: "button", class: "soft", id: "mark-read", onclick: markRead }, `Mark ${waiting} as read`),
    ]),
  );
}

async function choose(number, customer) {
  phone.number = number;
  phone.customer = customer;
  phone.answering = null;
  phone.chat = null;
  people.remember();
  byId("messages").replaceChildren();
  await act(refresh);
}

async function readState() {
  state = await wire.state();
  return state;
}

function go(view) {
  document.body.dataset.view = view;
  const first = byId(view).querySelector("select, textarea, button:not([hidden])");
  if (view !== "chat") first?.focus();
}

async function keepUp() {
  for (;;) {
    if (!document.hidden) {
      await refresh().then(
        () => document.body.classList.remove("lost"),
        () => document.body.classList.add("lost"),
      );
    }
    await new Promise((done) => setTimeout(done, Date.now() < livelyUntil ? LIVELY : CALM));
  }
}

async function start() {
  theme.listen(byId("theme"));
  composer.listen();
  people.listen(choose, readState, () => go("chat"));
  panel.listen();
  for (const button of document.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => go(button.dataset.go));
  }
  whenActed(() => refresh().catch(complain));
  await readState();
  const { number, customer } = people.remembered(state);
  await choose(number, customer);
  keepUp();
}

start().catch(complain);

// Behind the chat: the number, who may act for it, what was told and what was asked. Where did it stop?

import { changeNumber, phone, revoke, whenActed } from "./actions.js";
import { byId, closeSheet, el, folded, json, placeOf, sheet } from "./dom.js";
import * as wire from "./wire.js";

const SELDOM = 1500;

let shown = "";

export function listen() {
  // Whether the simulator answers at all is shown by the chat.
  const update = () => draw().catch(() => {});
  whenActed(update);
  setInterval(() => !document.hidden && isVisible() && update(), SELDOM);
}

const isVisible = () => byId("panel").checkVisibility();

async function draw() {
  if (!phone.chat || !isVisible()) return;
  const id = phone.number;
  const { tokens, webhooks, calls } = await wire.trace(id);
  if (id !== phone.number || !phone.chat) return;
  const { number, waba, webhook_url: url } = phone.chat;
  const looks = JSON.stringify([number, waba, url, tokens, webhooks, calls]);
  if (looks === shown) return;
  shown = looks;
  keepPlace(() => [numberPart(number), accessPart(tokens, waba), webhookPart(webhooks, url), callPart(calls)]);
}

/** What was unfolded stays so, and the focus where it was. */
function keepPlace(build) {
  const body = byId("panel-body");
  const open = new Set([...body.querySelectorAll("details[open]")].map((one) => one.dataset.key));
  const focused = body.contains(document.activeElement) && placeOf(document.activeElement);
  body.replaceChildren(...build());
  for (const one of body.querySelectorAll("details")) one.open = open.has(one.dataset.key);
  if (focused) body.querySelector(focused)?.focus();
}

const part = (title, ...content) => el("section", { class: "part" }, el("h3", {}, title), ...content);

const fact = (name, value) => [el("dt", {}, name), el("dd", {}, value ?? "none")];

function numberPart(number) {
  const quality = el("select", { data: { focus: "quality" }, onchange: (event) => changeNumber({ quality_rating: event.target.value }) },
    ["GREEN", "YELLOW", "RED", "UNKNOWN"].map((rating) => el("option", { value: rating, selected: rating === number.quality_rating }, rating)));
  const reads = el("input", { type: "checkbox", data: { focus: "reads" }, checked: number.reads, onchange: (event) => changeNumber({ reads: event.target.checked }) });
  return part("Number",
    el("dl", {},
      fact("id", number.id), fact("WABA", number.waba_id), fact("status", number.status),
      fact("registered", number.registered ? "yes" : "no"), fact("limit", number.messaging_limit)),
    el("label", { class: "field" }, "Quality", quality),
    el("label", { class: "choice" }, reads, "Customers read what they get at once"));
}

function accessPart(tokens, waba) {
  const line = (token) =>
    el("li", { class: "token" },
      el("span", {}, el("strong", {}, token.kind), el("span", { class: "quiet wrap" }, ` ${token.label}`)),
      token.valid
        ? el("button", { type: "button", class: "soft danger", data: { focus: token.label }, "aria-label": `Revoke ${token.label}`, onclick: () => confirmToken(token) }, "Revoke")
        : el("span", { class: "badge bad" }, "dead"));
  return part("Access",
    tokens.length > 0 ? el("ul", { class: "plain" }, tokens.map(line)) : el("p", { class: "quiet" }, "No token reaches this number."),
    el("button", { type: "button", class: "soft danger wide", data: { focus: "remove-app" }, onclick: () => confirmWaba(waba) }, "Remove the app from this WABA"));
}

const confirmToken = (token) =>
  confirm(`Revoke ${token.label}?`, "Calls with it are answered 190 from now on.", [
    ["Revoke, tell nobody", { token: token.token }],
    ["Revoke, and tell the app it was deauthorized", { token: token.token, notify: "deauthorize" }],
  ]);

const confirmWaba = ({ id, name }) =>
  confirm(`Remove the app from ${name}?`, "Every token that reaches the WABA dies.", [
    ["Remove, tell nobody", { waba_id: id }],
    ["Remove, and tell the app: PARTNER_REMOVED", { waba_id: id, notify: "PARTNER_REMOVED" }],
  ]);

function confirm(title, text, ways) {
  const button = ([label, what]) =>
    el("button", { type: "button", class: "soft danger wide", onclick: () => (closeSheet(), revoke(what)) }, label);
  sheet(title, el("div", { class: "stack" },
    el("p", {}, text), ways.map(button),
    el("button", { type: "button", class: "soft wide", onclick: closeSheet }, "Leave it")));
}

function keyed(key, summary, ...content) {
  const details = folded(summary, ...content);
  details.dataset.key = key;
  details.querySelector("summary").dataset.focus = key;
  return details;
}

const verdict = (isGood, text) => el("span", { class: `badge ${isGood ? "good" : "bad"}` }, text);

const clock = (moment) => new Date(moment).toLocaleTimeString();

function webhookPart(tries, url) {
  const line = (one) => keyed(`${one.at} ${one.body}`,
    el("span", { class: "line" },
      verdict(one.status === 200, one.status === 0 ? "no answer" : one.status),
      el("span", {}, one.statuses.length > 0 ? `status ${one.statuses.join(", ")}` : one.fields.join(", ")),
      el("span", { class: "quiet" }, `${one.ms} ms · ${clock(one.at)}${one.next_at ? ` · again ${clock(one.next_at)}` : ""}`)),
    el("p", { class: "quiet wrap" }, one.url), json(parsed(one.body)));
  return part("Webhooks told",
    el("p", { class: "quiet wrap" }, url ? `to ${url}` : "No app listens to this number."),
    tries.length > 0 ? tries.map(line) : el("p", { class: "quiet" }, "None since the simulator started."));
}

function callPart(calls) {
  const line = (call) => keyed(`${call.at} ${call.path}`,
    el("span", { class: "line" },
      verdict(call.status && call.status < 300, call.status ?? "broken"),
      el("span", { class: "wrap" }, `${call.method} ${call.path.replace(/^\/v[\d.]+\/\d+/, "…")}`),
      el("span", { class: "quiet" }, refusal(call), clock(call.at))),
    json({ asked: call.body, answered: call.answer }));
  return part("Graph calls", calls.length > 0 ? calls.map(line) : el("p", { class: "quiet" }, "Nobody has called Graph for this number."));
}

function refusal({ answer }) {
  const error = answer?.error;
  return error ? `${error.code} ${error.error_data?.details ?? error.message ?? ""} · ` : "";
}

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

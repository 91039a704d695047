// One message from close: react, answer, decide what becomes of it, see what was told of it.

import { phone, react, tell } from "./actions.js";
import { answerTo } from "./composer.js";
import { preview } from "./content.js";
import { closeSheet, el, folded, icon, json, sheet } from "./dom.js";
import { webhook } from "./message.js";

const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** What a business most often has to cope with. */
const FAILURES = [
  [131026, "Message undeliverable"],
  [131049, "This message was not delivered to maintain healthy ecosystem engagement."],
  [130472, "User's number is part of an experiment"],
  [131042, "Business eligibility payment issue"],
  [131053, "Media upload error"],
];

export function details(message) {
  const outbound = message.direction === "outbound";
  sheet(preview(message).slice(0, 80),
    message.type !== "reaction" && reacting(message),
    message.type !== "reaction" && el("button", { type: "button", class: "soft wide", onclick: () => after(() => answerTo(message)) }, "Answer it"),
    outbound && statuses(message),
    outbound ? history(message) : told(message),
    folded("As it is", json({ id: message.id, ...message.content })));
}

function after(doing) {
  closeSheet();
  doing();
}

function reacting(message) {
  const button = (emoji, label) =>
    el("button", { type: "button", class: "emoji", "aria-label": label, onclick: () => after(() => react(message, emoji)) }, emoji || icon("close"));
  return el("div", { class: "emojis", role: "group", "aria-label": "React" },
    EMOJI.map((emoji) => button(emoji, `React with ${emoji}`)), button("", "Take the reaction back"));
}

/** Meta's part, played by hand. */
function statuses(message) {
  const failure = el("select", { name: "failure", "aria-label": "Why it fails" },
    FAILURES.map(([code, title]) => el("option", { value: code }, `${code} · ${title}`)));
  const fail = () => {
    const [code, title] = FAILURES.find(([known]) => known === Number(failure.value));
    tell(message, "failed", [{ code, title, message: title }]);
  };
  const button = (label, doing) => el("button", { type: "button", class: "soft", onclick: () => after(doing) }, label);
  return el("section", { class: "stack" },
    el("h3", {}, "Tell the business"),
    el("div", { class: "ways" },
      ["delivered", "read", ...(message.type === "audio" ? ["played"] : [])].map((name) => button(`It was ${name}`, () => tell(message, name)))),
    el("div", { class: "row" }, failure, button("It failed", fail)));
}

const HOW = { PENDING: "being told", DELIVERED: "told", RETRYING: "not told yet, trying again", FAILED: "never told" };

function history({ history: happened }) {
  const line = ({ status, at, webhook: state, webhook_uri: url, errors }) =>
    el("li", {},
      el("strong", {}, status), ` ${new Date(at * 1000).toLocaleTimeString()} · `,
      el("span", { class: state === "DELIVERED" ? "good" : "bad", title: url }, state ? HOW[state] ?? state : "nobody listened"),
      errors?.map((error) => el("p", {}, `${error.code} ${error.title ?? error.message ?? ""}`, error.error_data && ` · ${error.error_data.details}`)));
  return el("section", { class: "stack" },
    el("h3", {}, "What became of it"),
    happened.length > 0 ? el("ol", { class: "plain" }, happened.map(line)) : el("p", { class: "quiet" }, "Nothing yet."));
}

function told({ webhook: outcome }) {
  return el("section", { class: "stack" },
    el("h3", {}, "How the app was told"),
    el("p", {}, webhook(outcome)),
    outcome && el("p", { class: "quiet wrap" }, outcome.url),
    !phone.chat.webhook_url && el("p", { class: "quiet" }, "At the moment no app listens to this number."));
}

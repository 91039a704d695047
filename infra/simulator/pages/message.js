// The messages of a chat: drawn once each, and again only where they changed.

import { phone } from "./actions.js";
import { content, preview } from "./content.js";
import { details } from "./details.js";
import { byId, day, el, icon, placeOf, spoken, time } from "./dom.js";

/** wamid → what it was drawn from. */
let drawn = new Map();

export function drawMessages(list, chat) {
  const log = byId("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const before = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const kept = new Map();
  const items = [];
  let date = "";
  for (const message of chat.messages) {
    const today = day(message.timestamp);
    if (today !== date) items.push(before.get(today) ?? separator(today));
    date = today;
    const looks = looksOf(message, chat);
    items.push(unchanged(before.get(message.id), drawn.get(message.id), looks, message) ?? item(message, chat));
    kept.set(message.id, looks);
  }
  if (items.length === 0) items.push(el("li", { class: "empty quiet", data: { key: "empty" } }, "Nothing was written yet."));
  place(list, items);
  drawn = kept;
  if (atEnd || chat.messages.at(-1)?.id !== lastSeen) log.scrollTop = log.scrollHeight;
  lastSeen = chat.messages.at(-1)?.id;
}

let lastSeen;

/** What a message is drawn from: what it says, and how far it came. */
function looksOf({ status, history, webhook: told, ...message }, chat) {
  return {
    body: JSON.stringify([message, reactionsTo(message, chat), quoted(message, chat)?.id]),
    foot: JSON.stringify([status, history, told]),
  };
}

/** The item as it stands, if it still says the same. A new tick changes its foot only: what plays there plays on. */
function unchanged(item, before, looks, message) {
  if (!item || before?.body !== looks.body) return null;
  if (before.foot !== looks.foot) replaceKeepingFocus(item.querySelector(".foot"), foot(message, message.direction === "inbound"));
  return item;
}

function replaceKeepingFocus(old, fresh) {
  const focused = old.contains(document.activeElement) && placeOf(document.activeElement);
  old.replaceWith(fresh);
  if (focused) document.querySelector(focused)?.focus();
}

/** Moves nothing that is where it should be: what has the focus, or plays, goes on. */
function place(list, items) {
  const wanted = new Set(items);
  for (const child of [...list.children]) {
    if (!wanted.has(child)) replaceOrRemove(child, items);
  }
  items.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
}

function replaceOrRemove(child, items) {
  const next = items.find(({ dataset }) => dataset.key === child.dataset.key);
  if (next) replaceKeepingFocus(child, next);
  else child.remove();
}

const separator = (text) => el("li", { class: "day", data: { key: text } }, el("span", {}, text));

function item(message, chat) {
  const mine = message.direction === "inbound";
  if (message.type === "reaction") return reactionLine(message, mine);
  return el("li", { class: mine ? "mine" : "theirs", data: { key: message.id, wamid: message.id } },
    el("article", { class: "bubble", data: { type: message.type } },
      spoken(mine ? "You" : chat.number.verified_name),
      quote(message, chat),
      content(message),
      foot(message, mine)),
    reactions(reactionsTo(message, chat)));
}

function foot(message, mine) {
  return el("footer", { class: "foot" },
    mine && webhook(message.webhook),
    el("time", { datetime: new Date(message.timestamp * 1000).toISOString() }, time(message.timestamp)),
    progress(message, mine),
    el("button", {
      type: "button", class: "more", data: { focus: "more" }, onclick: () => details(phone.chat.messages.find(({ id }) => id === message.id) ?? message),
      "aria-label": `More about this message: ${preview(message).slice(0, 60)}`,
    }, icon("more")));
}

/** How the webhook that told of it fared: where it stopped, if it did. */
export function webhook(outcome) {
  if (!outcome) return el("span", { class: "hook", title: "No webhook is known: nobody listened, or the simulator was restarted since" }, "no webhook");
  const { status, ms, next_at: next } = outcome;
  const said = status === 0 ? "no answer" : `webhook ${status}`;
  const again = next ? ` · try ${outcome.try}, again ${new Date(next).toLocaleTimeString()}` : outcome.try > 1 ? ` · try ${outcome.try}` : "";
  return el("span", { class: `hook ${status === 200 ? "good" : "bad"}`, title: outcome.url }, `${said} · ${ms} ms${again}`);
}

const TICKS = { accepted: "tick", sent: "tick", received: "ticks", delivered: "ticks", read: "ticks", played: "ticks" };

/** The ticks, and the word for them: colour alone tells nobody. */
function progress({ status, history }, mine) {
  if (status === "failed") {
    const error = history.findLast((told) => told.errors)?.errors?.[0];
    return el("span", { class: "progress failed" }, icon("close"), `failed${error ? ` ${error.code} · ${error.title ?? error.message ?? ""}` : ""}`);
  }
  const word = mine && status === "received" ? "" : status;
  return el("span", { class: `progress ${status === "read" || status === "played" ? "seen" : ""}`, data: { status } },
    TICKS[status] && icon(TICKS[status]), word || spoken("delivered"));
}

function quoted(message, chat) {
  const id = message.content.context?.message_id ?? message.content.context?.id;
  return id && (chat.messages.find((other) => other.id === id) ?? { id, missing: true });
}

function quote(message, chat) {
  const answered = quoted(message, chat);
  if (!answered) return null;
  if (answered.missing) return el("p", { class: "quote quiet" }, "In answer to a message that is not shown");
  const go = () => {
    const target = document.querySelector(`[data-wamid="${CSS.escape(answered.id)}"]`);
    target?.scrollIntoView({ block: "center" });
    target?.classList.add("found");
    setTimeout(() => target?.classList.remove("found"), 1500);
  };
  return el("button", { type: "button", class: "quote", data: { focus: "quote" }, onclick: go },
    el("strong", {}, answered.direction === "inbound" ? "You" : chat.number.verified_name),
    el("span", { dir: "auto" }, preview(answered)));
}

/** The last reaction of each side, if it was not taken back. */
function reactionsTo(message, chat) {
  const last = new Map();
  for (const { type, direction, content: { reaction } } of chat.messages) {
    if (type === "reaction" && reaction?.message_id === message.id) last.set(direction, reaction.emoji);
  }
  return [...last].filter(([, emoji]) => emoji);
}

function reactions(found) {
  if (found.length === 0) return null;
  const who = (direction) => (direction === "inbound" ? "You" : "The business");
  return el("ul", { class: "reactions", "aria-label": "Reactions" },
    found.map(([direction, emoji]) => el("li", { title: who(direction) }, emoji, spoken(` by ${who(direction)}`))));
}

function reactionLine(message, mine) {
  const { emoji } = message.content.reaction ?? {};
  const did = emoji ? `reacted ${emoji}` : "took a reaction back";
  return el("li", { class: "event", data: { key: message.id, wamid: message.id } },
    el("span", {}, `${mine ? "You" : phone.chat.number.verified_name} ${did}`),
    foot(message, mine));
}

// Interactive messages of the business, with what a customer can press on them.

import { write } from "./actions.js";
import { askForLocation } from "./composer.js";
import { file, picture, player, text } from "./content.js";
import { closeSheet, el, json, link, sheet } from "./dom.js";

export function interactive(what, message) {
  const action = what.action ?? {};
  return [
    header(what.header),
    what.body?.text && text(what.body.text),
    what.footer?.text && text(what.footer.text, "small"),
    (ACTIONS[what.type] ?? asIs)(action, message, what),
  ];
}

export function header(head) {
  if (!head) return null;
  const media = head[head.type];
  if (head.type === "text") return [text(head.text, "title"), head.sub_text && text(head.sub_text, "small")];
  if (head.type === "image") return picture(media, "Image");
  if (head.type === "video") return player("video", media);
  return head.type === "document" ? file(media) : null;
}

const reply = (message, type, content) => write("interactive", { type, [type]: content }, message);

const row = (...buttons) => el("div", { class: "buttons" }, buttons);

const press = (label, onclick) => el("button", { type: "button", class: "press", dir: "auto", data: { focus: `press-${label}` }, onclick }, label);

const leave = (label, url) => el("span", { class: "press" }, link(url, label));

const quickReply = (message) => ({ reply: { id, title } = {}, quick_reply: quick }) =>
  press(title ?? quick?.title, () => reply(message, "button_reply", { id: id ?? quick?.id, title: title ?? quick?.title }));

const ACTIONS = {
  button: ({ buttons }, message) => row(buttons.map(quickReply(message))),
  cta_url: ({ parameters }) => row(leave(parameters.display_text, parameters.url)),
  list: (action, message) => row(press(action.button, () => chooseRow(action, message))),
  location_request_message: (_, message) => row(press("Send location", () => askForLocation(message))),
  request_contact_info: (_, message) => row(press("Share contact", () => shareContact(message))),
  call_permission_request: (_, message) => row(
    press("Allow calls", () => permit(message, "accept")), press("Don’t allow", () => permit(message, "reject"))),
  flow: ({ parameters }, message) => row(press(parameters.flow_cta ?? "Open", () => fillIn("flow", parameters, message))),
  address_message: ({ parameters }, message) => row(press("Give address", () => fillIn("address_message", parameters, message))),
  carousel: ({ cards }, message) => el("div", { class: "cards", tabindex: "0", role: "group", "aria-label": "Cards" }, cards.map((one) => card(one, message))),
};

const asIs = (action, _, { type }) => [el("p", { class: "label" }, type), json(action)];

function card({ header: head, body, action }, message) {
  return el("div", { class: "card-of-many" },
    header(head),
    body?.text && text(body.text),
    action.buttons ? row(action.buttons.map(quickReply(message)))
      : action.parameters && row(leave(action.parameters.display_text, action.parameters.url)));
}

function chooseRow({ button, sections }, message) {
  const choose = ({ id, title, description }) => {
    closeSheet();
    reply(message, "list_reply", { id, title, ...(description && { description }) });
  };
  const option = (one) =>
    el("button", { type: "button", class: "option", onclick: () => choose(one) },
      el("strong", { dir: "auto" }, one.title), one.description && el("span", { class: "quiet", dir: "auto" }, one.description));
  sheet(button, sections.map(({ title, rows }) =>
    el("section", { class: "stack" }, title && el("h3", { dir: "auto" }, title), rows.map(option))));
}

function permit(message, response) {
  const week = Math.floor(Date.now() / 1000) + 7 * 24 * 3600;
  return reply(message, "call_permission_reply", {
    response, response_source: "user_action", is_permanent: false,
    ...(response === "accept" && { expiration_timestamp: week }),
  });
}

function shareContact(message) {
  const digits = message.phone ?? "";
  const shared = { name: { formatted_name: "Me", first_name: "Me" }, phones: [{ phone: `+${digits}`, wa_id: digits, type: "CELL" }] };
  return write("contacts", [shared], message);
}

/** A form's answer is JSON the business defined: whoever tests it says what it is. */
function fillIn(name, parameters, message) {
  const start = JSON.stringify({ flow_token: parameters?.flow_token ?? "unused" }, null, 2);
  const field = el("textarea", { name: "answer", rows: "8", spellcheck: "false", class: "code", required: true });
  field.value = start;
  const form = el("form", { class: "stack" },
    el("label", { class: "field" }, "What was filled in (JSON)", field),
    el("button", { type: "submit", class: "strong wide" }, "Send"));
  field.addEventListener("input", () => field.setCustomValidity(isObject(field.value) ? "" : "This is no JSON object."));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    closeSheet();
    reply(message, "nfm_reply", { name, body: "Sent", response_json: JSON.stringify(JSON.parse(field.value)) });
  });
  sheet(name === "flow" ? "Fill in the form" : "Give an address", form);
}

function isObject(said) {
  try {
    return typeof JSON.parse(said) === "object";
  } catch {
    return false;
  }
}

// A template message: what was approved, filled with what was sent.

import { write } from "./actions.js";
import { file, location, picture, player, text } from "./content.js";
import { el, folded, json, link } from "./dom.js";

export function template(sent, message) {
  const label = el("p", { class: "label" }, `Template ${sent.name} · ${sent.language?.code ?? ""}`);
  if (!message.template) return [label, text("The template is no longer there.", "small"), json(sent)];
  const { components } = message.template;
  return [label, parts(components, sent.components ?? [], message), folded("What was sent", json(sent))];
}

function parts(approved, sent, message) {
  return approved.map((component) => {
    const draw = PARTS[component.type.toUpperCase()];
    return draw ? draw(component, sent, message) : folded(component.type, json(component));
  });
}

const PARTS = {
  HEADER: header,
  BODY: (body, sent) => [
    text(filled(body.text ?? "*{{1}}* is your verification code.", parametersOf(sent, "body"))),
    body.add_security_recommendation && text("For your security, do not share this code."),
  ],
  FOOTER: (footer) => text(footer.text ?? `This code expires in ${footer.code_expiration_minutes} minutes.`, "small"),
  BUTTONS: ({ buttons }, sent, message) => el("div", { class: "buttons" }, buttons.map((one, index) => button(one, index, sent, message))),
  CAROUSEL: ({ cards }, sent, message) => {
    const given = sent.find(({ type }) => is(type, "carousel"))?.cards ?? [];
    return el("div", { class: "cards", tabindex: "0", role: "group", "aria-label": "Cards" },
      cards.map((card, index) => el("div", { class: "card-of-many" }, parts(card.components, given[index]?.components ?? [], message))));
  },
  LIMITED_TIME_OFFER: ({ limited_time_offer: offer }) => el("p", { class: "title" }, offer?.text),
};

const is = (given, wanted) => String(given).toLowerCase() === wanted;

const parametersOf = (sent, type) => sent.find((component) => is(component.type, type))?.parameters ?? [];

/** `{{1}}` or `{{name}}`: the parameter of that place or name. */
function filled(said, parameters) {
  return String(said).replace(/\{\{\s*(\w+)\s*\}\}/gu, (whole, name) => {
    const given = parameters.find(({ parameter_name: named }) => named === name) ?? parameters[Number(name) - 1];
    return given ? value(given) : whole;
  });
}

const value = (parameter) =>
  parameter.text ?? parameter.currency?.fallback_value ?? parameter.date_time?.fallback_value ?? parameter.payload ??
  parameter.coupon_code ?? JSON.stringify(parameter);

function header({ format, text: said }, sent) {
  const [parameter] = parametersOf(sent, "header");
  const media = parameter?.[parameter.type.toLowerCase()];
  if (format === "TEXT") return text(filled(said, parametersOf(sent, "header")), "title");
  if (!media) return el("p", { class: "label" }, format);
  if (format === "IMAGE") return picture(media, "Image");
  if (format === "VIDEO" || format === "GIF") return player("video", media);
  return format === "LOCATION" ? location(media) : file(media);
}

function button(approved, index, sent, message) {
  const given = sent.find(({ type, index: place }) => is(type, "button") && Number(place) === index)?.parameters?.[0];
  switch (approved.type) {
    case "QUICK_REPLY": {
      const answer = { payload: given?.payload ?? approved.text, text: approved.text };
      return el("button", { type: "button", class: "press", dir: "auto", data: { focus: `press-${index}` }, onclick: () => write("button", answer, message) }, approved.text);
    }
    case "URL":
      return el("span", { class: "press" }, link(filled(approved.url, given ? [given] : []), approved.text));
    case "PHONE_NUMBER":
      return el("span", { class: "press" }, `${approved.text} · ${approved.phone_number}`);
    case "COPY_CODE":
      return el("span", { class: "press" }, `Code ${given?.coupon_code ?? approved.example ?? ""}`);
    default:
      return el("span", { class: "press" }, approved.text ?? approved.type);
  }
}

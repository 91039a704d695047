// What a message says, by its type; what is not known is shown as it is.

import { el, folded, icon, json, link } from "./dom.js";
import { interactive } from "./interactive.js";
import { template } from "./template.js";
import { mediaUrl } from "./wire.js";

/** A sign styles what it surrounds closely, and only where words begin and end: snake_case_names stay. */
const around = (sign) => String.raw`(?<![\p{L}\p{N}_${sign}])[${sign}](?! )[^${sign}\n]+(?<! )[${sign}](?![\p{L}\p{N}_${sign}])`;
const FIXED = /```[^`]+```/u.source;
const LINK = /https?:\/\/[^\s<>"]+/u.source;
const SAID = new RegExp(`(${[around("*"), around("_"), around("~"), FIXED, LINK].join("|")})`, "u");
const STYLES = { "*": "strong", "_": "em", "~": "s" };

/** Text as a chat shows it: *bold*, _italic_, ~struck~, ```fixed``` and links. */
export function text(said, name = "said") {
  const parts = String(said ?? "").split(SAID).map((part, index) => (index % 2 ? styled(part) : part));
  return el("p", { class: name, dir: "auto" }, parts);
}

function styled(part) {
  if (part.startsWith("http")) return link(part);
  if (part.startsWith("```")) return el("code", {}, part.slice(3, -3));
  return el(STYLES[part[0]], {}, part.slice(1, -1));
}

const KINDS = {
  text: (said) => text(said.body),
  image: (media) => [picture(media, "Image"), caption(media)],
  sticker: (media) => picture(media, "Sticker", "sticker"),
  video: (media) => [player("video", media), caption(media)],
  audio: (media) => player("audio", media),
  document: (media) => [file(media), caption(media)],
  location,
  contacts: (list) => list.map(contact),
  button: (button) => text(button.text),
  interactive: (what, message) => (message.direction === "inbound" ? answer(what) : interactive(what, message)),
  template: (sent, message) => template(sent, message),
  system: (system) => text(system.body),
};

export function content(message) {
  const what = message.content[message.type];
  try {
    const draw = Object.hasOwn(KINDS, message.type) && what ? KINDS[message.type] : null;
    return draw ? draw(what, message) : unknown(message);
  } catch {
    // A shape nobody expected is still somebody's message.
    return unknown(message);
  }
}

const unknown = ({ type, content: said }) => [el("p", { class: "label" }, type), json(said[type] ?? said)];

/** One line of it, for quotes and lists. */
export function preview({ type, content: said }) {
  const what = said?.[type];
  const words = {
    text: what?.body, button: what?.text, document: what?.filename, location: what?.name, system: what?.body,
    template: `Template ${what?.name}`,
    interactive: what?.body?.text ?? what?.button_reply?.title ?? what?.list_reply?.title,
  };
  const caption = ["image", "video", "document"].includes(type) && what?.caption;
  return String(caption || words[type] || type);
}

const caption = ({ caption: said }) => said && text(said);

/** Media by id lies in the simulator; by link it lies elsewhere, and this page loads nothing from elsewhere. */
export function picture(media, label, name = "picture") {
  if (!media.id) return elsewhere(label, media);
  const image = el("img", { class: name, src: mediaUrl(media.id), alt: media.caption || label });
  image.addEventListener("error", () => image.replaceWith(gone(label, media, "photo")));
  return image;
}

export function player(tag, media) {
  const label = tag === "video" ? "Video" : media.voice ? "Voice message" : "Audio";
  if (!media.id) return elsewhere(label, media);
  const element = el(tag, { controls: true, preload: "metadata", src: mediaUrl(media.id), "aria-label": label });
  element.addEventListener("error", () => element.replaceWith(gone(label, media, tag === "audio" ? "voice" : "video")));
  return element;
}

export function file(media) {
  const label = media.filename || "Document";
  if (!media.id) return elsewhere(label, media);
  return el("a", { class: "file", href: mediaUrl(media.id), download: label }, icon("document"), el("span", { dir: "auto" }, label));
}

const elsewhere = (label, media) =>
  el("p", { class: "file" }, icon("link"), el("span", {}, `${label} by link: `, link(media.link ?? "", media.link ?? "none")));

const gone = (label, media, sign) =>
  el("p", { class: "file" }, icon(sign), el("span", {}, `${label} that cannot be shown`, media.mime_type && ` (${media.mime_type})`));

export function location({ latitude, longitude, name, address }) {
  return el("div", { class: "card" },
    icon("place"),
    el("div", {},
      el("strong", { dir: "auto" }, name || "Location"),
      address && el("p", { class: "quiet", dir: "auto" }, address),
      el("p", { class: "quiet" }, `${latitude}, ${longitude}`)));
}

function contact({ name, phones, emails, org }) {
  const lines = [org?.company, ...(phones ?? []).map(({ phone }) => phone), ...(emails ?? []).map(({ email }) => email)];
  return el("div", { class: "card" },
    icon("person"),
    el("div", {},
      el("strong", { dir: "auto" }, name?.formatted_name ?? "Contact"),
      lines.filter(Boolean).map((line) => el("p", { class: "quiet", dir: "auto" }, line))));
}

/** What a customer answered to buttons, a list or a form. */
function answer(what) {
  const reply = what[what.type] ?? {};
  if (what.type === "call_permission_reply") return text(`Calls: ${reply.response}`);
  if (what.type === "nfm_reply") return [text(reply.body || "Sent"), folded("What was filled in", json(parsed(reply.response_json)))];
  return [text(reply.title), reply.description && text(reply.description, "small")];
}

function parsed(said) {
  try {
    return JSON.parse(said);
  } catch {
    return said;
  }
}

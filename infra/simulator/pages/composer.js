// Where the customer writes: text, files, places, people, and anything else as JSON.

import { act, phone, write } from "./actions.js";
import { preview } from "./content.js";
import { byId, closeSheet, el, icon, sheet } from "./dom.js";
import { nameOf } from "./people.js";

/** A request of the simulator holds 16 MB, in base64. */
const LARGEST = 11 * 1024 * 1024;

export function listen() {
  const field = byId("text");
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send(field);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send(field);
    }
    if (event.key === "Escape") answerTo(null);
  });
  byId("attach").addEventListener("click", askWhat);
}

async function send(field) {
  const body = field.value;
  if (body.trim() === "") return;
  field.value = "";
  // What could not be sent is not lost.
  if (!(await write("text", { body })) && field.value === "") field.value = body;
}

/** The message that the next one answers. */
export function answerTo(message) {
  phone.answering = message;
  draw();
  if (message) byId("text").focus();
}

export function draw() {
  const place = byId("answering");
  const message = phone.answering;
  place.hidden = !message;
  if (!message) return place.replaceChildren();
  return place.replaceChildren(
    el("span", { class: "quote" },
      el("strong", {}, `Answer to ${message.direction === "inbound" ? "yourself" : phone.chat.number.verified_name}`),
      el("span", { dir: "auto" }, preview(message))),
    el("button", { type: "button", class: "round", "aria-label": "Do not answer it", onclick: () => answerTo(null) }, icon("close")));
}

const FILES = [
  ["image", "photo", "Photo", "image/jpeg,image/png"],
  ["audio", "voice", "Voice message", "audio/ogg,audio/mpeg,audio/mp4,audio/aac,audio/amr"],
  ["video", "video", "Video", "video/mp4,video/3gpp"],
  ["document", "document", "Document", ""],
  ["sticker", "sticker", "Sticker", "image/webp"],
];

function askWhat() {
  const choice = (sign, label, onclick) =>
    el("button", { type: "button", class: "tile", onclick }, icon(sign), label);
  sheet("Send something else",
    el("div", { class: "tiles" },
      FILES.map(([type, sign, label, accept]) => choice(sign, label, () => askForFile(type, label, accept))),
      choice("place", "Location", () => askForLocation(phone.answering)),
      choice("person", "Contact", askForContact),
      choice("braces", "Anything", askForAnything)));
}

function askForFile(type, label, accept) {
  const hasCaption = ["image", "video", "document"].includes(type);
  const input = el("input", { type: "file", name: "file", accept });
  const caption = el("input", { name: "caption", maxlength: "1024", autocomplete: "off" });
  caption.value = hasCaption ? byId("text").value : "";
  const form = el("form", { class: "stack" },
    el("label", { class: "field" }, `${label} of this machine`, input),
    hasCaption && el("label", { class: "field" }, "Caption", caption),
    el("button", { type: "submit", class: "strong wide" }, "Send"),
    el("p", { class: "hint" }, "Without a file a small sample is sent."));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(() => sendFile(type, input.files[0], caption.value));
  });
  sheet(label, form);
}

async function sendFile(type, chosen, caption) {
  if (chosen?.size > LARGEST) throw new Error(`The file is larger than ${LARGEST / 1024 / 1024} MB.`);
  const url = chosen ? await dataUrl(chosen) : type === "image" ? samplePhoto() : "";
  const [, kind, bytes] = url.match(/^data:([^;,]*).*?,(.*)$/su) ?? [];
  const content = {
    ...(bytes && { bytes_base64: bytes }),
    ...(kind && { mime_type: kind }),
    ...(caption && { caption }),
    ...(type === "audio" && { voice: true }),
    ...(type === "document" && { filename: chosen?.name ?? "sample.pdf" }),
    ...(type === "sticker" && { animated: false }),
  };
  closeSheet();
  if (caption && caption === byId("text").value) byId("text").value = "";
  await write(type, content);
}

function dataUrl(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
}

/** Something to look at: dunes under a sun, never twice the same. */
function samplePhoto() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 420 });
  const paint = canvas.getContext("2d");
  const hue = Math.floor(Math.random() * 360);
  paint.fillStyle = `hsl(${hue} 60% 82%)`;
  paint.fillRect(0, 0, 640, 420);
  paint.fillStyle = `hsl(${hue + 40} 90% 92%)`;
  paint.beginPath();
  paint.arc(150 + Math.random() * 340, 120, 46, 0, 7);
  paint.fill();
  for (const [depth, light] of [[0, 68], [1, 54], [2, 40]]) {
    const start = Math.random() * 6;
    paint.fillStyle = `hsl(${hue + 20} 42% ${light}%)`;
    paint.beginPath();
    paint.moveTo(0, 420);
    for (let x = 0; x <= 640; x += 8) paint.lineTo(x, 240 + depth * 55 + 34 * Math.sin(start + x / (150 - depth * 22)));
    paint.lineTo(640, 420);
    paint.fill();
  }
  return canvas.toDataURL("image/jpeg", 0.85);
}

const field = (label, properties) => el("label", { class: "field" }, label, el("input", { autocomplete: "off", ...properties }));

export function askForLocation(answered) {
  const form = el("form", { class: "stack" },
    el("div", { class: "pair" },
      field("Latitude", { name: "latitude", type: "number", step: "any", min: "-90", max: "90", required: true, value: "38.7077" }),
      field("Longitude", { name: "longitude", type: "number", step: "any", min: "-180", max: "180", required: true, value: "-9.1366" })),
    field("Name", { name: "name", value: "Praça do Comércio" }),
    field("Address", { name: "address", value: "1100-148 Lisboa" }),
    el("button", { type: "submit", class: "strong wide" }, "Send location"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { latitude, longitude, name, address } = form.elements;
    closeSheet();
    write("location", {
      latitude: Number(latitude.value), longitude: Number(longitude.value),
      ...(name.value && { name: name.value }), ...(address.value && { address: address.value }),
    }, answered);
  });
  sheet("Location", form);
}

function askForContact() {
  const form = el("form", { class: "stack" },
    field("Name", { name: "name", required: true, value: "Tomás Reis" }),
    field("Phone number", { name: "digits", required: true, value: "+351 910 000 001" }),
    el("button", { type: "submit", class: "strong wide" }, "Send contact"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { name: { value: name }, digits: { value: number } } = form.elements;
    closeSheet();
    write("contacts", [{
      name: { formatted_name: name, first_name: name },
      phones: [{ phone: number, wa_id: number.replace(/\D/g, ""), type: "CELL" }],
    }]);
  });
  sheet("Contact", form);
}

const EXAMPLES = {
  order: { catalog_id: "1", text: "Two of these", product_items: [{ product_retailer_id: "bread-1", quantity: 2, item_price: 3.5, currency: "EUR" }] },
  system: { type: "user_changed_number", body: "They changed their number", wa_id: "15557770002" },
  unsupported: { type: "poll" },
  text: { body: "Hello" },
};

/** Any type of message, as Meta's webhook shows it. */
function askForAnything() {
  const types = Object.keys(EXAMPLES).map((type) => el("option", { value: type }));
  const type = el("input", { name: "type", required: true, list: "types", value: "order", autocomplete: "off" });
  const said = el("textarea", { name: "content", rows: "8", class: "code", spellcheck: "false", required: true });
  const example = () => (said.value = JSON.stringify(EXAMPLES[type.value] ?? {}, null, 2));
  type.addEventListener("change", example);
  example();
  const form = el("form", { class: "stack" },
    el("label", { class: "field" }, "Type", type, el("datalist", { id: "types" }, types)),
    el("label", { class: "field" }, "What stands under it (JSON)", said),
    el("button", { type: "submit", class: "strong wide" }, `Send as ${nameOf(phone.customer)}`));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(async () => {
      const content = JSON.parse(said.value);
      closeSheet();
      await write(type.value, content);
    });
  });
  sheet("Anything", form);
}

// Builds elements. Whatever came over the wire goes in as text, never as markup.

export function el(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...nodes(children));
  return element;
}

export function nodes(children) {
  const present = children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false);
  return present.map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

export const byId = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

/** One of the drawings in icons.svg. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `/page/icons.svg#${name}`);
  drawing.append(use);
  return drawing;
}

/** Text only a screen reader gets. */
export const spoken = (text) => el("span", { class: "spoken" }, text);

/** A link that leaves the page; anything but http and https is shown, not linked. */
export function link(url, label = url) {
  const target = URL.canParse(url) ? new URL(url) : null;
  if (!target || !["http:", "https:"].includes(target.protocol)) return el("span", { class: "dead-link" }, label);
  return el("a", { href: target.href, target: "_blank", rel: "noopener noreferrer" }, label);
}

export const json = (value) => el("pre", { class: "json", tabindex: "0" }, JSON.stringify(value, null, 2));

export function folded(summary, ...content) {
  return el("details", { class: "folded" }, el("summary", {}, summary), ...content);
}

export const time = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export const day = (seconds) =>
  new Date(seconds * 1000).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });

let opener;

/** A sheet over the page: Escape, a press beside it and its cross close it. */
export function sheet(title, ...content) {
  const dialog = byId("sheet");
  const close = el("button", { type: "button", class: "round", "aria-label": "Close", onclick: closeSheet }, icon("close"));
  dialog.replaceChildren(
    el("header", { class: "bar" }, el("h2", { id: "sheet-title" }, title), close),
    el("div", { class: "sheet-body" }, ...content),
  );
  if (dialog.open) return;
  opener = placeOf(document.activeElement);
  dialog.showModal();
}

/** Selects what stands where this element stands, also after it was drawn anew. */
export function placeOf(element) {
  const { focus } = element.closest("[data-focus]")?.dataset ?? {};
  const { key } = element.closest("[data-key]")?.dataset ?? {};
  return focus && `${key ? `[data-key="${CSS.escape(key)}"] ` : ""}[data-focus="${CSS.escape(focus)}"]`;
}

byId("sheet").addEventListener("close", ({ target }) => {
  // The browser gives the focus back, but not to what was drawn anew meanwhile.
  const isNowhere = document.activeElement === document.body || target.contains(document.activeElement);
  if (isNowhere && opener) document.querySelector(opener)?.focus();
});

byId("sheet").addEventListener("click", ({ target, currentTarget }) => {
  if (target === currentTarget) closeSheet();
});

export function closeSheet() {
  byId("sheet").close();
}

let forgetting;

/** Says for a while what could not be done. */
export function complain(error) {
  const place = byId("problem");
  place.textContent = error.message ?? String(error);
  place.hidden = false;
  clearTimeout(forgetting);
  forgetting = setTimeout(() => (place.hidden = true), 8000);
}

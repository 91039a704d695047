// What must hold whatever is written: nothing runs, everything can be read, reached and operated.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bubble, scene, withBrowser, write } from "./browser.js";
import { contrasts } from "./contrast.js";
import { until } from "./until.js";

withBrowser();

const HOSTILE = [
  `<img src=x onerror="globalThis.pwned=1">`,
  `<script>globalThis.pwned=1</script><svg onload=pwned=1>`,
  `"><iframe srcdoc="<script>parent.pwned=1</script>">`,
  `\u202Egnp.exe\u202C مرحبا بالعالم`,
  `x`.repeat(4096),
  `👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈`,
  `javascript:alert(1) data:text/html,<script>alert(1)</script>`,
  `{{1}} \${pwned} __proto__ constructor`,
];

async function hostileChat({ business, page }) {
  for (const text of HOSTILE) {
    await write(page, text);
    await business.hears((message) => message.text?.body === text);
    await business.send({ type: "text", text: { body: `>${text}`.slice(0, 4096) } });
  }
  const [image] = HOSTILE;
  await business.send({ type: "location", location: { latitude: 1, longitude: 2, name: image, address: image } });
  await business.send({ type: "contacts", contacts: [{ name: { formatted_name: image, first_name: "x" }, phones: [{ phone: image }] }] });
  await business.send({ type: "document", document: { link: "https://example.org/a.pdf", filename: image, caption: image } });
  await business.send({ type: "interactive", interactive: {
    type: "button", body: { text: image }, action: { buttons: [{ type: "reply", reply: { id: image, title: "<b>x</b>" } }] },
  } });
  await business.sim("inbound", { phone_number_id: "300400500600701", from: "15557770001", type: "<i>new</i>", "<i>new</i>": { image } });
  await business.sim("inbound", { phone_number_id: "300400500600701", from: "15557770001", type: "constructor", constructor: { image } });
  await business.sim("inbound", { phone_number_id: "300400500600701", from: "15557770009", name: image, type: "text", text: { body: "x" } });
  await until("all of it is drawn", async () => (await page.locator("#messages .bubble").count()) === HOSTILE.length * 2 + 6);
}

test("hostile text is text", () =>
  scene(async ({ business, page }) => {
    await hostileChat({ business, page });

    const said = await page.locator("#messages .mine .said").allTextContents();
    assert.deepEqual(said.length, HOSTILE.length);
    for (const [index, text] of HOSTILE.entries()) assert.ok(said[index] === text, `${text.slice(0, 60)} became ${said[index].slice(0, 60)}`);
    await page.locator("#customers strong", { hasText: HOSTILE[0] }).waitFor();
    const found = await page.evaluate(() => ({
      pwned: globalThis.pwned ?? null,
      scripts: document.querySelectorAll("script").length,
      strangers: document.querySelectorAll("#messages :is(img, iframe, svg[onload], b, [onerror])").length,
    }));
    assert.deepEqual(found, { pwned: null, scripts: 2, strangers: 0 });
    await bubble(page, "<i>new</i>").locator(".json").waitFor();
  }));

test("only the web can be linked to", () =>
  scene(async ({ page }) => {
    const made = await page.evaluate(async () => {
      const { link } = await import("/page/dom.js");
      const urls = ["https://example.org/a?b", "http://127.0.0.1:9000/", "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x", "//example.org", "nothing"];
      return urls.map((url) => [link(url).tagName, link(url).getAttribute("rel")]);
    });
    const [linked, shown] = [["A", "noopener noreferrer"], ["SPAN", null]];
    assert.deepEqual(made, [linked, linked, shown, shown, shown, shown, shown, shown]);
  }));

test("on a phone's width nothing sticks out, in any view", () =>
  scene(async ({ business, page }) => {
    await hostileChat({ business, page });
    const widths = () => page.evaluate(() =>
      ["html", "body", "#log", "#people", "#panel", "#composer"]
        .map((name) => [name, document.querySelector(name)])
        .filter(([, one]) => one.scrollWidth > Math.max(one.clientWidth, 0) && one.checkVisibility())
        .map(([name, one]) => `${name} ${one.scrollWidth} > ${one.clientWidth}`));

    assert.deepEqual(await widths(), []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    await page.getByRole("button", { name: "Choose number and customer" }).click();
    await page.getByLabel("Business number").waitFor();
    assert.deepEqual(await widths(), []);
    await page.locator("#people").getByRole("button", { name: "Back to the chat" }).click();
    await page.getByRole("button", { name: "Number, access and webhooks" }).click();
    await page.locator("#panel .folded").first().waitFor();
    assert.deepEqual(await widths(), []);
    await page.locator("#panel").getByRole("button", { name: "Back to the chat" }).click();
    await page.getByRole("button", { name: "Attach" }).click();
    assert.deepEqual(await page.getByRole("dialog").evaluate((one) => [one.scrollWidth <= one.clientWidth, one.getBoundingClientRect().right <= 360]), [true, true]);
  }, { viewport: { width: 360, height: 740 } }));

for (const colorScheme of ["light", "dark"]) {
  test(`every text can be read when the system is ${colorScheme}`, () =>
    scene(async ({ business, page }) => {
      await write(page, "Hello https://example.org");
      const { id } = await business.hears(({ type }) => type === "text");
      await business.sim("recipients", { recipient: "15557770001", code: 131026, times: 1 });
      await business.send({ type: "text", text: { body: "It fails" } });
      await business.send({ type: "template", template: { name: "hello_world", language: { code: "en_US" } } });
      await business.send({ type: "interactive", interactive: { type: "button", body: { text: "Choose" }, footer: { text: "Soon" }, action: { buttons: [{ type: "reply", reply: { id: "1", title: "One" } }] } } });
      await business.send({ type: "location", location: { latitude: 1, longitude: 2, name: "Here", address: "There" }, context: { message_id: id } });
      business.willAnswer("Refused", 500, 500, 500, 500);
      await write(page, "Refused");
      await page.locator(".hook.bad").waitFor();
      await page.locator(".failed").waitFor();
      await page.locator("#panel .badge.bad").first().waitFor();

      const found = await page.evaluate(contrasts, ["#people", "#chat", "#panel"]);
      assert.ok(found.length > 60, `only ${found.length} texts were found`);
      assert.deepEqual(found.filter(({ ratio }) => ratio < 4.5), []);
      const isDark = await page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches);
      assert.equal(isDark, colorScheme === "dark");
      assert.equal(await brightness(page) < 64, isDark);

      await page.getByRole("button", { name: "Dark theme" }).click();
      assert.equal(await brightness(page) < 64, !isDark);
      assert.deepEqual((await page.evaluate(contrasts, ["#people", "#chat", "#panel"])).filter(({ ratio }) => ratio < 4.5), []);
      await page.reload();
      await page.locator("#messages .bubble").first().waitFor();
      assert.equal(await brightness(page) < 64, !isDark);
    }, { colorScheme }));
}

const brightness = (page) =>
  page.evaluate(() => Math.max(...getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).slice(0, 3).map(Number)));

test("it can be worked without a mouse, and looking again takes no focus away", () =>
  scene(async ({ business, page }) => {
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.type("First line");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("second");
    await page.keyboard.press("Enter");
    await business.hears(({ text }) => text?.body === "First line\nsecond");
    await business.send({ type: "text", text: { body: "Heard you" } });
    const more = bubble(page, "Heard you").getByRole("button", { name: "More about this message: Heard you" });
    await more.focus();
    const wamid = await bubble(page, "Heard you").getAttribute("data-wamid");
    await business.sim("status", { wamid, status: "read" });
    await bubble(page, "Heard you").locator("[data-status=read]").waitFor();
    assert.equal(await more.evaluate((one) => one === document.activeElement), true);

    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Heard you" }).waitFor();
    await business.sim("status", { wamid, status: "played" });
    await bubble(page, "Heard you").locator("[data-status=played]").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await until("the focus is back", () => more.evaluate((one) => one === document.activeElement));
  }));

test("everything that can be pressed or filled in has a name, and every id is there once", () =>
  scene(async ({ business, page }) => {
    await write(page, "Hello");
    await business.hears(({ type }) => type === "text");
    await page.getByRole("button", { name: "Attach" }).click();
    const tree = await page.locator("body").ariaSnapshot();
    const nameless = tree.split("\n").filter((line) => /^\s*- (button|textbox|combobox|checkbox|link)(:|$| \[)/.test(line));
    assert.deepEqual(nameless, []);
    const twice = await page.evaluate(() => {
      const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
      return ids.filter((id, index) => ids.indexOf(id) !== index);
    });
    assert.deepEqual(twice, []);
  }));

test("its files say what they are, and the root stays Graph's for all else", () =>
  scene(async ({ business }) => {
    const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    for (const [path, type] of [["/", "text/html; charset=utf-8"], ["/page/app.js", "text/javascript; charset=utf-8"], ["/page/base.css", "text/css; charset=utf-8"], ["/page/icons.svg", "image/svg+xml"]]) {
      const { status, headers } = await fetch(business.base + path);
      const found = ["content-type", "content-security-policy", "x-content-type-options"].map((name) => headers.get(name));
      assert.deepEqual([status, ...found], [200, type, policy, "nosniff"]);
    }
    assert.equal((await fetch(`${business.base}/page/nothing.js`)).status, 404);
    const graph = await fetch(`${business.base}/`, { method: "POST" });
    assert.equal(typeof (await graph.json()).error.code, "number");
    assert.equal((await fetch(`${business.base}/_sim/chat?phone_number_id=300400500600701`, { headers: { origin: "https://example.org" } })).status, 403);
    assert.equal((await fetch(`${business.base}/_sim/media/..%2Fjournal.jsonl`)).status, 404);
  }));

test("a new tick draws no picture anew, and what stood in view stays there", () =>
  scene(async ({ business, page }) => {
    await write(page, "Hello");
    await business.hears(({ type }) => type === "text");
    const { wamids: [shown] } = await business.sim("inbound", { phone_number_id: "300400500600701", from: "15557770001", type: "image", image: { caption: "Look" } });
    const { image } = await business.hears(({ id }) => id === shown);
    const wamid = await business.send({ type: "image", image: { id: image.id, caption: "Seen" } });
    for (let count = 0; count < 20; count += 1) await business.sim("inbound", { phone_number_id: "300400500600701", from: "15557770001", type: "text", text: { body: `Line ${count}` } });
    await bubble(page, "Line 19").waitFor();
    await bubble(page, "Seen").locator("[data-status=read]").waitFor();
    await page.evaluate(() => (document.getElementById("log").scrollTop = 0));
    await bubble(page, "Seen").locator("img").evaluate((one) => (one.dataset.mark = "same"));

    await business.sim("status", { wamid, status: "played" });
    await bubble(page, "Seen").locator("[data-status=played]").waitFor();

    assert.equal(await bubble(page, "Seen").locator("img").getAttribute("data-mark"), "same");
    assert.equal(await page.evaluate(() => document.getElementById("log").scrollTop), 0);
  }));

// The phone page as a person meets it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bubble, scene, withBrowser, write } from "./browser.js";
import { NUMBER } from "./business.js";
import { until } from "./until.js";

withBrowser();

const statuses = (business, wamid) =>
  business.heard.flatMap(({ value }) => value.statuses ?? []).filter(({ id }) => id === wamid).map(({ status }) => status);

test("what is written appears, and the app hears of it", () =>
  scene(async ({ business, page }) => {
    await write(page, "Do you have *sourdough*?");

    const heard = await business.hears(({ type }) => type === "text");
    assert.deepEqual([heard.from, heard.text], ["15557770001", { body: "Do you have *sourdough*?" }]);
    const item = bubble(page, "sourdough");
    await item.locator(".hook", { hasText: /^webhook 200 · \d+ ms$/ }).waitFor();
    assert.equal(await item.locator("strong").textContent(), "sourdough");
    assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "");
  }));

test("what the business sends is drawn, and its buttons and rows can be pressed", () =>
  scene(async ({ business, page }) => {
    await write(page, "Hello");
    await business.hears(({ type }) => type === "text");
    await business.send({ type: "text", text: { body: "Good morning" } });
    const buttons = await business.send({ type: "interactive", interactive: {
      type: "button", header: { type: "text", text: "Your order" }, body: { text: "Keep one?" }, footer: { text: "Until seven" },
      action: { buttons: [{ type: "reply", reply: { id: "yes-1", title: "Yes, please" } }, { type: "reply", reply: { id: "no-1", title: "No" } }] },
    } });
    const list = await business.send({ type: "interactive", interactive: {
      type: "list", body: { text: "Which one?" },
      action: { button: "Choose", sections: [{ title: "Bread", rows: [{ id: "rye", title: "Rye", description: "Dark" }, { id: "spelt", title: "Spelt" }] }] },
    } });
    await business.send({ type: "template", template: { name: "hello_world", language: { code: "en_US" } } });

    for (const text of ["Good morning", "Keep one?"]) await bubble(page, text).waitFor();
    assert.deepEqual(
      await bubble(page, "Keep one?").locator("p, .press").allTextContents(),
      ["Your order", "Keep one?", "Until seven", "Yes, please", "No"]);
    await bubble(page, "Template hello_world").locator(".title", { hasText: "Hello World" }).waitFor();
    await page.getByRole("button", { name: "Yes, please" }).click();
    const pressed = await business.hears(({ interactive }) => interactive?.type === "button_reply");
    assert.deepEqual(pressed.interactive, { type: "button_reply", button_reply: { id: "yes-1", title: "Yes, please" } });
    assert.deepEqual(pressed.context, { id: buttons, from: "15550100001" });
    await bubble(page, "Yes, please").locator(".quote", { hasText: "Keep one?" }).waitFor();

    await page.getByRole("button", { name: "Choose" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Rye" }).click();
    const chosen = await business.hears(({ interactive }) => interactive?.type === "list_reply");
    assert.deepEqual(chosen.interactive.list_reply, { id: "rye", title: "Rye", description: "Dark" });
    assert.equal(chosen.context.id, list);
  }));

test("a template shows what it was filled with, and its quick reply answers with the payload", () =>
  scene(async ({ business, page }) => {
    await business.sim("behaviour", { review_ms: 0 });
    await business.graph("200300400500601/message_templates", {
      name: "order_ready", language: "en_US", category: "UTILITY",
      components: [
        { type: "HEADER", format: "TEXT", text: "Order {{1}} is here", example: { header_text: ["7"] } },
        { type: "BODY", text: "Dear {{1}}, your {{2}} is ready to be collected.", example: { body_text: [["Maria", "bread"]] } },
        { type: "BUTTONS", buttons: [{ type: "QUICK_REPLY", text: "I am coming" }] },
      ],
    });
    const sent = await business.send({ type: "template", template: { name: "order_ready", language: { code: "en_US" }, components: [
      { type: "header", parameters: [{ type: "text", text: "41" }] },
      { type: "body", parameters: [{ type: "text", text: "Maria" }, { type: "text", text: "rye bread" }] },
      { type: "button", sub_type: "quick_reply", index: "0", parameters: [{ type: "payload", payload: "coming-41" }] },
    ] } });

    await bubble(page, "Dear Maria, your rye bread is ready to be collected.").locator(".title", { hasText: "Order 41 is here" }).waitFor();
    await page.getByRole("button", { name: "I am coming" }).click();
    const heard = await business.hears(({ type }) => type === "button");
    assert.deepEqual([heard.button, heard.context.id], [{ payload: "coming-41", text: "I am coming" }, sent]);
  }));

test("pictures go both ways", () =>
  scene(async ({ business, page }) => {
    await page.getByRole("button", { name: "Attach" }).click();
    await page.getByRole("button", { name: "Photo" }).click();
    await page.getByLabel("Caption").fill("Like this one");
    await page.getByRole("button", { name: "Send", exact: true }).last().click();
    const { image } = await business.hears(({ type }) => type === "image");
    assert.deepEqual([image.mime_type, image.caption], ["image/jpeg", "Like this one"]);

    const bytes = await page.evaluate(async (url) => [...new Uint8Array(await (await fetch(url)).arrayBuffer())], `/_sim/media/${image.id}`);
    const id = await business.upload(Uint8Array.from(bytes), "image/jpeg", "bread.jpg");
    await business.send({ type: "image", image: { id, caption: "Or this" } });
    await business.send({ type: "image", image: { link: "https://example.org/bread.jpg" } });

    for (const caption of ["Like this one", "Or this"]) {
      const picture = bubble(page, caption).locator("img");
      await until(`${caption} is painted`, () => picture.evaluate((one) => one.naturalWidth === 640));
      assert.equal(await picture.getAttribute("alt"), caption);
    }
    // The page loads nothing from elsewhere: it says where it lies.
    await bubble(page, "Image by link").getByRole("link", { name: "https://example.org/bread.jpg" }).waitFor();
  }));

test("a customer sends a voice message, a place, a contact and whatever else Meta knows", () =>
  scene(async ({ business, page }) => {
    const attach = async (what, press) => {
      await page.getByRole("button", { name: "Attach" }).click();
      await page.getByRole("button", { name: what }).click();
      await page.getByRole("dialog").getByRole("button", { name: press }).click();
    };
    await attach("Voice message", "Send");
    await attach("Location", "Send location");
    await attach("Contact", "Send contact");
    await attach("Anything", "Send as Maria Silva");

    assert.equal((await business.hears(({ type }) => type === "audio")).audio.voice, true);
    const { location } = await business.hears(({ type }) => type === "location");
    assert.deepEqual(location, { latitude: 38.7077, longitude: -9.1366, name: "Praça do Comércio", address: "1100-148 Lisboa" });
    assert.equal((await business.hears(({ type }) => type === "contacts")).contacts[0].phones[0].wa_id, "351910000001");
    await business.hears(({ type }) => type === "order");
    await bubble(page, "Praça do Comércio").waitFor();
    await bubble(page, "Tomás Reis").waitFor();
    await bubble(page, "order").locator(".json", { hasText: "product_retailer_id" }).waitFor();
  }));

test("ticks go from sent over delivered to read, and the app hears each", () =>
  scene(async ({ business, page }) => {
    await write(page, "Hello");
    await business.hears(({ type }) => type === "text");
    await page.getByLabel("Customers read what they get at once").uncheck();
    await until("the number's customers keep it to themselves", async () => !(await business.sim("state")).numbers[0].reads);
    const wamid = await business.send({ type: "text", text: { body: "Are you there?" } });
    const progress = bubble(page, "Are you there?").locator(".progress");
    await progress.and(page.locator("[data-status=delivered]")).waitFor();

    await business.sim("status", { wamid, status: "sent" });
    await progress.and(page.locator("[data-status=sent]")).waitFor();
    assert.deepEqual([await progress.innerText(), await progress.locator("use").getAttribute("href")], ["sent", "/page/icons.svg#tick"]);

    await bubble(page, "Are you there?").getByRole("button", { name: "More about" }).click();
    await page.getByRole("button", { name: "It was delivered" }).click();
    await progress.and(page.locator("[data-status=delivered]")).waitFor();
    assert.deepEqual([await progress.innerText(), await progress.locator("use").getAttribute("href")], ["delivered", "/page/icons.svg#ticks"]);

    await page.getByRole("button", { name: "Mark 1 as read" }).click();
    await progress.and(page.locator("[data-status=read].seen")).waitFor();
    await until("the app hears all", () => statuses(business, wamid).length > 4);
    assert.deepEqual(statuses(business, wamid), ["sent", "delivered", "sent", "delivered", "read"]);
  }));

test("a message that failed says why", () =>
  scene(async ({ business, page }) => {
    await write(page, "Hello");
    await business.hears(({ type }) => type === "text");
    await business.sim("recipients", { recipient: "15557770001", code: 131026, times: 1 });
    await business.send({ type: "text", text: { body: "Into the void" } });

    await bubble(page, "Into the void").locator(".failed", { hasText: "131026 · Message undeliverable" }).waitFor();
    await bubble(page, "Into the void").getByRole("button", { name: "More about" }).click();
    await page.getByRole("dialog").locator("li", { hasText: "131026" }).waitFor();
  }));

test("reactions of both sides stand on the message, and are told", () =>
  scene(async ({ business, page }) => {
    await write(page, "Thank you");
    const { id } = await business.hears(({ type }) => type === "text");
    await business.send({ type: "reaction", reaction: { message_id: id, emoji: "❤️" } });
    const badges = bubble(page, "Thank you").locator(".reactions li");
    await badges.filter({ hasText: "❤️" }).waitFor();

    await bubble(page, "Thank you").getByRole("button", { name: "More about" }).click();
    await page.getByRole("button", { name: "React with 👍" }).click();
    const { reaction } = await business.hears(({ type }) => type === "reaction");
    assert.deepEqual(reaction, { message_id: id, emoji: "👍" });
    await badges.filter({ hasText: "👍" }).waitFor();

    await bubble(page, "Thank you").getByRole("button", { name: "More about" }).first().click();
    await page.getByRole("button", { name: "Take the reaction back" }).click();
    await badges.filter({ hasText: "👍" }).waitFor({ state: "detached" });
    assert.equal(await badges.count(), 1);
  }));

test("a webhook that is refused shows where it stopped, and that it got through later", () =>
  scene(async ({ business, page }) => {
    business.willAnswer("Knock knock", 503, 503);
    await write(page, "Knock knock");

    const hook = bubble(page, "Knock knock").locator(".hook");
    await hook.filter({ hasText: /^webhook 503 · \d+ ms · try [12], again / }).waitFor();
    await hook.filter({ hasText: /^webhook 200 · \d+ ms · try 3$/ }).waitFor();
    await page.locator("#panel .badge", { hasText: "503" }).nth(1).waitFor();
  }));

test("nobody listening is said before anybody wonders", () =>
  scene(async ({ page }) => {
    await page.getByLabel("Business number").selectOption("300400500600704");

    await page.locator(".notice", { hasText: "No app listens to WABA 200300400500603" }).waitFor();
    await write(page, "Hallo?");
    await bubble(page, "Hallo?").locator(".hook", { hasText: "no webhook" }).waitFor();
  }));

test("a customer with a username only shows no number", () =>
  scene(async ({ business, page }) => {
    await page.getByRole("button", { name: "New customer" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Noor");
    await page.getByLabel("only a username").check();
    await page.getByLabel("Username", { exact: true }).fill("noor.h");
    await page.getByRole("button", { name: "Write as them" }).click();
    await write(page, "Hi");

    const heard = await business.hears(({ type }) => type === "text");
    assert.equal(heard.from, undefined);
    assert.match(heard.from_user_id, /^US\.\d{20}$/);
    const [contact] = business.heard.find(({ value }) => value.messages).value.contacts;
    assert.deepEqual([contact.profile, contact.wa_id], [{ name: "Noor", username: "noor.h" }, undefined]);
    await page.locator("#customers [aria-current=true]", { hasText: "@noor.h" }).waitFor();
  }));

test("quality changes and revoked access reach the app and Graph", () =>
  scene(async ({ business, page }) => {
    await page.getByLabel("Quality").selectOption("RED");
    const told = await until("the app hears of it", () => business.heard.find(({ field }) => field === "phone_number_quality_update"));
    assert.equal(told.value.event, "FLAGGED");
    await page.locator("#panel summary", { hasText: "phone_number_quality_update" }).waitFor();

    await page.getByRole("button", { name: /^Revoke business:/ }).click();
    await page.getByRole("button", { name: "Revoke, tell nobody" }).click();
    await page.locator("#panel .token", { hasText: "business:" }).locator(".badge", { hasText: "dead" }).waitFor();
    await assert.rejects(business.send({ type: "text", text: { body: "Still there?" } }), /401|190/);
    await page.locator("#panel summary", { hasText: "POST …/messages" }).filter({ hasText: "190" }).waitFor();
    assert.equal((await business.sim("state")).numbers.find(({ id }) => id === NUMBER).quality_rating, "RED");
  }));

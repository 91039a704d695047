// kapso's client as its users use it, but for the base URL: what it sends is taken, what it is told it understands.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

import { WhatsAppClient } from "@kapso/whatsapp-cloud-api";
import { normalizeWebhook, verifySignature } from "@kapso/whatsapp-cloud-api/server";

const simulator = process.env.SIMULATOR;
const customer = "+15557770001";
const png = Buffer.from("\x89PNG\r\n\x1a\n and some pixels", "latin1");

/** A control call. */
async function control(path, body) {
  const method = body === undefined ? "GET" : "POST";
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${simulator}/_sim/${path}`, { method, headers, body: body && JSON.stringify(body) });
  assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
  return answer.json();
}

/** Listens where webhooks go, and keeps what the client makes of them. */
async function listen() {
  const kept = [];
  const server = createServer(async (request, answer) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const rawBody = Buffer.concat(chunks);
    const signatureHeader = request.headers["x-hub-signature-256"];
    const isSigned = verifySignature({ appSecret: "simulated-app-secret", rawBody, signatureHeader });
    if (isSigned) kept.push(normalizeWebhook(JSON.parse(rawBody.toString("utf8"))));
    answer.writeHead(isSigned ? 200 : 401).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const find = (list, wanted) => kept.flatMap((update) => update[list]).filter(wanted);
  return { url: `http://127.0.0.1:${server.address().port}/webhooks`, server, kept, find };
}

/** Looks until something is there, for at most ten seconds. */
async function until(look) {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    const found = look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("it never came");
}

async function sending({ client, phoneNumberId, updates, written }) {
  const to = customer;
  const header = { type: "image", image: { link: "https://example.com/a.png" } };
  const reply = [{ id: "yes", title: "Yes" }, { id: "no", title: "No" }];
  const sections = [{ title: "Bread", rows: [{ id: "rye", title: "Rye", description: "Dark" }] }];
  const upload = await client.media.upload({ phoneNumberId, type: "image", file: new Blob([png], { type: "image/png" }), fileName: "a.png" });
  const cards = [0, 1].map((cardIndex) => ({
    cardIndex,
    header,
    action: { type: "cta_url", displayText: "View", url: "https://example.com" },
  }));
  const sends = [
    client.messages.sendText({ phoneNumberId, to, body: "Hello", previewUrl: true }),
    client.messages.sendImage({ phoneNumberId, to, image: { id: upload.id, caption: "Look" } }),
    client.messages.sendImage({ phoneNumberId, to, image: { link: "https://example.com/a.jpg" } }),
    client.messages.sendAudio({ phoneNumberId, to, audio: { link: "https://example.com/a.mp3" } }),
    client.messages.sendVideo({ phoneNumberId, to, video: { link: "https://example.com/a.mp4", caption: "Clip" } }),
    client.messages.sendDocument({ phoneNumberId, to, document: { link: "https://example.com/a.pdf", filename: "a.pdf" } }),
    client.messages.sendSticker({ phoneNumberId, to, sticker: { link: "https://example.com/a.webp" } }),
    client.messages.sendLocation({ phoneNumberId, to, location: { latitude: 38.7, longitude: -9.1, name: "Lisboa" } }),
    client.messages.sendContacts({ phoneNumberId, to, contacts: [{ name: { formattedName: "Ana Melo", firstName: "Ana" } }] }),
    client.messages.sendReaction({ phoneNumberId, to, reaction: { messageId: written, emoji: "👍" } }),
    client.messages.sendInteractiveButtons({ phoneNumberId, to, header, bodyText: "Yes?", footerText: "Bread", buttons: reply }),
    client.messages.sendInteractiveList({ phoneNumberId, to, bodyText: "Choose", buttonText: "Choose", sections }),
    client.messages.sendInteractiveCtaUrl({ phoneNumberId, to, header, bodyText: "Open", parameters: { displayText: "Open", url: "https://example.com" } }),
    client.messages.sendInteractiveLocationRequest({ phoneNumberId, to, bodyText: "Where?", parameters: { requestMessage: "Where?" } }),
    client.messages.sendInteractiveCarousel({ phoneNumberId, to, bodyText: "Bread", cards }),
    client.messages.sendInteractiveCatalogMessage({ phoneNumberId, to, bodyText: "Bread" }),
    client.messages.sendTemplate({ phoneNumberId, to, template: { name: "hello_world", language: { code: "en_US" } } }),
  ];
  for (const send of sends) {
    const { messages: [{ id }] } = await send;
    const statuses = await until(() => {
      const told = updates.find("statuses", (status) => status.id === id);
      return told.length >= 3 && told;
    });
    assert.deepEqual(statuses.map((status) => status.status), ["sent", "delivered", "read"]);
    assert.ok(statuses.every((status) => status.recipientUserId));
  }
  const read = await client.messages.markRead({ phoneNumberId, messageId: written, typingIndicator: { type: "text" } });
  assert.equal(read.success, true);
}

async function receiving({ phoneNumberId, updates }) {
  const context = { id: "wamid.x" };
  const kinds = {
    text: { body: "Olá" },
    image: { caption: "Look" },
    video: {},
    audio: { voice: true },
    document: { filename: "a.pdf" },
    sticker: { animated: false },
    location: { latitude: 38.7, longitude: -9.1, name: "Lisboa" },
    contacts: [{ name: { formatted_name: "Ana", first_name: "Ana" } }],
    reaction: { message_id: "wamid.x", emoji: "❤" },
    button: { payload: "stop", text: "Stop" },
    interactive: { type: "button_reply", button_reply: { id: "yes", title: "Yes" } },
    order: { catalog_id: "1", text: "", product_items: [{ product_retailer_id: "1", quantity: 2, item_price: 3.5, currency: "EUR" }] },
  };
  for (const [type, content] of Object.entries(kinds)) {
    const written = await control("inbound", { phone_number_id: phoneNumberId, from: customer.slice(1), name: "Maria", type, [type]: content, context });
    const [message] = await until(() => {
      const told = updates.find("messages", (message) => message.id === written.wamids[0]);
      return told.length > 0 && told;
    });
    assert.equal(message.type, type);
    assert.equal(message.from, customer.slice(1));
    assert.equal(message.kapso.direction, "inbound");
    assert.ok(message[type], type);
  }
  await control("inbound", { phone_number_id: phoneNumberId, user_id: "US.13491208655302741918", username: "maria", type: "text", text: { body: "by name" } });
  await until(() => updates.find("messages", (message) => message.fromUserId === "US.13491208655302741918").length > 0);
}

async function failing({ client, phoneNumberId, updates }) {
  const template = { name: "hello_world", language: { code: "en_US" } };
  const { messages: [{ id }] } = await client.messages.sendTemplate({ phoneNumberId, to: "+15550131026", template });
  const [failed] = await until(() => {
    const told = updates.find("statuses", (status) => status.id === id);
    return told.length > 0 && told;
  });
  assert.equal(failed.status, "failed");
  assert.equal(failed.errors[0].code, 131026);
  const unasked = client.messages.sendText({ phoneNumberId, to: "+15557779999", body: "unasked" });
  await assert.rejects(unasked, (error) => error.code === 131047 && error.httpStatus === 400);
}

async function media({ client, phoneNumberId }) {
  const { id } = await client.media.upload({ phoneNumberId, type: "image", file: new Blob([png], { type: "image/png" }), fileName: "a.png" });
  const facts = await client.media.get({ mediaId: id, phoneNumberId });
  assert.equal(facts.mimeType, "image/png");
  const bytes = await client.media.download({ mediaId: id, phoneNumberId, auth: "always" });
  assert.deepEqual(Buffer.from(bytes), png);
  assert.equal((await client.media.delete({ mediaId: id, phoneNumberId })).success, true);
}

async function templates({ client, businessAccountId, updates }) {
  await control("behaviour", { review_ms: 0 });
  const components = [{ type: "BODY", text: "Order {{1}} is on its way to you.", example: { bodyText: [["7"]] } }];
  const created = await client.templates.create({ businessAccountId, name: "order_update", language: "en_US", category: "UTILITY", components });
  assert.equal(created.status, "APPROVED");
  await until(() => updates.kept.some((update) => update.raw.messageTemplateStatusUpdate?.[0].event === "APPROVED"));
  const listed = await client.templates.list({ businessAccountId, name: "order_update" });
  assert.deepEqual(listed.data.map((template) => template.id), [created.id]);
  assert.equal((await client.templates.delete({ businessAccountId, name: "order_update" })).success, true);
}

async function profile({ client, phoneNumberId }) {
  const changes = { about: "Bread", email: "a@example.com", vertical: "GROCERY", websites: ["https://example.com"] };
  assert.equal((await client.phoneNumbers.businessProfile.update({ phoneNumberId, ...changes })).success, true);
  const { data: [shown] } = await client.phoneNumbers.businessProfile.get({ phoneNumberId });
  assert.deepEqual([shown.about, shown.vertical, shown.websites], ["Bread", "GROCERY", ["https://example.com"]]);
}

const state = await control("state");
const phoneNumberId = state.numbers[0].id;
const businessAccountId = state.wabas[0].id;
const accessToken = state.tokens.find((token) => token.kind === "system").token;
const client = new WhatsAppClient({ baseUrl: simulator, accessToken, graphVersion: "v25.0" });
const updates = await listen();

await control("app", { require_proof: false, callback_url: updates.url });
await client.phoneNumbers.register({ phoneNumberId, pin: "123456" });
await client.request("POST", `${businessAccountId}/subscribed_apps`, { body: {}, responseType: "json" });
const { wamids: [written] } = await control("inbound", { phone_number_id: phoneNumberId, from: customer.slice(1), type: "text", text: { body: "Olá" } });

const stage = { client, phoneNumberId, businessAccountId, updates, written };
for (const part of [sending, receiving, failing, media, templates, profile]) {
  await part(stage);
  console.log(`kapso: ${part.name} ok`);
}
updates.server.close();
updates.server.closeAllConnections();

// The business at the other end: an app with a webhook, one registered number and a token for it.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

import { call, startSimulator } from "./simulator.js";
import { until } from "./until.js";

export const NUMBER = "300400500600701";
export const WABA = "200300400500601";
const APP = { id: "670000000000001", secret: "simulated-app-secret" };

const signed = (text) => createHmac("sha256", APP.secret).update(text).digest("hex");

export async function startBusiness() {
  const heard = [];
  const refusals = new Map();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://app");
    if (request.method === "GET") return response.end(url.searchParams.get("hub.challenge"));
    const body = Buffer.concat(await request.toArray());
    const isSigned = request.headers["x-hub-signature-256"] === `sha256=${signed(body)}`;
    const { field, value } = JSON.parse(body).entry[0].changes[0];
    heard.push({ isSigned, field, value });
    const [message] = value.messages ?? [];
    response.statusCode = refusals.get(message?.text?.body)?.shift() ?? 200;
    return response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const simulator = await startSimulator(`http://127.0.0.1:${server.address().port}/webhooks`);

  const { code } = await simulator.sim("embedded_signup", { waba_id: WABA });
  const app = new URLSearchParams({ client_id: APP.id, client_secret: APP.secret, code });
  const { access_token: token } = await call(`${simulator.base}/v25.0/oauth/access_token?${app}`);
  const headers = { authorization: `Bearer ${token}` };
  const graph = (path, body) =>
    call(`${simulator.base}/v25.0/${path}?appsecret_proof=${signed(token)}`, body, headers);
  await graph(`${WABA}/subscribed_apps`, {});
  await graph(`${NUMBER}/register`, { messaging_product: "whatsapp", pin: "123456" });

  return {
    ...simulator,
    graph,
    heard,
    /** The webhooks that tell of this text are answered with these, one after the other, and with 200 from then on. */
    willAnswer: (text, ...statuses) => refusals.set(text, statuses),
    /** Waits for a customer's message of which this holds. */
    hears: (isIt) => until(`a message like ${isIt}`, () => {
      const found = heard.flatMap(({ isSigned, value }) => (value.messages ?? []).map((message) => ({ isSigned, message })));
      const one = found.find(({ message }) => isIt(message));
      if (one) assert.equal(one.isSigned, true);
      return one?.message;
    }),
    /** Posts a message to the customer; gives its wamid. */
    send: async (message, to = "15557770001") => {
      const answer = await graph(`${NUMBER}/messages`, { messaging_product: "whatsapp", to: `+${to}`, ...message });
      return answer.messages[0].id;
    },
    upload: (bytes, type, name) => upload(simulator.base, headers, token, bytes, type, name),
    stop: async () => {
      await simulator.stop();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function upload(base, headers, token, bytes, type, name) {
  const form = new FormData();
  form.set("messaging_product", "whatsapp");
  form.set("file", new Blob([bytes], { type }), name);
  const answer = await fetch(`${base}/v25.0/${NUMBER}/media?appsecret_proof=${signed(token)}`, { method: "POST", headers, body: form });
  const said = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(said));
  return said.id;
}

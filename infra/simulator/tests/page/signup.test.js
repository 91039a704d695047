// Embedded Signup as a dashboard's customer meets it: the SDK's popup, every way out of it, and what the dashboard is told.

import assert from "node:assert/strict";
import { test } from "node:test";

import { visit, withBrowser } from "./browser.js";
import { startDashboard } from "./dashboard.js";
import { call, startSimulator } from "./simulator.js";
import { until } from "./until.js";

withBrowser();

const APP = { client_id: "670000000000001", client_secret: "simulated-app-secret" };
const NUMBERS = ["300400500600701", "300400500600702", "300400500600703", "300400500600704", "300400500600705"];
const [WABA, , THIRD] = ["200300400500601", "200300400500602", "200300400500603"];
const NOBODY = "http://127.0.0.1:9/webhooks";

/** Opens the popup, leaves it by `act`, and gives what the dashboard was told: session events, and the login's answer. */
async function signup(act, extras = {}) {
  const simulator = await startSimulator(NOBODY);
  const dashboard = await startDashboard(simulator.base);
  try {
    let told;
    await visit(dashboard.origin, [dashboard.origin, simulator.base], async (page) => {
      await page.evaluate((given) => Object.assign(extras, given), extras);
      const opened = page.waitForEvent("popup");
      await page.getByRole("button", { name: "Connect WhatsApp" }).click();
      const popup = await opened;
      const closed = popup.waitForEvent("close");
      await act(popup);
      await closed;
      const [answer] = await until("the login is answered", () => page.evaluate(() => answers.length > 0 && answers));
      const events = await page.evaluate(() => events);
      assert.equal(await page.evaluate(() => answers.length), 1);
      told = { events, answer, reached: answer.authResponse && await reached(simulator, answer.authResponse.code) };
    });
    assert.ok(told.events.every(({ origin }) => origin === simulator.base));
    return { ...told, events: told.events.map(({ type, event, version, data }) => ({ type, event, version, data })) };
  } finally {
    dashboard.stop();
    await simulator.stop();
  }
}

/** The WABAs that the code's token reaches. */
async function reached(simulator, code) {
  const { access_token: token } = await call(`${simulator.base}/v25.0/oauth/access_token?${new URLSearchParams({ ...APP, code })}`);
  const { tokens } = await simulator.sim("state");
  return tokens.find((one) => one.token === token).reaches.filter((id) => id.startsWith("2"));
}

const DENIED = { status: "unknown", authResponse: null };
const finished = (event, data) => [{ type: "WA_EMBEDDED_SIGNUP", event, version: 3, data }];
const finish = (popup) => popup.getByRole("button", { name: "Finish" }).click();

test("a number is chosen: the page is told which, and the code reaches its account alone", async () => {
  const { events, answer, reached: wabas } = await signup(async (popup) => {
    assert.deepEqual(await popup.locator("[name=number]").evaluateAll((all) => all.map(({ value }) => value)), NUMBERS);
    await popup.locator(`[value="${NUMBERS[3]}"]`).check();
    await finish(popup);
  });

  const none = { ad_account_ids: [], page_ids: [], dataset_ids: [], catalog_ids: [], instagram_account_ids: [] };
  const data = { waba_id: THIRD, business_id: "100200300400502", phone_number_id: NUMBERS[3], waba_ids: [THIRD], ...none };
  assert.deepEqual(events, finished("FINISH", data));
  assert.equal(answer.status, "connected");
  assert.deepEqual(wabas, [THIRD]);
});

test("an account is shared without a number", async () => {
  const { events, reached: wabas } = await signup(async (popup) => {
    await popup.getByLabel("Finish as").selectOption("FINISH_ONLY_WABA");
    await finish(popup);
  });

  assert.deepEqual(events, finished("FINISH_ONLY_WABA", { waba_id: WABA, business_id: "100200300400501" }));
  assert.deepEqual(wabas, [WABA]);
});

test("a number of the Business App is connected beside it, and no other is offered", async () => {
  const { events, reached: wabas } = await signup(async (popup) => {
    assert.deepEqual(await popup.locator("[name=number]").evaluateAll((all) => all.map(({ value }) => value)), [NUMBERS[4]]);
    await finish(popup);
  }, { featureType: "whatsapp_business_app_onboarding" });

  assert.deepEqual(events, finished("FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING", { waba_id: THIRD }));
  assert.deepEqual(wabas, [THIRD]);
});

test("who leaves is said to have left, where, and without a code", async () => {
  const { events, answer } = await signup(async (popup) => {
    await popup.getByLabel("Leave at").selectOption("PHONE_NUMBER_VERIFICATION");
    await popup.getByRole("button", { name: "Cancel" }).click();
  });

  assert.deepEqual(events, finished("CANCEL", { current_step: "PHONE_NUMBER_VERIFICATION" }));
  assert.deepEqual(answer, DENIED);
});

test("who reports a problem leaves with it", async () => {
  const { events: [event], answer } = await signup((popup) => popup.getByRole("button", { name: "Report a problem" }).click());

  assert.equal(event.event, "CANCEL");
  assert.deepEqual(Object.keys(event.data).sort(), ["error_id", "error_message", "session_id", "timestamp"]);
  assert.equal(event.data.error_message, "Your business is not eligible.");
  assert.deepEqual(answer, DENIED);
});

test("a popup that is closed says nothing, and gives no code", async () => {
  const { events, answer } = await signup((popup) => popup.close());

  assert.deepEqual([events, answer], [[], DENIED]);
});

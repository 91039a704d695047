// docs/embedding.md, as it stands there: a dashboard on another origin connects numbers, with a session of one tenant.

import assert from "node:assert/strict";
import { test } from "node:test";

import { visit, withBrowser } from "./browser.js";
import { embedded, written } from "./stack.js";

withBrowser();

/** Opens the dashboard, and gives `act` its page. */
const dashboard = (act) =>
  embedded((stack) => visit(`${stack.origin}/`, [stack.origin, stack.api, stack.simulator], (page) => act(page, stack)));

/** Asks the API as the operator's backend would. */
async function asked({ api, key }, path) {
  const answer = await fetch(api + path, { headers: { authorization: `Bearer ${key}`, "patchbay-tenant": "acme" } });
  return answer.json();
}

test("a customer leaves for Meta, comes back, chooses two numbers, and sees them connected", () =>
  dashboard(async (page, stack) => {
    await page.getByRole("button", { name: "Connect WhatsApp" }).click();
    await page.getByRole("button", { name: "Continue" }).click();
    const boxes = page.getByRole("checkbox");
    await boxes.nth(1).waitFor();
    const names = (await page.locator("label").allInnerTexts()).map((name) => name.trim());
    await boxes.nth(0).check();
    await boxes.nth(1).check();
    await page.getByRole("button", { name: "Connect WhatsApp" }).click();
    await page.getByRole("listitem").nth(1).waitFor();

    const lines = await page.getByRole("listitem").allInnerTexts();
    const { data } = await asked(stack, "/v1/accounts");
    const unproved = "Write to the number from any phone: nothing has arrived here since it was connected.";
    assert.deepEqual(lines, data.map(({ display_phone_number: number }) => `${number}: active. ${unproved}`));
    assert.deepEqual(data.map((account) => `${account.display_phone_number} ${account.verified_name}`).sort(), names.slice(0, 2).sort());
    // Neither what Meta nor what we gave for the way back stays in the address.
    assert.equal(page.url(), `${stack.origin}/`);
  }));

test("who says no at Meta is told what to do", () =>
  dashboard(async (page, stack) => {
    await page.getByRole("button", { name: "Connect WhatsApp" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator("#now:not(:empty)").waitFor();

    const { data: [connection] } = await asked(stack, "/v1/connections");
    assert.equal(connection.error.code, "user_cancelled");
    assert.equal(await page.locator("#now").innerText(), connection.error.remedy);
    assert.equal(await page.getByRole("listitem").count(), 0);
  }));

test("Meta's popup connects the number it was given", () =>
  dashboard(async (page, stack) => {
    await page.addScriptTag({ url: `${stack.simulator}/sdk.js` });
    await page.addScriptTag({ type: "module", content: `${written("popup.js")}\nglobalThis.connectByPopup = connectByPopup;`
      .replace('".facebook.com"', `"${new URL(stack.simulator).host}"`) });
    const opened = page.waitForEvent("popup");
    const connected = page.evaluate(async () => {
      const { url, token } = await (await fetch("/patchbay-session", { method: "POST" })).json();
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const call = async (method, path, body) => (await fetch(url + path, { method, headers, body: JSON.stringify(body) })).json();
      const { status, account_ids, error } = await connectByPopup(call);
      return { status, account_ids, error };
    });
    const popup = await opened;
    await popup.locator('[value="300400500600704"]').check();
    await popup.getByRole("button", { name: "Finish" }).click();

    assert.deepEqual(await connected, { status: "connected", account_ids: ["300400500600704"], error: null });
  }));

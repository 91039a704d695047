// A real Chromium, and a page in it that keeps everything a person would have to worry about.

import assert from "node:assert/strict";
import { after, before } from "node:test";

import { chromium } from "playwright-core";

import { startBusiness } from "./business.js";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

let browser;

export function withBrowser() {
  before(async () => {
    const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
    browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
  });
  after(() => browser.close());
}

/** Runs a test with a business and a page that writes to it as Maria. */
export async function scene(test, options = {}) {
  const business = await startBusiness();
  try {
    await visit(`${business.base}/`, [business.base], async (page) => {
      await page.locator("#business strong").waitFor();
      await test({ business, page });
    }, options);
  } finally {
    await business.stop();
  }
}

/** Runs a test with a page; it and what it opens may ask only `origins`, and nothing may have gone wrong there at its end. */
export async function visit(url, origins, test, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const worries = [];
  const isExpected = (asked) => asked.startsWith("data:") || origins.some((origin) => asked.startsWith(origin));
  context.on("page", (page) => {
    page.setDefaultTimeout(15_000);
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && worries.push(`${message.text()} ${message.location().url}`));
    page.on("pageerror", (error) => worries.push(error.message));
    page.on("dialog", (dialog) => (worries.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
    page.on("request", (request) => isExpected(request.url()) || worries.push(`asked ${request.url()}`));
  });
  try {
    await context.addInitScript(() => {
      globalThis.violations = [];
      addEventListener("securitypolicyviolation", (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    const page = await context.newPage();
    await page.goto(url);
    await test(page);
    worries.push(...(await page.evaluate(() => violations)));
    assert.deepEqual(worries, []);
  } finally {
    await context.close();
  }
}

export async function write(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

export const bubble = (page, text) => page.locator("#messages > li", { hasText: text });

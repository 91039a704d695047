// The whole stack as `cargo run` starts it, and the dashboard of docs/embedding.md beside it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { until } from "./until.js";

const ROOT = join(import.meta.dirname, "../../../..");
const guide = await readFile(join(ROOT, "docs/embedding.md"), "utf8");

/** A file of the guide, as it stands there. */
export function written(name) {
  const block = guide.split("\n```").find((one) => one.split("\n", 2)[1]?.includes(` ${name}`));
  if (!block) throw new Error(`docs/embedding.md has no ${name}`);
  return block.slice(block.indexOf("\n") + 1);
}

/** Runs a test with the stack, and with the guide's backend and pages on an origin that may call it. */
export async function embedded(test) {
  const folder = await mkdtemp(join(tmpdir(), "embedded-"));
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const data = join(folder, "data");
  const stack = spawn(process.env.LOCAL, ["--port", "0", "--simulator-port", "0", "--data", data, "--origin", origin],
    { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  let backend;
  try {
    const addresses = await until("the stack answers", () => readFile(join(data, "addresses.json"), "utf8").then(JSON.parse, () => null));
    const key = (await readFile(join(data, "operator.key"), "utf8")).trim();
    for (const name of ["backend.py", "index.html", "dashboard.js", "popup.js"]) {
      // The simulator stands for Meta, at another address.
      await writeFile(join(folder, name), written(name).replace('".facebook.com"', `"${new URL(addresses.simulator).host}"`));
    }
    backend = spawn("python3", ["backend.py"], {
      cwd: folder, stdio: "ignore", env: { ...process.env, PATCHBAY_URL: addresses.api, PATCHBAY_KEY: key, PORT: port },
    });
    await until("the backend answers", () => fetch(`${origin}/dashboard.js`).then(({ ok }) => ok, () => false));
    await test({ origin, key, ...addresses });
  } finally {
    for (const child of [backend, stack]) {
      if (!child || child.exitCode !== null) continue;
      child.kill();
      await once(child, "exit");
    }
    await rm(folder, { recursive: true });
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

// The simulator under test: started on a free port, stopped by its process.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export async function startSimulator(callbackUrl) {
  const program = process.env.SIMULATOR ?? fail("SIMULATOR says which simulator to start (tests/page/run sets it)");
  const child = spawn(program, ["--port", "0", "--callback-url", callbackUrl], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const [first] = await Promise.race([once(lines, "line"), once(child, "exit").then(() => fail("the simulator did not start"))]);
  const base = first.match(/http:\/\/\S+/u)?.[0] ?? fail(`no address in: ${first}`);
  return {
    base,
    sim: (path, body) => call(`${base}/_sim/${path}`, body),
    kill: () => child.kill(),
    stop: async () => {
      child.kill();
      await once(child, "exit");
    },
  };
}

export async function call(url, body, headers = {}) {
  const options = body === undefined ? { headers } : {
    method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body),
  };
  const answer = await fetch(url, options);
  const said = await answer.json();
  if (!answer.ok) fail(`${url}: ${answer.status} ${JSON.stringify(said)}`);
  return said;
}

function fail(reason) {
  throw new Error(reason);
}

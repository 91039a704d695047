// A dashboard somewhere else that offers Embedded Signup by Meta's documented lines, with only the script's address changed.

import { once } from "node:events";
import { createServer } from "node:http";

const page = (simulator) => `<!doctype html>
<html lang="en">
<title>Dashboard</title>
<link rel="icon" href="data:,">
<button>Connect WhatsApp</button>
<script>
  globalThis.events = [];
  globalThis.answers = [];
  globalThis.extras = { setup: {}, featureType: "", sessionInfoVersion: "3" };
  window.fbAsyncInit = () => FB.init({ appId: "670000000000001", autoLogAppEvents: true, xfbml: true, version: "v25.0" });
  window.addEventListener("message", ({ origin, data }) => {
    try {
      const said = JSON.parse(data);
      if (said.type === "WA_EMBEDDED_SIGNUP") events.push({ origin, ...said });
    } catch {
      // Not for us, as on any page.
    }
  });
  document.querySelector("button").addEventListener("click", () => FB.login((answer) => answers.push(answer), {
    config_id: "680000000000001", response_type: "code", override_default_response_type: true, extras,
  }));
</script>
<script src="${simulator}/sdk.js" crossorigin="anonymous"></script>
</html>`;

/** Answers under the name localhost: to a browser another site than the simulator's 127.0.0.1. */
export async function startDashboard(simulator) {
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(page(simulator));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://localhost:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

// Calls to the simulator that served this page.

const query = (parameters) => new URLSearchParams(parameters).toString();

async function call(path, options) {
  const answer = await fetch(path, options);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path.split("?")[0]}: ${reason(text) ?? `answered ${answer.status}`}`);
  return text;
}

function reason(text) {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : error?.message;
  } catch {
    return text || undefined;
  }
}

const get = async (path) => JSON.parse(await call(path));

const post = async (path, body) =>
  JSON.parse(
    await call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  );

export const state = () => get("/_sim/state");

/** As text: who polls can see at once that nothing has changed. */
export const chat = (number, user) =>
  call(`/_sim/chat?${query({ phone_number_id: number, ...(user ? { user_id: user } : {}) })}`);

export const trace = (number) => get(`/_sim/trace?${query({ phone_number_id: number })}`);
export const inbound = (message) => post("/_sim/inbound", message);
export const status = (wamid, name, errors) => post("/_sim/status", { wamid, status: name, ...(errors && { errors }) });
export const changeNumber = (number, change) => post(`/_sim/numbers/${encodeURIComponent(number)}`, change);
export const revoke = (what) => post("/_sim/revoke", what);

export const mediaUrl = (id) => `/_sim/media/${encodeURIComponent(id)}`;

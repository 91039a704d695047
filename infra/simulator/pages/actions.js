// What the customer and the person behind them do; and who they are at the moment.

import * as wire from "./wire.js";
import { complain } from "./dom.js";

/** The number, the customer (perhaps not known to the business yet) and what was last read of their chat. */
export const phone = { number: null, customer: null, chat: null, answering: null };

const listeners = new Set();
export const whenActed = (listener) => listeners.add(listener);

/** Does something, says what went wrong, and lets everyone look again. */
export async function act(doing) {
  try {
    return await doing();
  } catch (error) {
    complain(error);
    return undefined;
  } finally {
    for (const listener of listeners) listener();
  }
}

/** The customer as the business may know them already. */
export function known() {
  const { customer, chat } = phone;
  const isThem = (person) =>
    customer.user_id ? person.user_id === customer.user_id : person.phone === customer.phone;
  return customer && chat?.people.find(isThem);
}

function author() {
  const { phone: digits, user_id, username, name } = { ...phone.customer, ...known() };
  return { ...(digits ? { from: digits } : { user_id }), ...(username && { username }), ...(name && { name }) };
}

/** The customer writes; `answered` is the message it answers. */
export function write(type, content, answered = phone.answering) {
  const message = { phone_number_id: phone.number, ...author(), type, [type]: content };
  const own = answered?.direction === "inbound" && { from: answered.phone ?? answered.user_id };
  if (answered) message.context = { id: answered.id, ...own };
  phone.answering = null;
  return act(() => wire.inbound(message));
}

export function react(message, emoji) {
  return write("reaction", { message_id: message.id, ...(emoji && { emoji }) }, null);
}

export const unread = () =>
  (phone.chat?.messages ?? []).filter(({ direction, status }) => direction === "outbound" && status === "delivered");

/** The customer looks at the chat. */
export const markRead = () =>
  act(async () => {
    for (const { id } of unread()) await wire.status(id, "read");
  });

export const tell = (message, status, errors) => act(() => wire.status(message.id, status, errors));
export const changeNumber = (change) => act(() => wire.changeNumber(phone.number, change));
export const revoke = (what) => act(() => wire.revoke(what));

/** Waits, at most ten seconds, for something to become so. */
export async function until(what, look) {
  const end = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it never became so: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

const form = document.getElementById("signup");

const asked = (way) => {
  const chosen = form.elements.number.value;
  const waba = form.querySelector("input[name=number]:checked")?.dataset.waba;
  if (way === "cancel") return { event: "CANCEL", current_step: form.elements.current_step.value };
  if (way === "report") return { event: "CANCEL", error_message: "Your business is not eligible." };
  const event = form.elements.event.value;
  return event === "FINISH_ONLY_WABA" ? { event, waba_id: waba } : { event, phone_number_id: chosen };
};

form.addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const answer = await fetch("/_sim/embedded_signup", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(asked(submitted.submitter.value)),
  });
  const { code, session_event: sessionEvent } = await answer.json();
  const channel = form.elements.channel.value;
  // As Meta does: the session event is JSON text, and either of the two may come first.
  window.opener?.postMessage(JSON.stringify(sessionEvent), channel);
  window.opener?.postMessage({ simulatedLogin: true, code }, channel);
  window.close();
});

// A stand-in for connect.facebook.net/en_US/sdk.js: FB.init and FB.login, and nothing else of it.
(() => {
  const origin = new URL(document.currentScript.src).origin;
  let settings = {};

  const login = (callback, options = {}) => {
    const parameters = new URLSearchParams({
      client_id: settings.appId ?? "",
      config_id: options.config_id ?? "",
      response_type: options.response_type ?? "code",
      extras: JSON.stringify(options.extras ?? {}),
      display: "popup",
      channel: window.location.origin,
    });
    const version = settings.version ?? "v25.0";
    const popup = window.open(`${origin}/${version}/dialog/oauth?${parameters}`, "facebook-login", "width=480,height=720");
    if (!popup) return callback({ status: "unknown", authResponse: null });

    let code = null;
    const heard = (event) => {
      if (event.origin === origin && event.source === popup && event.data?.simulatedLogin) code = event.data.code;
    };
    window.addEventListener("message", heard);
    const waiting = setInterval(() => {
      if (!popup.closed) return;
      clearInterval(waiting);
      window.removeEventListener("message", heard);
      callback(code ? { status: "connected", authResponse: { code, userID: null, expiresIn: null } } : { status: "unknown", authResponse: null });
    }, 50);
  };

  window.FB = { init: (given) => { settings = given; }, login };
  window.fbAsyncInit?.();
})();

// Light or dark: as the system says, until somebody says otherwise. Loaded before the first paint.

const key = "simulator-theme";
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

const kept = localStorage.getItem(key);
if (kept === "light" || kept === "dark") root.dataset.theme = kept;

export function listen(button) {
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  system.addEventListener("change", show);
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem(key, root.dataset.theme);
    show();
  });
  show();
}

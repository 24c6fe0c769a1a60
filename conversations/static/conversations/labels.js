/** Keeps what a reviewer has typed and not saved from being left by accident. */

/** @type {Set<HTMLFormElement>} */
const unsaved = new Set();

document.addEventListener("input", (event) => {
  const field = event.target;
  const form = field instanceof Element ? field.closest("form") : null;
  if (form?.matches("[data-unsaved]")) unsaved.add(form);
});

document.addEventListener("submit", (event) => {
  if (event.target instanceof HTMLFormElement) unsaved.delete(event.target);
});

window.addEventListener("beforeunload", (event) => {
  if (unsaved.size > 0) event.preventDefault();
});

// Whoever opens a correction is going to type. The event does not bubble.
document.addEventListener(
  "toggle",
  (event) => {
    if (!(event.target instanceof HTMLDetailsElement) || !event.target.open) return;
    const field = event.target.querySelector("[data-unsaved] textarea");
    if (field instanceof HTMLElement) field.focus();
  },
  true,
);

/**
 * Tells how far an export is: a file that is made while it is sent has no length to go by.
 *
 * @typedef {{steps: number, all_steps: number, state: string, problems: number}} Progress
 */

const EVERY_MS = 700;
// A large selection takes a moment until its first conversation is written.
const GIVE_UP_AFTER = 30;

const form = /** @type {HTMLFormElement} */ (document.querySelector("form.export"));
const shown = /** @type {HTMLElement} */ (form.querySelector(".export-progress"));
const bar = /** @type {HTMLProgressElement} */ (form.querySelector("progress"));
const state = /** @type {HTMLElement} */ (form.querySelector("#export-state"));
const token = /** @type {HTMLInputElement} */ (form.querySelector("[name=progress]"));

let asking = 0;

form.addEventListener("submit", () => {
  token.value = newToken();
  shown.hidden = false;
  bar.value = 0;
  say("starting");
  asking += 1;
  follow(token.value, asking);
});

/**
 * @param {string} id
 * @param {number} turn
 */
async function follow(id, turn) {
  const url = (form.dataset.progress ?? "").replace("token", id);
  let unanswered = 0;
  while (turn === asking && unanswered < GIVE_UP_AFTER) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    const progress = await ask(url);
    if (turn !== asking) return;
    if (!progress) {
      unanswered += 1;
      continue;
    }
    unanswered = 0;
    show(progress);
    if (progress.state !== "running") return;
  }
  if (turn === asking) say("unknown");
}

/**
 * @param {string} url
 * @returns {Promise<Progress | null>} null: not begun, or the server does not answer
 */
async function ask(url) {
  try {
    const response = await fetch(url, { credentials: "same-origin" });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/** @param {Progress} progress */
function show(progress) {
  bar.max = Math.max(progress.all_steps, 1);
  bar.value = progress.state === "finished" ? bar.max : progress.steps;
  if (progress.state === "finished" && progress.problems > 0) {
    say("problems", { problems: progress.problems });
  } else {
    say(progress.state, { percent: Math.floor((100 * bar.value) / bar.max) });
  }
}

/**
 * @param {string} name
 * @param {Record<string, number>} [values]
 */
function say(name, values = {}) {
  const text = state.dataset[name] ?? "";
  state.textContent = text.replace(/\{(\w+)\}/g, (_all, key) => String(values[key]));
}

function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

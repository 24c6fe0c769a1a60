/**
 * The page of a conversation: a player for each call, the sound of each turn, one at a time; and
 * more turns while it goes on.
 *
 * @import { HeardTurn } from "./call-player.js"
 */

import { CallPlayer } from "./call-player.js";
import { Live } from "./live.js";

const SPEED_KEY = "voicechat.review.speed";
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
// What has a use of its own for a click.
const OWN_USE = "a, button, audio, input, select, textarea, label, summary, form, table";

const review = document.querySelector(".review");
if (review instanceof HTMLElement) start(review);

/** @param {HTMLElement} review */
function start(review) {
  const texts = {
    missing: review.dataset.missing ?? "",
    failed: review.dataset.failed ?? "",
    notDrawn: review.dataset.notDrawn ?? "",
  };
  const turnSounds = () => [...review.querySelectorAll("audio")].filter(isOfTurn);
  /** @type {Map<string, CallPlayer>} */
  const players = new Map();

  let speed = rememberedSpeed();
  const setSpeed = (/** @type {number} */ chosen) => {
    speed = chosen;
    remember(chosen);
    for (const player of players.values()) player.setSpeed(chosen);
    hasten();
  };
  const hasten = () => {
    for (const sound of turnSounds()) sound.defaultPlaybackRate = sound.playbackRate = speed;
  };

  const onMissing = (/** @type {string[]} */ segments) => {
    for (const sound of turnSounds()) {
      if (segments.includes(sound.dataset.segment ?? "")) tell(sound, texts.missing);
    }
  };

  for (const element of review.querySelectorAll(".call-player")) {
    if (!(element instanceof HTMLElement)) continue;
    const call = element.dataset.call ?? "";
    const options = { speed, onSpeed: setSpeed, onMissing, texts };
    players.set(call, new CallPlayer(element, turnsOf(review, call), options));
  }
  hasten();

  // Events of sounds do not bubble.
  /** @param {string} type @param {(sound: HTMLAudioElement) => void} react */
  const onSound = (type, react) =>
    review.addEventListener(
      type,
      ({ target }) => target instanceof HTMLAudioElement && react(target),
      true,
    );
  onSound("error", (sound) => isOfTurn(sound) && tell(sound, texts.missing));
  // A turn that paused goes on in its next part.
  onSound("ended", (sound) =>
    nextPart(sound)
      ?.play()
      .catch(() => {}),
  );
  onSound("play", (sound) => {
    for (const other of review.querySelectorAll("audio")) if (other !== sound) other.pause();
  });

  review.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const turn = event.target.closest(".turn");
    const own = event.target.closest(OWN_USE);
    if (!(turn instanceof HTMLElement) || (own && !own.matches(".turn-seek"))) return;
    const player = players.get(turn.dataset.call ?? "");
    if (!player || (!own && isSelecting())) return;
    player.playTurn(turn);
    // From here the keys go on.
    turn.querySelector("button")?.focus({ preventScroll: true });
  });

  review.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (!(target instanceof Element) || event.ctrlKey || event.metaKey || event.altKey) return;
    const isButton = target.matches(".turn-seek");
    const place = target.closest(isButton ? ".turn" : ".call-player");
    if (!(place instanceof HTMLElement) || target.matches("select, audio")) return;
    if (key === " " && target.matches("button")) return; // its own click
    const went = players.get(place.dataset.call ?? "")?.press(key, place);
    if (!went) return;
    event.preventDefault();
    if (isButton && went !== true) went.button.focus({ preventScroll: true });
  });

  addEventListener("keydown", (event) => {
    if (["PageUp", "PageDown", "Home", "End"].includes(event.key)) {
      for (const player of players.values()) player.stopFollowing();
    }
  });

  const bar = document.querySelector(".live-bar");
  if (bar instanceof HTMLElement) {
    new Live(bar, review, () => {
      for (const [call, player] of players) player.setTurns(turnsOf(review, call));
      hasten();
    });
  }
}

/** @param {HTMLAudioElement} sound */
function isOfTurn(sound) {
  return Boolean(sound.dataset.segment);
}

/**
 * @param {HTMLElement} review @param {string} call
 * @returns {HeardTurn[]} those that the call's player has
 */
function turnsOf(review, call) {
  /** @type {HeardTurn[]} */
  const turns = [];
  const deck = review.querySelector(`.call-player[data-call="${call}"]`);
  const length = Number(deck?.getAttribute("data-duration"));
  for (const element of review.querySelectorAll(`.turn[data-call="${call}"]`)) {
    const button = element.querySelector(".turn-seek");
    if (!(element instanceof HTMLElement) || !(button instanceof HTMLButtonElement)) continue;
    const { start, end } = element.dataset;
    // What was said since the page was loaded is not in its sound yet.
    if (Number(start) >= length) continue;
    button.disabled = false;
    turns.push({ element, button, start: Number(start), end: Number(end) });
  }
  return turns.sort((one, other) => one.start - other.start);
}

/** @param {HTMLAudioElement} sound @returns {HTMLAudioElement | null} */
function nextPart(sound) {
  const parts = [...(sound.closest(".turn")?.querySelectorAll("audio") ?? [])];
  return parts[parts.indexOf(sound) + 1] ?? null;
}

/**
 * Says at its turn what is wrong with a sound, once.
 *
 * @param {HTMLAudioElement} sound @param {string} text
 */
function tell(sound, text) {
  if (sound.nextElementSibling?.matches(".turn-problem")) return;
  const problem = document.createElement("p");
  problem.className = "turn-problem";
  problem.setAttribute("role", "alert");
  problem.textContent = text;
  sound.after(problem);
}

function isSelecting() {
  return !(document.getSelection()?.isCollapsed ?? true);
}

function rememberedSpeed() {
  try {
    const speed = Number(localStorage.getItem(SPEED_KEY));
    return SPEEDS.includes(speed) ? speed : 1;
  } catch {
    return 1; // storage is forbidden here
  }
}

/** @param {number} speed */
function remember(speed) {
  try {
    localStorage.setItem(SPEED_KEY, String(speed));
  } catch {
    // It holds for this page, then.
  }
}

/**
 * Why a microphone could not be opened, and what the person can do about each reason.
 *
 * @import { MicrophoneProblem, MicrophoneTrouble } from "./microphone.js"
 *
 * @typedef {"again" | "default" | "choose" | "resume" | "here"} Remedy
 */

/**
 * @param {unknown} error of getUserMedia (W3C Media Capture and Streams, 10.3)
 * @param {string} permission as the browser tells it
 * @returns {MicrophoneProblem}
 */
export function problemOf(error, permission) {
  const { name, message } = error instanceof Error ? error : { name: "", message: "" };
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      if (/system/i.test(message)) return "denied_by_system";
      return permission === "prompt" ? "dismissed" : "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "no_device";
    case "NotReadableError":
    case "AbortError":
      return "in_use";
    default:
      return "failed";
  }
}

/**
 * What is said about each, by the name of the text, and what is offered, the likeliest first.
 *
 * @type {Record<MicrophoneProblem | MicrophoneTrouble | "unavailable" | "elsewhere", [string, ...Remedy[]]>}
 */
export const ADVICE = {
  insecure: ["microphone_insecure"],
  unsupported: ["microphone_unsupported"],
  unavailable: ["microphone_unavailable"],
  dismissed: ["microphone_dismissed", "again"],
  denied: ["microphone_denied", "again"],
  denied_by_system: ["microphone_denied_by_system", "again"],
  no_device: ["microphone_no_device", "again"],
  in_use: ["microphone_in_use", "again", "choose"],
  unplugged: ["microphone_unplugged", "default", "choose"],
  failed: ["microphone_failed", "again"],
  silent: ["microphone_silent", "choose"],
  muted_by_system: ["microphone_muted_by_system", "choose"],
  interrupted: ["microphone_interrupted", "resume"],
  elsewhere: ["microphone_elsewhere", "here"],
};

/** @type {Record<Remedy, string>} */
export const REMEDY_NAMES = {
  again: "remedy_again",
  default: "remedy_default",
  choose: "remedy_choose",
  resume: "remedy_resume",
  here: "remedy_here",
};

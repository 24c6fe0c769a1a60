/**
 * Why a microphone could not be opened, and what the person can do about each reason.
 *
 * @import { MicrophoneProblem, MicrophoneTrouble } from "./microphone.js"
 *
 * @typedef {"again" | "default" | "choose" | "resume"} Remedy
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

/** @type {Record<MicrophoneProblem | MicrophoneTrouble | "unavailable", Remedy[]>} */
export const REMEDIES = {
  insecure: [],
  unsupported: [],
  unavailable: [],
  dismissed: ["again"],
  denied: ["again"],
  denied_by_system: ["again"],
  no_device: ["again"],
  in_use: ["again", "choose"],
  unplugged: ["default", "choose"],
  failed: ["again"],
  silent: ["choose"],
  muted_by_system: ["choose"],
  interrupted: ["resume"],
};

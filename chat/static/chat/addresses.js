/**
 * The addresses of conversations and of the socket.
 *
 * @import { PageConfig } from "./types.js"
 */

/**
 * @param {PageConfig} config
 * @param {string} conversation
 */
export function conversationUrl(config, conversation) {
  return config.urls.conversation.replace("00000000-0000-0000-0000-000000000000", conversation);
}

/** The new conversation that was open when the page was reloaded. @returns {string | null} */
export function beginningInAddress() {
  const id = location.hash.slice(1);
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? id : null;
}

/** @param {string} path */
export function socketUrl(path) {
  const url = new URL(path, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

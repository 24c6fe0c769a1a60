/**
 * The element that must be there.
 *
 * @template {Element} E
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new (...args: any[]) => E} kind
 * @returns {E}
 */
export function find(root, selector, kind) {
  const element = root.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`nothing in the page matches ${selector}`);
  return element;
}

/**
 * A copy of the one element in a `<template>`.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function fromTemplate(id) {
  const template = find(document, `#${id}`, HTMLTemplateElement);
  const element = template.content.firstElementChild?.cloneNode(true);
  if (!(element instanceof HTMLElement)) throw new Error(`template ${id} is empty`);
  return element;
}

/**
 * What the server put into the page with this id, as JSON.
 *
 * @param {string} id
 */
export function fromServer(id) {
  return JSON.parse(find(document, `#${id}`, HTMLScriptElement).text);
}

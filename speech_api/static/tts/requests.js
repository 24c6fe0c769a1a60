/**
 * What a program sends to have a text spoken, written out for three languages. No DOM.
 *
 * @typedef {{text: string, voice: string, output_format: string, speed: number}} Fields
 */

const ENDINGS = /** @type {Record<string, string>} */ ({ raw: "pcm", mulaw: "ulaw" });

/** The name under which an example keeps its sound. @param {Fields} fields */
export function file(fields) {
  return `speech.${ENDINGS[fields.output_format] ?? fields.output_format}`;
}

/** @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** @type {Record<string, (endpoint: string, fields: Fields) => string>} */
export const requests = {
  curl: (endpoint, fields) =>
    [
      `curl ${endpoint}`,
      `--header "Authorization: Bearer $VOICECHAT_KEY"`,
      `--json ${quoted(JSON.stringify(fields))}`,
      `--output ${file(fields)}`,
    ].join(" \\\n  "),

  python: (endpoint, fields) => `import os

import requests

answer = requests.post(
    ${JSON.stringify(endpoint)},
    headers={"Authorization": f"Bearer {os.environ['VOICECHAT_KEY']}"},
    json=${JSON.stringify(fields, null, 4).replaceAll("\n", "\n    ")},
    stream=True,
)
answer.raise_for_status()
with open("${file(fields)}", "wb") as file:
    for piece in answer.iter_content(None):
        file.write(piece)`,

  javascript: (endpoint, fields) => `const answer = await fetch(${JSON.stringify(endpoint)}, {
  method: "POST",
  headers: { Authorization: \`Bearer \${VOICECHAT_KEY}\` },
  body: JSON.stringify(${JSON.stringify(fields, null, 2).replaceAll("\n", "\n  ")}),
});
if (!answer.ok) throw new Error((await answer.json()).message);
let size = 0;
for await (const piece of answer.body) size += piece.length; // it comes as it is spoken
console.log(\`\${size} bytes of \${answer.headers.get("Content-Type")}\`);`,
};

/**
 * Characters that JSON allows and that a terminal interprets or does not show: control characters above ASCII, bidirectional
 * controls, characters without width, tags.
 */
const invisible =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** Writes such characters of a JSON text as escapes. They can occur in JSON strings only. */
export function escapeInvisible(json: string): string {
  return json.replace(invisible, escaped);
}

/** The text as one line without control characters, and without any that a terminal or browser interprets or does not show. */
export function visibleLine(text: string): string {
  return text.replace(hidden, ' ').trim();
}

/** General categories of Unicode: controls, format characters, line and paragraph separators. */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

function escaped(found: string): string {
  let text = '';
  for (let at = 0; at < found.length; at++) text += `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return text;
}

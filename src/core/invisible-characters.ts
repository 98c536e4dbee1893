/**
 * Characters that JSON lets through, and that a terminal obeys or nobody sees: control characters above ASCII, marks that
 * turn the writing, characters without width, tags.
 */
const invisible =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** JSON as it was, with such characters written as escapes: they stand in its texts alone. */
export function escapeInvisible(json: string): string {
  return json.replace(invisible, escaped);
}

function escaped(found: string): string {
  let text = '';
  for (let at = 0; at < found.length; at++) text += `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return text;
}

/** Control characters except line ends, and invisible characters: direction marks, zero-width spaces, tags. */
const unseen =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e007f}]/gu;

/** Untrusted text as HTML text: without markup, and without characters that hide or reorder what is shown. */
export function escapeHtml(text: string): string {
  return text.replace(unseen, ' ').replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Our own sentences, in which names of settings stand between backticks. */
export function proseHtml(text: string): string {
  const parts = text.split('`');
  // An odd backtick at the end begins nothing.
  if (parts.length % 2 === 0) return escapeHtml(text);
  return parts.map((part, index) => (index % 2 === 0 ? escapeHtml(part) : `<code>${escapeHtml(part)}</code>`)).join('');
}

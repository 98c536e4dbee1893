/** Text of others as text: no markup of theirs, no control characters but ends of lines, nothing that turns the writing. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, ' ')
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Our sentences, in which names of settings stand between backticks. */
export function proseHtml(text: string): string {
  const parts = text.split('`');
  // An odd backtick at the end begins nothing.
  if (parts.length % 2 === 0) return escapeHtml(text);
  return parts.map((part, place) => (place % 2 === 0 ? escapeHtml(part) : `<code>${escapeHtml(part)}</code>`)).join('');
}

import { packedHex } from './packed-id.ts';

/** A line that names more requests than this is a list, and says little about each. */
const idsMax = 8;

/** A shorter text has no id. */
const idCharactersMin = 32;

/** Request ids (UUIDs) and trace ids (32 hexadecimal digits, also within a `traceparent`), in text or JSON. */
const idForm = /(?<![\da-z])(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{32})(?![\da-z])/gi;

/** The request ids and trace ids in a line, without their hyphens. */
export function idsInText(text: string): readonly string[] {
  const found = text.length < idCharactersMin ? null : text.match(idForm);
  return found === null ? [] : [...new Set(found.map(plainId))].slice(0, idsMax);
}

/** An id without hyphens; null if it has not the form that lines are searched for. */
export function idInTextForm(id: string): string | null {
  return id.match(idForm)?.[0] === id ? plainId(id) : null;
}

/** The value in the index of ids. */
export function packedIdInText(id: string): Uint8Array | string {
  return packedHex(id);
}

function plainId(id: string): string {
  return id.toLowerCase().replaceAll('-', '');
}

/** URLs and paths with variables, whose values come from clients: none can end its part of the URL. */
import type { Template } from './template.ts';
import type { VariableSource } from './variables.ts';

/**
 * Fills in a URL. A value is percent-encoded where it could be more than a part of the path or of the query in which it stands; one that has come
 * percent-encoded is not encoded twice. No value leads out of the folder in which it stands: its dots are encoded so that an application which decodes
 * once more sees no dot segment either.
 */
export function fillUrl(template: Template, source: VariableSource): string {
  const url = filled(template, source, false);
  return dotSegment.test(url) ? filled(template, source, true) : url;
}

/** Also one that only an application sees which decodes slashes or cuts parameters off. */
const dotSegment = /^[^?#]*(?:\/|%2f|%5c)(?:\.|%2e){1,2}(?:[/;?#]|%2f|%5c|$)/i;

function filled({ texts, variables }: Template, source: VariableSource, isDotEncoded: boolean): string {
  let url = texts[0] as string;
  for (const [at, { written, valueOf }] of variables.entries()) {
    const part = partAt(url);
    const value = encodedIn(part, written, valueOf(source));
    const hasDots = isDotEncoded && part === 'path' && written !== 'path' && written !== 'query';
    url += (hasDots ? value.replace(/\.|%2e/gi, '%252E') : value) + (texts[at + 1] as string);
  }
  return url;
}

type UrlPart = 'host' | 'path' | 'query';

/** Where a URL is that begins so. */
function partAt(url: string): UrlPart {
  if (/[?#]/.test(url)) return 'query';
  return /^https?:\/\/[^/]*$/i.test(url) ? 'host' : 'path';
}

/** Their values have come percent-encoded. A path or a query in a parameter is a URL by itself, and stays as it is. */
const isEncoded = /^(?:query|capture)\./;

function encodedIn(part: UrlPart, variable: string, value: string): string {
  if (variable === 'host' && part === 'host') return value;
  if (part !== 'query') {
    // `OPTIONS *` has no path.
    if (variable === 'path') return value.startsWith('/') ? encoded(value, inPath) : '/';
    if (variable === 'query') return encoded(value, inQuery);
    if (variable.startsWith('capture.')) return encoded(value, inPath);
  }
  const plain = variable.startsWith('query.') ? value.replaceAll('+', ' ') : value;
  return encoded(isEncoded.test(variable) ? decoded(plain) : plain, inPart);
}

const inPath = /[^\w\-.~!$&'()*+,;=:@%/]/gu;
const inQuery = /[^\x21-\x7e]|[#"<>\\`{}]/gu;
const inPart = /[^\w\-.~]/gu;

/** Bytes, as targets have them. */
function decoded(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Each character of what a request has is one byte; names of certificates may have others. */
function encoded(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (character) =>
    character.length === 1 && character.charCodeAt(0) < 0x100
      ? `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
      : encodeURIComponent(character.toWellFormed()),
  );
}

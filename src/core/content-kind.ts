/** Kinds of content that people tell apart. `none`: no Content-Type; `list`: JSON that begins with `[`; `error`: JSON that begins with an error. */
export const contentKinds = [
  'none',
  'json',
  'list',
  'html',
  'text',
  'xml',
  'style',
  'script',
  'image',
  'stream',
  'other',
  'error',
] as const;

/** The index of its name in `contentKinds`. */
export type ContentKind = number;

const types: Readonly<Record<string, (typeof contentKinds)[number]>> = {
  'application/json': 'json',
  'application/problem+json': 'json',
  'application/vnd.api+json': 'json',
  'application/ld+json': 'json',
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'text/plain': 'text',
  'text/xml': 'xml',
  'application/xml': 'xml',
  'text/css': 'style',
  'text/javascript': 'script',
  'application/javascript': 'script',
  'image/png': 'image',
  'image/jpeg': 'image',
  'image/gif': 'image',
  'image/webp': 'image',
  'image/avif': 'image',
  'image/svg+xml': 'image',
  'image/x-icon': 'image',
  'text/event-stream': 'stream',
};

export const noContentKind = contentKinds.indexOf('none');
export const jsonKind = contentKinds.indexOf('json');
export const listKind = contentKinds.indexOf('list');
export const errorKind = contentKinds.indexOf('error');
const otherKind = contentKinds.indexOf('other');

const [semicolon, space, tab] = [0x3b, 0x20, 0x09];

/** FNV-1a of a media type in lowercase, up to its parameters. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number;
    if (byte === semicolon || byte === space || byte === tab) break;
    hash = Math.imul(hash ^ (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte), 0x01000193);
  }
  return hash >>> 0;
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

const kinds = new Map<number, ContentKind>(
  Object.entries(types).map(([type, kind]) => [hashOf(bytesOf(type), 0, type.length), contentKinds.indexOf(kind)]),
);

/** Of a value of Content-Type in bytes: each response is asked, so that no string is made. */
export function contentKindOf(bytes: Uint8Array, start: number, end: number): ContentKind {
  return kinds.get(hashOf(bytes, start, end)) ?? otherKind;
}

/** Not for what is asked for each response: to make bytes of the text takes 2 µs. */
export function contentKindOfText(value: string | null): ContentKind {
  return value === null ? noContentKind : contentKindOf(bytesOf(value), 0, value.length);
}

/** What a response is: its kind of content, `empty`, `redirect`, or a client error. The larger numbers are those without content. */
export const emptyForm = contentKinds.length;
export const redirectForm = emptyForm + 1;
/** 401, 403 and 407; 429; 404 and 410; other 4xx but 409 and those of `unfitForm`. */
export const deniedForm = redirectForm + 1;
export const limitedForm = deniedForm + 1;
export const missingForm = limitedForm + 1;
export const declinedForm = missingForm + 1;
/** 404 or 410 for what was answered well before. */
export const lostForm = declinedForm + 1;
/** 409. */
export const conflictForm = lostForm + 1;
/** Whatever it is, more bytes came behind its end: the application has sent less than it says, or more. */
export const surplusForm = conflictForm + 1;
/** Content that clients cannot read, and JSON without its end: see `content-flaw.ts`. */
export const unreadableForm = surplusForm + 1;
export const unclosedForm = unreadableForm + 1;
/** As `deniedForm`, for a client that the route has never answered well. */
export const unknownClientForm = unclosedForm + 1;
/** What its request did not allow: see `isUnasked`. */
export const unaskedForm = unknownClientForm + 1;
/** 413, 415 and others that refuse a request for its size or its form, whatever it is about. */
export const unfitForm = unaskedForm + 1;
/** For a client that the route has answered well, and what it answered well before: a redirect, one to another site, and as `declinedForm`. */
export const divertedForm = unfitForm + 1;
export const strayForm = divertedForm + 1;
export const withdrawnForm = strayForm + 1;

/**
 * What clients ask for that they may not have, that is not there, that is too large, or that is wrong; what they ask for too often; and what is no longer where they
 * ask for it.
 */
export const refusedForms: ReadonlySet<number> = new Set([
  ...[deniedForm, limitedForm, lostForm, declinedForm, unfitForm],
  ...[divertedForm, strayForm, withdrawnForm],
]);

/** The form of an answer without what was answered before. */
export function formByItself(form: number): number {
  if (form === divertedForm || form === strayForm) return redirectForm;
  return form === withdrawnForm ? declinedForm : form;
}

export const unfitStatuses: ReadonlySet<number> = new Set([406, 411, 413, 414, 415, 417, 421, 426, 431]);

export function formOfClientError(status: number): number {
  if (status === 401 || status === 403 || status === 407) return deniedForm;
  if (status === 429) return limitedForm;
  if (status === 409) return conflictForm;
  if (unfitStatuses.has(status)) return unfitForm;
  return status === 404 || status === 410 ? missingForm : declinedForm;
}

/** Added to the key of a request that may change something: its method is neither GET nor HEAD. */
export const unsafeKey = 4096;

/** Added to the key of a response to a request for an upgrade, whatever its method; and that of one that was switched, once its tunnel has ended. */
export const upgradeKey = 2 * unsafeKey;
export const acceptedKey = upgradeKey + unsafeKey;
/** Added to the key of a response to a request with OPTIONS, which browsers send before those of another origin (a preflight). */
export const optionsKey = acceptedKey + unsafeKey;

/** Four cells to each doubling of a size; 0: not measured. */
export const sizeCells = 128;
/** In place of the cell of a target: a form is answered with a redirect to what it has made (`targetCell`). */
export const madeCell = sizeCells - 1;
/** The cells of targets from this one on are those at other sites. */
export const elsewhereCell = sizeCells / 2;
const stream = contentKinds.indexOf('stream');
const [notModified, partialContent] = [304, 206];

/**
 * What a whole response below 500 is, and its size, as one number: `form * sizeCells + cell`, and `unsafeKey`. −1: it says nothing of what the application
 * answers. `flawed`: a form of flawed content; 0: it has no flaw. `target`: of a redirect, a cell for where it leads; 0: not known.
 */
export function answerKey(
  status: number,
  method: string,
  kind: ContentKind,
  bytes: number,
  isEncoded: boolean,
  flawed = 0,
  target = 0,
): number {
  if (status < 200 || status >= 500) return -1;
  const isPart = status === notModified || status === partialContent;
  if (isPart && flawed === 0) return -1;
  if (method === 'HEAD' || method === 'OPTIONS') return -1;
  // RFC 9110 §15.3.5: what is usual for these, also where visitors could not do so before.
  if (status === 204 && (method === 'DELETE' || method === 'PUT' || method === 'PATCH')) return -1;
  const lane = method === 'GET' ? 0 : unsafeKey;
  if (isPart) return lane + flawed * sizeCells;
  if (status >= 400) return lane + formOfClientError(status) * sizeCells;
  if (status >= 300) return lane + redirectForm * sizeCells + target;
  if (bytes === 0) return lane + emptyForm * sizeCells;
  if (flawed > 0) return lane + flawed * sizeCells;
  return lane + kind * sizeCells + (isEncoded || kind === stream ? 0 : sizeCellOf(bytes));
}

/** The same of a response to OPTIONS: what a good one says is in its head. −1: it says nothing. */
export function optionsAnswerKey(status: number): number {
  if (status < 200 || status >= 500) return -1;
  return optionsKey + (status < 400 ? emptyForm : formOfClientError(status)) * sizeCells;
}

/** Of a size above 0: see `startOfSize`. */
export function sizeCellOf(bytes: number): number {
  const octave = 31 - Math.clz32(Math.min(bytes, 0x7fffffff));
  const quarter = octave < 2 ? 0 : (Math.min(bytes, 0x7fffffff) >> (octave - 2)) & 3;
  return 1 + 4 * octave + quarter;
}

/** Where a cell begins, in bytes. */
export function startOfSize(cell: number): number {
  return 2 ** ((cell - 1) >> 2) * (1 + ((cell - 1) & 3) / 4);
}

import { eachFieldLine } from '../core/field-lines.ts';
import { beginsAsClaim, type FieldFilter, fieldFilter, fieldId, knownFieldNames } from '../core/field-names.ts';
import type { Fields, FieldSink, ResponseHead } from '../core/message.ts';
import type { ResponseHold } from './response-hold.ts';

/** A complete response that was not sent to the client, because a retry followed. It is sent if no retry gets a better one. */
export interface RetainedResponse {
  readonly head: ResponseHead;
  readonly hold: ResponseHold | null;
  readonly trailers: Fields | null;
  readonly grpcStatus: number | null;
}

/** A copy of `head` that outlives its attempt: the connection uses the memory of its heads again. */
export function copyHead(head: ResponseHead): ResponseHead {
  const { status, reason, version, framing, contentLength, fields } = head;
  return { status, reason, version, framing, contentLength, fields: new CopiedFields(fields) };
}

const dropNothing = fieldFilter([]);

/** Field lines as text, in their order and spelling. */
export class CopiedFields implements Fields {
  readonly #lines: (readonly [name: string, value: string])[] = [];

  constructor(source: Fields) {
    const field = (name: string, value: string): void => void this.#lines.push([name, value]);
    source.writeTo({ field, fieldLines: (bytes, start, end) => eachFieldLine(bytes, start, end, field) }, dropNothing);
  }

  get(name: string): string | null {
    const values = this.#lines.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value);
    return values.length === 0 ? null : values.join(', ');
  }

  has(name: string): boolean {
    return this.#lines.some(([candidate]) => candidate.toLowerCase() === name);
  }

  hasId(id: number): boolean {
    return this.has(knownFieldNames[id] ?? '');
  }

  each(visit: (name: string, value: string) => void): void {
    for (const [name, value] of this.#lines) visit(name.toLowerCase(), value);
  }

  writeTo(sink: FieldSink, drop: FieldFilter): void {
    for (const [name, value] of this.#lines) if (!isDropped(name.toLowerCase(), drop)) sink.field(name, value);
  }
}

function isDropped(name: string, drop: FieldFilter): boolean {
  const id = fieldId(name);
  if (id > 0) return drop.known[id] === 1;
  return drop.others?.has(name) === true || (drop.claims && beginsAsClaim(name));
}

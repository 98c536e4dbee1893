import type { ExchangeRecord } from '../core/schemas/record.ts';
import { expandedRecord, type RecordFields } from '../core/record-defaults.ts';
import { bounded, quoted } from './json-text.ts';
import { recordLimits } from './limits.ts';
import type { LineSearch } from './log-slice.ts';

/** Why a line is not the record of an exchange. */
type NotARecord =
  | 'not_json' // incomplete, or not from Candor
  | 'other_kind' // from Candor, but not of an exchange: an event, a lost worker
  | 'not_a_record'; // JSON without the keys that every record has

type ParsedRecord =
  | { readonly ok: true; readonly record: ExchangeRecord }
  | { readonly ok: false; readonly reason: NotARecord };

const kinds = new Map<string, readonly string[]>([
  ['string', ['id', 'at', 'method', 'scheme', 'host', 'path', 'shape', 'delivery', 'end']],
  ['number', ['v', 'worker', 'revision', 'bytes_in', 'bytes_out', 'duration_ms']],
]);

/**
 * Reads one line of the exchange log. Of a later version, too, the known keys are read by the defaults of this one, and the others
 * are kept.
 */
export function parseRecord(line: string): ParsedRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { ok: false, reason: 'not_json' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { ok: false, reason: 'not_a_record' };
  return recordOfFields(value as RecordFields);
}

/** As `parseRecord`, of the values of a line. */
export function recordOfFields(fields: RecordFields): ParsedRecord {
  const { kind = 'exchange' } = fields;
  if (kind !== 'exchange' && kind !== 'tunnel')
    return { ok: false, reason: typeof kind === 'string' ? 'other_kind' : 'not_a_record' };
  const record = expandedRecord(fields);
  if (!isComplete(record)) return { ok: false, reason: 'not_a_record' };
  return { ok: true, record: record as unknown as ExchangeRecord };
}

/** Checks the keys that readers use unconditionally; readers check keys that may be null. */
function isComplete(fields: RecordFields): boolean {
  for (const [kind, names] of kinds) {
    if (!names.every((name) => typeof fields[name] === kind)) return false;
  }
  const client = fields['client'];
  return (
    Array.isArray(fields['attempts']) && typeof client === 'object' && client !== null && (fields['v'] as number) >= 1
  );
}

/** Finds the record of an exchange among lines: first by bytes, then by the id in the matching lines. */
export class IdSearch implements LineSearch<ExchangeRecord> {
  /** Bytes that only the key of the id can contain: within a text the quotes would be escaped. */
  readonly needle: Buffer;
  readonly #recordedId: string;

  constructor(id: string) {
    // Ids of a peer are shortened in records, but searched by the id that was sent.
    this.#recordedId = bounded(id, recordLimits.id).toWellFormed();
    this.needle = Buffer.from(`"id":${quoted(this.#recordedId)}`, 'latin1');
  }

  /** The record in `line`, if it has the id. */
  read(line: string): ExchangeRecord | null {
    const parsed = parseRecord(line);
    return parsed.ok && parsed.record.id === this.#recordedId ? parsed.record : null;
  }
}

/** The shortest prefix that is searched. With UUIDv7, 8 characters are 65 s of requests, and 13 a millisecond. */
const prefixCharactersMin = 8;

/** At most this many exchanges with the same prefix are listed. If there are more, a longer prefix helps more than a longer list. */
export const alikeMax = 5;

/** Whether an id may be the beginning of another one. */
export function mayBePrefix(id: string): boolean {
  return id.length >= prefixCharactersMin && id.length < uuidLength;
}

const uuidLength = 36;

/** Finds the exchanges whose ids have the prefix, newest first, up to `alikeMax`. */
export class PrefixSearch implements LineSearch<ExchangeRecord> {
  readonly needle: Buffer;
  readonly found: ExchangeRecord[] = [];
  readonly #prefix: string;

  constructor(beginning: string) {
    this.#prefix = beginning.toWellFormed();
    this.needle = Buffer.from(`"id":${quoted(this.#prefix).slice(0, -1)}`, 'latin1');
  }

  get isFull(): boolean {
    return this.found.length >= alikeMax;
  }

  read(line: string): ExchangeRecord | null {
    const parsed = parseRecord(line);
    if (!parsed.ok || !parsed.record.id.startsWith(this.#prefix)) return null;
    if (!this.found.some(({ id }) => id === parsed.record.id)) this.found.push(parsed.record);
    return this.isFull ? parsed.record : null;
  }
}

import type { ProcessConstants } from '../core/logger-messages.ts';
import type { Random } from '../core/random.ts';
import { type ProcessRecord, recordVersion } from '../core/record.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { bounded, jsonOf } from './json-text.ts';
import { recordLimits } from './limits.ts';

/**
 * The line that explains the key of a process: NDJSON in ASCII, including LF. A log has it at its beginning, after each
 * reopening, and again when one of the constants changes, always before the records that it explains.
 */
export function processHeaderLine(constants: ProcessConstants, at: string): Uint8Array {
  const { process, deployment, member, started_at, version, pid } = constants;
  const names = { deployment: bounded(deployment, recordLimits.name), member: bounded(member, recordLimits.name) };
  const header: ProcessRecord = { v: recordVersion, kind: 'process', process, at, ...names, started_at, version, pid };
  return Buffer.from(`${jsonOf(header)}\n`, 'latin1');
}

/** A key for a process: two of the processes of one log have the same one with a probability of one in two billion. */
export function newProcessKey(random: Random): string {
  const bytes = new Uint8Array(keyLength);
  random.fill(bytes);
  return Array.from(bytes, (byte) => keyCharacters[byte % keyCharacters.length]).join('');
}

const keyLength = 6;
const keyCharacters = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Reads the header line of a process; null for any other line. */
export function parseProcessHeader(line: string): ProcessRecord | null {
  try {
    const header = JSON.parse(line) as Partial<ProcessRecord> | null;
    if (header?.kind !== 'process' || typeof header.process !== 'string') return null;
    const { deployment, member, started_at } = header;
    return [deployment, member, started_at].every((text) => typeof text === 'string')
      ? (header as ProcessRecord)
      : null;
  } catch {
    return null;
  }
}

/** The record with the constants of its process. Constants that stand in the record itself are kept. */
export function withProcess(record: ExchangeRecord, header: ProcessConstants | null): ExchangeRecord {
  if (header === null || record.process !== header.process) return record;
  const { deployment, member, process_started_at } = record;
  return {
    ...record,
    deployment: deployment ?? header.deployment,
    member: member ?? header.member,
    process_started_at: process_started_at ?? header.started_at,
  };
}

/** Finds the header line of a process in a log. */
export class ProcessHeaderSearch {
  /** Bytes that only a header line can contain: within a text the quotes would be escaped. */
  readonly needle: Buffer;
  readonly #process: string;

  constructor(process: string) {
    this.#process = process;
    this.needle = Buffer.from(`"kind":"process","process":${JSON.stringify(process)}`, 'latin1');
  }

  read(line: string): ProcessRecord | null {
    const header = parseProcessHeader(line);
    return header?.process === this.#process ? header : null;
  }
}

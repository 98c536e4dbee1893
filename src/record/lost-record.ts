import type { LostRecord } from '../core/record.ts';
import { jsonOf } from './json-text.ts';

/** The line for the exchanges of a lost worker: NDJSON in ASCII, including LF. */
export function lostRecordLine(record: LostRecord): Uint8Array {
  return Buffer.from(`${jsonOf(record)}\n`, 'latin1');
}

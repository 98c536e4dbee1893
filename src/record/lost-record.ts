import type { LostRecord } from '../core/record.ts';
import { jsonOf } from './json-text.ts';

/** The line of the exchanges that a worker took with it: NDJSON in ASCII, LF included. */
export function lostRecordLine(record: LostRecord): Uint8Array {
  return Buffer.from(`${jsonOf(record)}\n`, 'latin1');
}

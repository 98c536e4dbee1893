import type { LostRecord } from '../core/record.ts';
import { jsonOf } from './json-text.ts';

/** The line for the exchanges of a lost worker: NDJSON in ASCII, including LF. */
export function lostRecordLine(record: LostRecord): Uint8Array {
  const { process, deployment, member, process_started_at, ...others } = record;
  const constants = Object.entries({ process, deployment, member, process_started_at });
  const { v, kind, at, ...facts } = others;
  const known = Object.fromEntries(constants.filter(([, value]) => value !== null));
  return Buffer.from(`${jsonOf({ v, kind, at, ...known, ...facts })}\n`, 'latin1');
}

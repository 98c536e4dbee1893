import { compileLine } from '../core/line-format.ts';
import { combinedLine, escaped } from './combined-format.ts';
import { parseRecord } from './parse-record.ts';
import type { LostRecord, ProcessRecord } from '../core/record.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';

type AnyRecord = ExchangeRecord | LostRecord | ProcessRecord;

/** Makes the lines of a log out of whole lines of records. */
export type LogLines = (records: Uint8Array) => Uint8Array;

/** `format`: 'json', 'combined', or a text with variables. */
export function logLinesIn(format: string): LogLines {
  if (format === 'json') return (records) => records;
  if (format === 'combined') return linesOf(combinedLine);
  const line = compileLine(format);
  return linesOf((record) => (record.kind === 'lost' || record.kind === 'process' ? null : line(record, escaped)));
}

/** Lines that are no records of exchanges are left out. */
function linesOf(line: (record: AnyRecord) => string | null): LogLines {
  return (bytes) => {
    const written = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      .toString('latin1')
      .split('\n')
      .map((record) => {
        const parsed = parseRecord(record);
        const text = parsed.ok ? line(parsed.record) : null;
        return text === null ? '' : `${text}\n`;
      });
    return Buffer.from(written.join(''), 'latin1');
  };
}

import type { LostRecord, ProcessRecord } from '../src/core/record.ts';
import type { ExchangeRecord } from '../src/core/schemas/record.ts';
import { parseRecord } from '../src/record/parse-record.ts';
import { parseProcessHeader, withProcess } from '../src/record/process-header.ts';

/** The records of exchanges in the text of a log: complete lines only, each with all its keys and the constants of its process. */
export function recordsIn(text: string): ExchangeRecord[] {
  const headers = new Map<string | null, ProcessRecord>();
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      const header = parseProcessHeader(line);
      if (header !== null) headers.set(header.process, header);
      const parsed = parseRecord(line);
      return parsed.ok ? [withProcess(parsed.record, headers.get(parsed.record.process) ?? null)] : [];
    });
}

/** Its lines without the header lines of processes. */
export function withoutHeaders(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.includes('"kind":"process"'));
}

/** The records of lost workers in such a text. */
export function lostRecordsIn(text: string): LostRecord[] {
  const lines = text.split('\n').filter((line) => line.includes('"kind":"lost"'));
  return lines.map((line) => JSON.parse(line) as LostRecord);
}

import type { ExchangeRecord } from '../core/record.ts';
import { LineRedactor, TextRedactor } from '../core/redact/text-redactor.ts';
import type { Finding } from '../diagnose/finding.ts';
import type { SummaryReport } from '../diagnose/summary-report.ts';

/**
 * What commands print of logs, records and answers, without secrets: it is pasted into tickets and chats. The log itself may
 * hold what its gateway wrote into it; a record may be of an older Candor.
 */
const redactor = new TextRedactor();

/** Longer than any text of a report; it is cut where it is printed. */
const textMax = 4096;

/** Our own words, in which nothing is a secret, and what a record keeps of a query by configuration. */
const kept: ReadonlySet<string> = new Set(['fix', 'query']);

export function redactedText(text: string): string {
  return redactor.redact(text);
}

export function redactedFinding(finding: Finding): Finding {
  return redactor.redactAll(finding, textMax, kept);
}

export function redactedReport(report: SummaryReport): SummaryReport {
  return redactor.redactAll(report, textMax, kept);
}

export function redactedRecord(record: ExchangeRecord): ExchangeRecord {
  return redactor.redactAll(record, textMax, kept);
}

/** Any other result of a command. */
export function redactedResult<T>(result: T): T {
  return redactor.redactAll(result, textMax, kept);
}

/** Lines of several sources, each line with the name of its own. A private key goes on from one line to the next. */
export class RedactedLines {
  readonly #inKey = new Map<string, LineRedactor>();

  redact(source: string, line: string): string {
    const lines = this.#inKey.get(source) ?? new LineRedactor(redactor);
    const shown = lines.redact(line);
    if (lines.isInKey) this.#inKey.set(source, lines);
    else this.#inKey.delete(source);
    return shown;
  }
}

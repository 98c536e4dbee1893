import type { ExchangeRecord } from '../core/schemas/record.ts';
import { LineRedactor, TextRedactor } from '../redact/text-redactor.ts';
import type { Finding } from '#explain/finding.ts';
import type { SummaryReport } from '#explain/summary-report.ts';

/**
 * Removes secrets from what commands print of logs, records and responses, because people paste it into tickets and chats. A
 * log may contain secrets in the lines that its gateway wrote.
 */
const redactor = new TextRedactor();

/** Longer than any text of a report, so that only the code that prints a text shortens it. */
const textMax = 4096;

/** Keys that are not redacted: Candor's own words, and the query, which the gateway has redacted by its configuration. */
const kept: ReadonlySet<string> = new Set(['fix', 'query']);

/** Instances come and go, some in the middle of a value; beyond this all begin anew. */
const sourcesMax = 1024;

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

/**
 * Redacts interleaved lines of several sources, each line with the name of its source. A private key, or
 * the value below a name, may span several lines of one source.
 */
export class RedactedLines {
  /** Only of sources whose next line may go on with a secret. */
  readonly #goingOn = new Map<string, LineRedactor>();

  redact(source: string, line: string): string {
    const lines = this.#goingOn.get(source) ?? new LineRedactor(redactor);
    const shown = lines.redact(line);
    if (this.#goingOn.size >= sourcesMax) this.#goingOn.clear();
    if (lines.goesOn) this.#goingOn.set(source, lines);
    else this.#goingOn.delete(source);
    return shown;
  }
}

import type { SpanFacts } from '../core/exchange.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { parseRecord } from '../record/parse-record.ts';

/** A line of the ring, which `record/otlp-sampler.ts` has written. */
interface ExportedLine {
  readonly isSpan: boolean;
  readonly isLog: boolean;
  /** Null: the gateway made no spans when the exchange began. */
  readonly span: SpanFacts | null;
  readonly record: ExchangeRecord;
}

const linePattern = /^(S?)(L?) (\S+) (\S+) ([0-9a-f]{2}) (\{.*)$/s;

/** Null if it is none. */
export function parseExportedLine(line: string): ExportedLine | null {
  const found = linePattern.exec(line);
  if (found === null) return null;
  const [, isSpan, isLog, spanId = '', parentId = '', flags = '', json = ''] = found;
  const parsed = parseRecord(json);
  if (!parsed.ok) return null;
  const span = spanId === '-' ? null : { spanId, parentId: parentId === '-' ? '' : parentId, flags };
  return { isSpan: isSpan !== '', isLog: isLog !== '', span, record: parsed.record };
}

import type { EndedExchange } from '../core/exchange.ts';
import type { OtlpSelection } from '../core/snapshot.ts';
import type { RecordRingWriter } from './record-ring.ts';

/**
 * Chooses in the worker, when an exchange has ended, whether the exporter of OTLP gets it: as a span, every exchange of a sampled trace and every one
 * that failed or was retried; as a log record, what `otlp.logs` names. The line goes into a ring that the worker shares with the exporter:
 *
 *     SL 00f067aa0ba902b7 - 01 {"v":1,…}
 *     │  │                │ └ trace flags
 *     │  │                └ the span of the caller, if there is one
 *     │  └ the span of the exchange
 *     └ S: wanted as a span, L: as a log record
 */
export class OtlpSampler {
  readonly #ring: RecordRingWriter;
  readonly #selection: OtlpSelection;

  constructor(ring: RecordRingWriter, selection: OtlpSelection) {
    this.#ring = ring;
    this.#selection = selection;
  }

  /** What stands before the line of the exchange; '': it is not exported. */
  choose({ span = null }: EndedExchange, hasFailed: boolean): string {
    const { share, logs } = this.#selection;
    const isSpan = share !== null && span !== null && (hasFailed || isSampled(span.flags));
    const isLog = logs === 'all' || (logs === 'failed' && hasFailed);
    if (!isSpan && !isLog) return '';
    const ids = span === null ? '- - 00' : `${span.spanId} ${span.parentId === '' ? '-' : span.parentId} ${span.flags}`;
    return `${isSpan ? 'S' : ''}${isLog ? 'L' : ''} ${ids} `;
  }

  /** Passes a line on, which ends with LF. The ring counts it if it does not fit. */
  pass(beginning: string, line: string): void {
    this.#ring.append(beginning + line, false);
  }

  /** The same for a line that has been written as bytes. */
  passBytes(beginning: string, line: Uint8Array): void {
    this.#ring.appendBytes(beginning, line);
  }
}

/** The lowest bit of the flags (W3C Trace Context, section 3.2.2.5.1): of 1, 3, 5, 7, 9, and of b, d, f. */
function isSampled(flags: string): boolean {
  const last = flags.charCodeAt(1);
  return (last & 1) === (last <= 0x39 ? 1 : 0);
}

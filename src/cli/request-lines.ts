import type { ExchangeRecord } from '../core/schemas/record.ts';
import { PerSecond } from '../core/per-second.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { failedRanges } from '../record/failed-lines.ts';
import { parseRecord } from '../record/parse-record.ts';
import { clockTime, endOf, fit, moreLikeIt, notRead, timeWidth, RepeatedFailures } from './event-lines.ts';
import { columnsMax, durationText, harmless, shorten, widthOf, wrapAfter } from './layout.ts';
import { ruleWords, verdictAndWhose, verdictWords } from '../diagnose/record-words.ts';
import type { Style } from './style.ts';
import { lineFeed } from '../record/line-feed.ts';

/** As many lines as a person can read in a second. */
const shownPerSecondMax = 20;
const windowMs = 1000;

/** Failures without a line of their own that are read in a second: enough to find each kind of failure. */
const failuresReadMax = 200;

/** Status codes that a summary names. Even a busy gateway sends few different ones. */
const codesMax = 6;
const statusName = Buffer.from('"status":');

/**
 * A line for each request on a terminal: time, status, duration, method, path, and the failure. If more than
 * `shownPerSecondMax` requests come in a second, one line per second summarizes them. The first failures of each kind are
 * printed in full in both cases.
 */
export class RequestLines {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  readonly #style: Style;
  readonly #explain: string;
  readonly #failures: RepeatedFailures;
  readonly #failuresRead: PerSecond;
  /** Requests of the current second, and the number of them without a line. */
  #inWindow = 0;
  #unshown = 0;
  readonly #codes = new Map<string, number>();
  /** The previous second had more than `shownPerSecondMax` requests. */
  #isBusy = false;
  #timer: Timer | null = null;
  /** Whether the current record has a line of its own. */
  #isShown = false;

  constructor(clock: Clock, write: (text: string) => void, style: Style, explain: string) {
    this.#clock = clock;
    this.#write = write;
    this.#style = style;
    this.#explain = explain;
    this.#failuresRead = new PerSecond(clock, failuresReadMax);
    this.#failures = new RepeatedFailures(clock, {
      one: (record) => this.#writeDetails(record),
      more: (count, withinMs, last) =>
        write(`${moreLikeIt(count, withinMs, last, clock.wallTime(), style)}\n${this.#explainLine(last)}\n`),
      skipped: (count, withinMs) => write(`${notRead(count, withinMs, clock.wallTime(), style)}\n`),
    });
  }

  /** Receives lines of the log of exchanges. Parses only records that it prints, and those of failures. */
  note(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const failed = failedRanges(buffer);
    let failure = 0;
    for (let start = 0; start < buffer.length; ) {
      const found = buffer.indexOf(lineFeed, start);
      const end = found === -1 ? buffer.length : found;
      while (failure < failed.length && (failed[failure] as number) < start) failure += 2;
      this.#noteLine(buffer, start, end, failed[failure] === start);
      start = end + 1;
    }
  }

  /** Prints the requests that are only counted so far, and leaves no timer. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#sumUp();
    this.#failures.end();
  }

  #noteLine(buffer: Buffer, start: number, end: number, hasFailed: boolean): void {
    if (this.#timer === null) this.#wait();
    this.#inWindow += 1;
    this.#isShown = !this.#isBusy && this.#inWindow <= shownPerSecondMax;
    if (!this.#isShown) this.#count(statusOf(buffer, start, end));
    if (!this.#isShown && !hasFailed) return;
    if (!this.#isShown && !this.#failuresRead.take()) return this.#failures.skip(1);
    const parsed = parseRecord(buffer.toString('latin1', start, end));
    if (!parsed.ok) return;
    if (this.#isShown) this.#write(`${requestLine(parsed.record, this.#style)}\n`);
    // A load balancer polls its health check, and this failure is the intended answer to it.
    if (hasFailed && parsed.record.cause !== 'gateway_stopping') this.#failures.note(parsed.record);
  }

  #count(code: string): void {
    this.#unshown += 1;
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
  }

  #wait(): void {
    const at = after(this.#clock.now(), windowMs);
    this.#timer = this.#clock.schedule(at, (lines: RequestLines) => lines.#due(), this as RequestLines);
  }

  #due(): void {
    this.#timer = null;
    this.#sumUp();
    this.#isBusy = this.#inWindow > shownPerSecondMax;
    this.#inWindow = 0;
    // A second without requests ends the summary too.
    if (this.#isBusy) this.#wait();
  }

  #sumUp(): void {
    if (this.#unshown === 0) return;
    const byNumber = [...this.#codes].toSorted(([, a], [, b]) => b - a);
    const named = byNumber.slice(0, codesMax).map(([code, count]) => `${count} × ${code}`);
    if (byNumber.length > codesMax) named.push('others');
    const text = `${this.#isBusy ? '' : 'and '}${this.#unshown} ${this.#isBusy ? '' : 'more '}requests in a second: ${named.join(', ')}`;
    this.#write(`${fit(this.#clock.wallTime(), text, this.#style)}\n`);
    this.#unshown = 0;
    this.#codes.clear();
  }

  /** Printed under the line of the request, or after a new line if the request has none. */
  #writeDetails(record: ExchangeRecord): void {
    if (!this.#isShown) this.#write(`${requestLine(record, this.#style)}\n`);
    const { detail } = record;
    const reason = verdictAndWhose(record);
    if (detail !== null) {
      const text = `${this.#style.warn(`${reason}:`)} ${harmless(detail)}`;
      this.#write(`${wrapAfter(' '.repeat(timeWidth), text, timeWidth).join('\n')}\n`);
    }
    this.#write(`${this.#explainLine(record)}\n`);
  }

  #explainLine({ id }: ExchangeRecord): string {
    return `${' '.repeat(timeWidth)}${this.#style.dim(`${this.#explain} ${id}`)}`;
  }
}

/** Reads the status code without parsing the line. The last one is the exchange's; earlier ones belong to its attempts. */
function statusOf(buffer: Buffer, start: number, end: number): string {
  const at = buffer.lastIndexOf(statusName, end - 1);
  if (at < start) return 'no answer';
  const code = buffer.toString('latin1', at + statusName.length, at + statusName.length + 3);
  return /^\d{3}$/.test(code) ? code : 'no answer';
}

/** '12:00:04 502   3.1 ms  GET /orders?token=…  connect_refused', '12:00:04 429   0.1 ms  POST /login  rate_limited (login)', within 80 columns unless the cause is too long for that. */
export function requestLine(record: ExchangeRecord, style: Style): string {
  const { status, method, path, query, duration_ms: ms, shape, cause } = record;
  const code = status === null ? ' - ' : String(status);
  const head = `${code} ${durationText(ms).padStart(8)}  `;
  const failure = shape === 'none' ? '' : `  ${cause ?? verdictWords(record)}`;
  const room = columnsMax - timeWidth - head.length - widthOf(failure);
  const why = `${grpcText(record)}${failure}${ruleText(record, room - targetMin)}${attemptsText(record)}`;
  const left = columnsMax - timeWidth - head.length - widthOf(why);
  const target = shorten(harmless(`${method} ${path}${query === null ? '' : `?${query}`}`), Math.max(targetMin, left));
  const isRpcFailure = (record.grpc_status ?? 0) !== 0;
  const tone = status === null || status >= 500 || isRpcFailure ? style.bad : status >= 400 ? style.warn : style.good;
  return `${style.dim(clockTime(endOf(record)))} ${tone(code)}${head.slice(code.length)}${target}${style.warn(why)}`;
}

/** Of the method and path, however long the rest is. */
const targetMin = 12;
const ruleMax = 30;

function ruleText(record: ExchangeRecord, room: number): string {
  const rule = ruleWords(record);
  return rule === null ? '' : ` (${shorten(harmless(rule), Math.min(ruleMax, room - ' ()'.length))})`;
}

/** A request that was retried has reached the application more than once, and may have ended two instances. */
function attemptsText({ attempts: { length } }: ExchangeRecord): string {
  return length > 1 ? `  ${length} attempts` : '';
}

/** A gRPC call that failed has the HTTP status 200. */
function grpcText({ grpc_status: status }: ExchangeRecord): string {
  if (status === null || status === 0) return '';
  return status < 0 ? '  grpc-status missing' : `  grpc-status ${status}`;
}

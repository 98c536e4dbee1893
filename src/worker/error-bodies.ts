import type { ErrorBody } from '../core/route-traffic.ts';
import type { EndedExchange } from '../core/exchange.ts';
import type { MessageHeaders, ResponseHead } from '../core/message.ts';
import type { Clock, Instant } from '../core/time.ts';
import type { ErrorBodyTaker } from '../exchange/ports.ts';
import { firstLines } from '../redact/first-lines.ts';
import type { TextRedactor } from '../redact/text-redactor.ts';

/** Of one body: enough to find a secret whole, and the text behind the style of an error page. */
const bytesMax = 2048;

/** In one batch. */
const samplesMax = 8;

/** Of one route: a storm of errors says the same again and again. */
const everyMs = 1000;

/** Routes whose last sample is known; beyond this they begin anew. */
const routesMax = 1024;

/** A body of which nothing has come for so long does not keep the place of another one. */
const awaitedMs = 5000;

interface Sample extends Pick<ErrorBody, 'status' | 'at'> {
  readonly exchange: EndedExchange;
  readonly beganAt: Instant;
  bytes: Buffer;
  isCut: boolean;
}

/**
 * Keeps in a worker the beginning of a few of the 5xx that applications answer, as they are passed on. Only text that is not compressed; one a second of each
 * route. Answers below 500 cost nothing.
 */
export class ErrorBodies implements ErrorBodyTaker {
  readonly #clock: Clock;
  readonly #lastAt = new Map<string, Instant>();
  #samples: Sample[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(exchange: EndedExchange, { status, headers }: ResponseHead): void {
    if (this.#samples.length >= samplesMax) return;
    const now = this.#clock.now();
    const last = this.#lastAt.get(exchange.route);
    if ((last !== undefined && now - last < everyMs) || exchange.method === 'HEAD' || !isReadable(headers)) return;
    if (last === undefined && this.#lastAt.size >= routesMax) this.#lastAt.clear();
    this.#lastAt.set(exchange.route, now);
    const at = this.#clock.wallTime();
    this.#samples.push({ exchange, status, at, beganAt: now, bytes: Buffer.alloc(0), isCut: false });
  }

  add(exchange: EndedExchange, bytes: Uint8Array, start: number, end: number): void {
    for (const sample of this.#samples) {
      if (sample.exchange !== exchange) continue;
      const room = bytesMax - sample.bytes.length;
      sample.isCut ||= end - start > room;
      if (room > 0) sample.bytes = Buffer.concat([sample.bytes, bytes.subarray(start, Math.min(end, start + room))]);
    }
  }

  /** Those since the last call of which something has come. */
  take(redactor: TextRedactor): readonly ErrorBody[] {
    if (this.#samples.length === 0) return none;
    const now = this.#clock.now();
    const taken = this.#samples.filter(({ bytes }) => bytes.length > 0);
    this.#samples = this.#samples.filter(({ bytes, beganAt }) => bytes.length === 0 && now - beganAt < awaitedMs);
    return taken.map((one) => errorBody(one, redactor)).filter(({ lines }) => lines.length > 0);
  }
}

const none: readonly ErrorBody[] = [];

function errorBody({ exchange, status, at, bytes, ...sample }: Sample, redactor: TextRedactor): ErrorBody {
  const { route, upstream, attempts, startedAt, endedAt } = exchange;
  // More of it may follow until the exchange has ended.
  const isCut = sample.isCut || endedAt === startedAt;
  const endpoint = attempts.findLast((one) => one.status === status)?.endpoint ?? '';
  // A character may be cut too.
  const text = decoder.decode(bytes, { stream: isCut });
  if (isCut) decoder.decode();
  return { route, upstream, endpoint, status, at, lines: firstLines(text, redactor, isCut) };
}

const decoder = new TextDecoder();

function isReadable(headers: MessageHeaders): boolean {
  const encoding = headers.get('content-encoding') ?? 'identity';
  return /^identity$/i.test(encoding) && textTypes.test(headers.get('content-type') ?? '');
}

/** Without a type it may be text; `firstLines` sees whether it is. */
const textTypes = /^\s*(?:$|text\/|application\/(?:[\w.-]+\+)?(?:json|xml)\b)/i;

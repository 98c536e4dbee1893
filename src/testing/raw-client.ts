import { connect, type Socket } from 'node:net';
import { after, type Clock, type Instant } from '../core/time.ts';
import { parseRawResponse, type RawResponse } from './raw-response.ts';
import { systemClock } from './system.ts';

/** Bytes as they came from the socket, and when. */
export interface ReceivedPart {
  /** Milliseconds since connecting began. */
  readonly atMs: number;
  readonly bytes: Buffer;
}

/**
 * The state of a connection. `fin`: the peer closed its half. `reset`: RST. `closed`: this end closed it before the peer
 * did. `failed`: it could not be opened, or broke in another way; see `errno`.
 */
export type RawState = 'open' | 'fin' | 'reset' | 'closed' | 'failed';

export interface RawClientOptions {
  readonly host: string;
  readonly port: number;
  readonly clock?: Clock;
  /** Opens the connection, if not by plain TCP. */
  readonly open?: () => Socket;
}

/** A client that sends exactly the given bytes, and records exactly what happens. */
export class RawClient {
  readonly parts: ReceivedPart[] = [];
  state: RawState = 'open';
  /** Node's code of the error that broke the connection ('ECONNRESET', 'ECONNREFUSED'); null without one. */
  errno: string | null = null;
  /** When the state changed from 'open', in milliseconds since connecting began. */
  endedAtMs: number | null = null;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #startedAt: Instant;
  #wake: (() => void) | null = null;

  constructor({ host, port, clock = systemClock, open }: RawClientOptions) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#socket = open?.() ?? connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.#socket.on('data', (bytes: Buffer) => {
      this.parts.push({ atMs: this.elapsedMs, bytes });
      this.#wake?.();
    });
    this.#socket.on('end', () => this.#ended('fin', null));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#ended(error.code === 'ECONNRESET' ? 'reset' : 'failed', error.code ?? null);
    });
  }

  get elapsedMs(): number {
    return this.#clock.now() - this.#startedAt;
  }

  /** Everything received so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.parts.map((part) => part.bytes));
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Bytes that the system has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** FIN; the other half stays open. */
  finish(): void {
    this.#socket.end();
  }

  /** RST at once. */
  reset(): void {
    this.#socket.resetAndDestroy();
    if (this.state === 'open') this.#ended('closed', null);
  }

  /** Closes at once, both halves. */
  close(): void {
    this.#socket.destroy();
    if (this.state === 'open') this.#ended('closed', null);
  }

  /** Discards the received bytes, before the next exchange on the same connection. */
  forget(): void {
    this.parts.length = 0;
  }

  /** Resolves true when `met` returns true, which is checked after every event; false if `limitMs` pass first. */
  async waitFor(met: () => boolean, limitMs: number): Promise<boolean> {
    const limit = after(this.#clock.now(), limitMs);
    while (!met()) {
      if (this.#clock.now() >= limit) return false;
      await this.#nextEvent(limit);
    }
    return true;
  }

  /** Waits for a whole response, the end of the connection, or `limitMs`. Returns the bytes that came by then. */
  async response(method: string, limitMs: number): Promise<RawOutcome> {
    const whole = (): boolean => parseRawResponse(this.bytes, method, ended(this.state))?.complete === true;
    const inTime = await this.waitFor(() => this.state !== 'open' || whole(), limitMs);
    const response = parseRawResponse(this.bytes, method, ended(this.state));
    return { response, bytes: this.bytes, state: this.state, inTime, elapsedMs: this.elapsedMs };
  }

  #nextEvent(limit: Instant): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.schedule(limit, resolve, undefined);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** An RST after a FIN changes the state. A FIN cannot follow an RST. */
  #ended(state: Exclude<RawState, 'open'>, errno: string | null): void {
    this.state = state;
    this.errno = errno;
    this.endedAtMs ??= this.elapsedMs;
    this.#wake?.();
  }
}

export interface RawOutcome {
  /** Null if no head of a final response came. */
  readonly response: RawResponse | null;
  /** Everything received. */
  readonly bytes: Buffer;
  readonly state: RawState;
  /** False if the limit passed first. */
  readonly inTime: boolean;
  readonly elapsedMs: number;
}

/** One connection, one request, one outcome; the connection is closed afterwards. */
export async function sendRaw(
  options: RawClientOptions & { readonly bytes: string | Uint8Array; readonly limitMs: number },
): Promise<RawOutcome> {
  const client = new RawClient(options);
  client.write(options.bytes);
  const [method = ''] = Buffer.from(options.bytes.slice(0, 16)).toString('latin1').split(' ');
  const outcome = await client.response(method, options.limitMs);
  client.close();
  return outcome;
}

function ended(state: RawState): 'no' | 'fin' | 'reset' {
  if (state === 'open') return 'no';
  return state === 'fin' ? 'fin' : 'reset';
}

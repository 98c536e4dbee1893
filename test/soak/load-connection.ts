import { connect, type Socket } from 'node:net';
import { headerOf, parseRawResponse, type RawResponse } from '../../src/testing/raw-response.ts';

/** The addresses of a connection. */
export interface LoadTarget {
  readonly host: string;
  readonly port: number;
  /** The client's own address; without it the system chooses. */
  readonly from?: string;
}

/**
 * The result of one request, distinguished by the socket:
 * - `answered`: a complete response;
 * - `refused`: nothing listens (ECONNREFUSED);
 * - `unconnected`: no connection for another reason;
 * - `lost`: the connection ended before a byte of the response;
 * - `cut`: it ended within the response;
 * - `silent`: neither an answer nor an end within the client's timeout;
 * - `wrong`: bytes that are no response, or follow one.
 */
export type OutcomeKind = 'answered' | 'refused' | 'unconnected' | 'lost' | 'cut' | 'silent' | 'wrong';

export interface Outcome {
  readonly kind: OutcomeKind;
  /** The response, or the part of it that came; null if no head came. */
  readonly response: RawResponse | null;
  /** How the connection ended; null if it did not. */
  readonly end: 'fin' | 'reset' | null;
  readonly errno: string | null;
  /** Whether the connection had carried another request before. */
  readonly reused: boolean;
  /** From the start of the request, including the connect, to the end. */
  readonly tookMs: number;
}

interface Asked {
  readonly method: string;
  readonly bytes: string | Uint8Array;
  readonly timeoutMs: number;
}

/** One connection of a client, with one request at a time. It retries nothing, and hides no failure. */
export class LoadConnection {
  readonly socket: Socket;
  #asked: (Asked & { readonly began: number; readonly resolve: (outcome: Outcome) => void }) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #pieces: Buffer[] = [];
  #uses = 0;
  #connected = false;
  #errno: string | null = null;
  #ended = false;
  #last = 0;

  constructor({ host, port, from }: LoadTarget) {
    this.socket = connect({ host, port, noDelay: true, ...(from === undefined ? {} : { localAddress: from }) });
    this.socket.on('connect', () => void (this.#connected = true));
    this.socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.socket.on('end', () => this.#over('fin'));
    this.socket.on('error', (error: NodeJS.ErrnoException) => void (this.#errno = error.code ?? 'EIO'));
    this.socket.on('close', () => this.#over(this.#errno === null ? 'fin' : 'reset'));
  }

  /** Open and idle: another request may use it. */
  get isIdle(): boolean {
    return !this.#ended && this.#asked === null && this.#uses > 0;
  }

  /** Milliseconds on the process's clock when its last answer had come. */
  get idleSince(): number {
    return this.#last;
  }

  ask(asked: Asked): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#asked = { ...asked, began: performance.now(), resolve };
      this.#timer = setTimeout(() => this.#report('silent', null), asked.timeoutMs);
      this.#pieces = [];
      if (this.#ended) return this.#over('fin');
      this.socket.write(asked.bytes);
    });
  }

  close(how: 'close' | 'reset' = 'close'): void {
    if (how === 'reset') this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#pieces.push(bytes);
    if (this.#asked === null) {
      // No request is in flight: these bytes belong to none, and the connection cannot be used any more.
      this.#ended = true;
      return this.close();
    }
    const response = this.#response('no');
    if (response?.complete !== true) return;
    this.#report(response.rest.length === 0 ? 'answered' : 'wrong', null);
  }

  #response(ended: 'no' | 'fin' | 'reset'): RawResponse | null {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return parseRawResponse(this.#pieces[0] ?? Buffer.alloc(0), this.#asked?.method ?? 'GET', ended);
  }

  #over(end: 'fin' | 'reset'): void {
    this.#ended = true;
    if (this.#asked === null) return;
    // 'close' follows a FIN, and an error may come between them: the first event decides.
    if (!this.#connected) return this.#report(this.#errno === 'ECONNREFUSED' ? 'refused' : 'unconnected', end);
    if (this.#pieces.length === 0) return this.#report('lost', end);
    const response = this.#response(end);
    if (response === null) return this.#report(looksLikeHead(this.#pieces[0]) ? 'cut' : 'wrong', end);
    this.#report(response.complete ? 'answered' : 'cut', end);
  }

  #report(kind: OutcomeKind, end: 'fin' | 'reset' | null): void {
    const asked = this.#asked;
    if (asked === null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const response = this.#response(end ?? 'no');
    this.#asked = null;
    this.#last = performance.now();
    const reused = this.#uses > 0;
    this.#uses++;
    this.#pieces = [];
    if (kind !== 'answered' || end !== null || !mayBeReused(response)) {
      this.#ended = true;
      this.close();
    }
    asked.resolve({ kind, response, end, errno: this.#errno, reused, tookMs: this.#last - asked.began });
  }
}

/** RFC 9112 §9.3: after a complete message that does not say `close`. */
function mayBeReused(response: RawResponse | null): boolean {
  if (response === null || response.framing === 'until-close' || response.status === 101) return false;
  return !/\bclose\b/i.test(headerOf(response, 'connection') ?? '');
}

function looksLikeHead(bytes: Buffer | undefined): boolean {
  const start = bytes?.toString('latin1', 0, 5) ?? '';
  return 'HTTP/'.startsWith(start.slice(0, 5));
}

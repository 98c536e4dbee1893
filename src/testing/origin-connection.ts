import type { Socket } from 'node:net';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { Fault } from './fault.ts';
import { type OriginRequestHead, OriginRequestReader } from './origin-request.ts';
import {
  answer,
  type OriginRequest,
  type Script,
  type Step,
  htmlType,
  keep,
  page,
  pause,
  send,
  textType,
} from './origin-script.ts';

/** The responses of the fault origin to requests without a fault. */
function goodAnswer(request: OriginRequest): Script {
  const [path = ''] = request.target.split('?');
  const [, first = '', second = ''] = path.split('/');
  switch (first) {
    case '':
    case 'ok':
      return answer('200 OK', page('It works'), [htmlType]);
    case 'echo':
      return answer('200 OK', request.body, echoHeaders(request));
    case 'bytes':
      return bytes(whole(second, bytesMax));
    case 'status':
      return status(whole(second, 599));
    case 'slow':
      return slowly(whole(second, slowMsMax));
    case 'sse':
      return events();
    default:
      return answer('404 Not Found', page('There is no such page here'), [htmlType]);
  }
}

/** Whether the response needs the body of the request. */
function wantsBody(target: string): boolean {
  return /^\/echo(?:[/?]|$)/.test(target);
}

function echoHeaders({ headers, method }: OriginRequest): string[] {
  return [`Content-Type: ${headers.get('content-type') ?? 'application/octet-stream'}`, `X-Echo-Method: ${method}`];
}

function* bytes(count: number): Generator<Step> {
  yield send(`HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${count}\r\n\r\n`);
  for (let left = count; left > 0; left -= block.length)
    yield send(left < block.length ? block.subarray(0, left) : block);
  yield keep;
}

function status(code: number): Script {
  const line = `${code < 200 ? 500 : code} Status ${code}`;
  if (code === 204 || code === 304) return [send(`HTTP/1.1 ${line}\r\n\r\n`), keep];
  return answer(line, `${code}\n`, [textType]);
}

function* slowly(ms: number): Generator<Step> {
  yield pause(ms);
  yield* answer('200 OK', `${ms} ms\n`, [textType]);
}

function* events(): Generator<Step> {
  yield send(
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  for (let n = 1; ; n++) {
    const event = `id: ${n}\ndata: tick\n\n`;
    yield send(`${event.length.toString(16)}\r\n${event}\r\n`);
    yield pause(250);
  }
}

function whole(text: string, max: number): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? Math.min(value, max) : 0;
}

const block = Buffer.alloc(65_536, 'candor. ');

/** A gibibyte: more than any buffer of a gateway that streams. */
const bytesMax = 1_073_741_824;

/** An hour: longer than any timeout under test. */
const slowMsMax = 3_600_000;

/** The callbacks of a connection of the fault origin. */
export interface ConnectionListener {
  /** The fault that a request asks for: null for none, 'unknown' for one that does not exist. */
  faultOf(head: OriginRequestHead): Fault | null | 'unknown';
  onRequest(head: OriginRequestHead, fault: Fault | null, numberOnConnection: number): SeenBody;
  onGone(connection: OriginConnection): void;
}

/** Counts the body bytes of one request. */
export interface SeenBody {
  bodyBytes: number;
  complete: boolean;
}

/**
 * A connection of the fault origin: reads a request, plays its script, reads the next request. Scripts are played on the raw
 * socket, so the peer gets exactly their bytes.
 */
export class OriginConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #listener: ConnectionListener;
  readonly #reader: OriginRequestReader;
  #requests = 0;
  #seen: SeenBody | null = null;
  #body: Buffer[] = [];
  #head: OriginRequestHead | null = null;
  #fault: Fault | null | 'unknown' = null;
  #requestRead = true;
  #answered = true;
  #steps: Iterator<Step> | null = null;
  #timer: Timer | null = null;
  /** The script has run out of steps without an end. */
  #silent = false;
  #peerHasEnded = false;
  #finished = false;

  constructor(socket: Socket, clock: Clock, listener: ConnectionListener, atAccept: Script | null) {
    this.#socket = socket;
    this.#clock = clock;
    this.#listener = listener;
    this.#reader = new OriginRequestReader({
      onHead: (head) => this.#begin(head),
      onBody: (bytes) => this.#count(bytes),
      onEnd: () => this.#requestEnded(),
      onBroken: () => this.#play(answer('400 Bad Request', 'This is no request.\n')),
    });
    socket.setNoDelay(true);
    socket.on('error', () => {}); // 'close' follows, and is handled below.
    socket.on('close', () => this.#gone());
    socket.on('end', () => this.#peerEnded());
    socket.on('data', (bytes: Buffer) => {
      if (!this.#finished && atAccept === null) this.#reader.push(bytes);
    });
    if (atAccept !== null) this.#play(atAccept);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Closes the connection: with FIN if it is idle, else at once. */
  retire(): void {
    if (this.#answered && this.#requestRead && !this.#finished) this.#fin();
    else this.#socket.destroy();
  }

  #begin(head: OriginRequestHead): void {
    this.#head = head;
    this.#fault = this.#listener.faultOf(head);
    this.#requests++;
    this.#body = [];
    this.#requestRead = false;
    this.#answered = false;
    const fault = this.#fault === 'unknown' ? null : this.#fault;
    this.#seen = this.#listener.onRequest(head, fault, this.#requests);
    if (fault?.begins === 'head') this.#play(fault.script(this.#request()));
    else if (/100-continue/i.test(head.headers.get('expect') ?? ''))
      this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  #count(bytes: Uint8Array): void {
    const seen = this.#seen!;
    seen.bodyBytes += bytes.length;
    if (wantsBody(this.#head!.target) && seen.bodyBytes <= echoBytesMax) this.#body.push(Buffer.from(bytes));
  }

  #requestEnded(): void {
    this.#requestRead = true;
    this.#seen!.complete = true;
    this.#reader.hold();
    if (this.#steps === null && !this.#answered) this.#play(this.#scriptOf(this.#fault));
    this.#nextWhenDone();
  }

  #scriptOf(fault: Fault | null | 'unknown'): Script {
    if (fault === 'unknown') return answer('404 Not Found', 'There is no such fault.\n');
    if (fault !== null) return fault.script(this.#request());
    if (this.#seen!.bodyBytes > echoBytesMax && wantsBody(this.#head!.target)) {
      return answer('413 Content Too Large', 'More than is echoed.\n');
    }
    return goodAnswer(this.#request());
  }

  #request(): OriginRequest {
    return { ...this.#head!, numberOnConnection: this.#requests, body: Buffer.concat(this.#body) };
  }

  #play(script: Script): void {
    this.#steps = script[Symbol.iterator]();
    this.#step();
  }

  /** Plays steps until one must wait. */
  readonly #step = (): void => {
    this.#timer = null;
    while (this.#steps !== null && !this.#socket.destroyed) {
      const { value: step, done } = this.#steps.next();
      if (done === true) return this.#fallSilent();
      if (!this.#do(step)) return;
    }
  };

  /** Stays silent until the peer closes. */
  #fallSilent(): void {
    this.#silent = true;
    if (this.#peerHasEnded) this.#socket.destroy();
    else this.#timer = this.#clock.schedule(after(this.#clock.now(), silenceMsMax), destroy, this.#socket);
  }

  /** Plays a step. Returns false if the next one must wait for it. */
  #do(step: Step): boolean {
    switch (step.do) {
      case 'send':
        return this.#send(step.bytes);
      case 'pause':
        return this.#pause(step.ms);
      case 'fin':
        return this.#fin();
      case 'reset':
        return this.#reset();
      case 'stop-reading':
        this.#socket.pause();
        return true;
      case 'keep':
        return this.#keep();
    }
  }

  #send(bytes: Uint8Array): boolean {
    const head = this.#head;
    if (head?.method === 'HEAD') bytes = withoutBody(bytes);
    if (bytes.length === 0 || this.#socket.write(bytes)) return true;
    this.#socket.once('drain', this.#step);
    return false;
  }

  #pause(ms: number): boolean {
    this.#timer = this.#clock.schedule(after(this.#clock.now(), ms), this.#step, undefined);
    return false;
  }

  #fin(): boolean {
    this.#finished = true;
    this.#steps = null;
    this.#socket.end();
    this.#socket.resume();
    // Without a limit, a peer that never closes its half would be kept for ever.
    this.#timer = this.#clock.schedule(after(this.#clock.now(), halfClosedMsMax), destroy, this.#socket);
    return false;
  }

  #reset(): boolean {
    this.#finished = true;
    this.#steps = null;
    this.#socket.resetAndDestroy();
    return false;
  }

  #keep(): boolean {
    this.#steps = null;
    this.#answered = true;
    this.#nextWhenDone();
    return false;
  }

  #nextWhenDone(): void {
    if (!this.#answered || !this.#requestRead || this.#finished) return;
    if (/close/i.test(this.#head?.headers.get('connection') ?? '')) this.#fin();
    else queueMicrotask(() => this.#reader.proceed());
  }

  /** A peer that has sent FIN still gets its response. After that the connection is closed. */
  #peerEnded(): void {
    this.#peerHasEnded = true;
    if (this.#finished || this.#answered || !this.#requestRead || this.#silent) this.#socket.destroySoon();
  }

  #gone(): void {
    this.#finished = true;
    this.#steps = null;
    this.#timer?.cancel();
    this.#listener.onGone(this);
  }
}

/** A response to HEAD ends after its head. Interim and broken ones are sent unchanged. */
function withoutBody(bytes: Uint8Array): Uint8Array {
  const end = Buffer.from(bytes).indexOf('\r\n\r\n');
  return end === -1 ? bytes : bytes.subarray(0, end + 4);
}

function destroy(socket: Socket): void {
  socket.destroy();
}

/** The body for `/echo` is first held in memory. */
const echoBytesMax = 16_777_216;

const halfClosedMsMax = 10_000;

/**
 * Longer than any timeout under test. While the origin does not read, it cannot see that the peer has left, so it closes
 * then.
 */
const silenceMsMax = 3_600_000;

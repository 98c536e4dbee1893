import type { Cancellable } from '../core/connector.ts';
import { Deadline } from '../core/deadline.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { OtherProtocol } from '#failures/guess-words.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { Transport, TransportListener } from '../core/transport.ts';
import { firstBytesOf } from '../wire/response-head.ts';
import { Dial, type DialPorts, type DialTarget, type DialWaiter } from './dial.ts';

interface ProtocolRecord {
  readonly protocol: OtherProtocol | 'tls';
  /** Asks for nothing but a sign of life. */
  readonly record: Uint8Array;
  /** Whether these bytes are its answer, or begin it. */
  readonly isAnswer: (bytes: Uint8Array) => boolean;
}

const fastCgiName = new TextEncoder().encode('FCGI_MPXS_CONNS');

/** A ClientHello of TLS 1.2 (RFC 5246 §7.4.1.2) with a few suites, groups and signatures, and no name. */
const clientHello = ((): Uint8Array => {
  const suites = [0xc0, 0x2f, 0xc0, 0x2b, 0xc0, 0x30, 0xc0, 0x2c, 0, 0x9c, 0, 0x2f];
  const groups = [0, 10, 0, 6, 0, 4, 0, 29, 0, 23];
  const formats = [0, 11, 0, 2, 1, 0];
  const signatures = [0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1];
  const extensions = [...groups, ...formats, ...signatures];
  const random = Array.from({ length: 32 }, (_, index) => index);
  const noSession = 0;
  const compressions = [1, 0];
  const body = [
    3,
    3,
    ...random,
    noSession,
    0,
    suites.length,
    ...suites,
    ...compressions,
    0,
    extensions.length,
    ...extensions,
  ];
  const handshake = [1, 0, 0, body.length, ...body];
  return Uint8Array.of(22, 3, 1, 0, handshake.length, ...handshake);
})();

const records: readonly ProtocolRecord[] = [
  {
    // Answered by a ServerHello, or by an alert of a server that wants another version or suite.
    protocol: 'tls',
    record: clientHello,
    isAnswer: ([type, major]) => (type === 22 || type === 21) && major === 3,
  },
  {
    // FCGI_GET_VALUES, a management record of a single name without a value, answered by FCGI_GET_VALUES_RESULT or FCGI_UNKNOWN_TYPE
    // (FastCGI specification §4).
    protocol: 'fastcgi',
    record: Uint8Array.of(1, 9, 0, 0, 0, fastCgiName.length + 2, 0, 0, fastCgiName.length, 0, ...fastCgiName),
    isAnswer: ([version, type, idHigh, idLow]) =>
      version === 1 && (type === 10 || type === 11) && idHigh === 0 && idLow === 0,
  },
  {
    // A ping, whose answer is a ping (uWSGI's protocol, modifier 100).
    protocol: 'uwsgi',
    record: Uint8Array.of(100, 0, 0, 0),
    isAnswer: ([modifier, sizeLow, sizeHigh]) => modifier === 100 && sizeLow === 0 && sizeHigh === 0,
  },
  {
    // CPing and CPong of AJP 1.3.
    protocol: 'ajp',
    record: Uint8Array.of(0x12, 0x34, 0, 1, 10),
    isAnswer: ([a, b, lengthHigh, lengthLow]) => a === 0x41 && b === 0x42 && lengthHigh === 0 && lengthLow === 1,
  },
];

const answerBytesMin = 4;
const answerBytesMax = 64;

/** For each protocol; a server that speaks it answers at once. */
const askMs = 250;

/**
 * Asks an address that closes the connections of HTTP requests whether it speaks TLS, FastCGI, uWSGI's protocol or AJP: one short connection each,
 * 250 ms at most. `onResult` gets the failure that says so, or null, exactly once unless the look is cancelled.
 */
export class OtherProtocolLook extends Deadline implements Cancellable, DialWaiter, TransportListener {
  readonly #target: DialTarget;
  readonly #ports: DialPorts;
  readonly #onResult: (failure: Failure | null) => void;
  readonly #asked: Iterator<ProtocolRecord> = records.values();
  #now: ProtocolRecord | null = null;
  #dial: Dial | null = null;
  #transport: Transport | null = null;
  #received = new Uint8Array(0);

  constructor(target: DialTarget, ports: DialPorts, onResult: (failure: Failure | null) => void) {
    super();
    this.#target = target;
    this.#ports = ports;
    this.#onResult = onResult;
  }

  begin(): void {
    this.#askNext();
  }

  cancel(): void {
    this.#now = null;
    this.#ports.deadlines.remove(this);
    this.#dial?.cancel();
    this.#dial = null;
    const transport = this.#transport;
    this.#transport = null;
    transport?.close('close');
  }

  override onExpired(): void {
    this.#askNext();
  }

  #askNext(): void {
    this.cancel();
    const next = this.#asked.next();
    if (next.done === true) return this.#onResult(null);
    this.#now = next.value;
    this.#received = new Uint8Array(0);
    this.at = after(this.#ports.clock.now(), askMs);
    this.#ports.deadlines.add(this);
    this.#dial = new Dial(this.#target, this.#ports, this);
    this.#dial.begin();
  }

  #end(failure: Failure | null): void {
    this.cancel();
    this.#onResult(failure);
  }

  onStageDone(): void {}

  onDialed(transport: Transport): void {
    const asked = this.#now;
    if (asked === null) return transport.close('close');
    this.#dial = null;
    this.#transport = transport;
    transport.listener = this;
    transport.write(asked.record, 0, asked.record.length, 'borrowed');
  }

  /** It no longer accepts connections: nothing more can be found out. */
  onDialFailed(): void {
    this.#end(null);
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const asked = this.#now;
    if (asked === null) return;
    this.#received = Buffer.concat([this.#received, bytes.subarray(start, end)]).subarray(0, answerBytesMax);
    if (this.#received.length < answerBytesMin) return;
    if (!asked.isAnswer(this.#received)) return this.#askNext();
    const { addressText: address } = this.#target;
    const firstBytes = firstBytesOf(this.#received);
    this.#end(fail('response_not_http', 'response', { address, firstBytes, guess: asked.protocol }));
  }

  onEnd(): void {
    if (this.#transport !== null) this.#askNext();
  }

  onClosed(): void {
    if (this.#transport !== null) this.#askNext();
  }

  onWritten(): void {}
}

/** An application that crashes is not asked for other protocols at each check: its log would fill with requests that it cannot read. */
const lookEveryMs = 60_000;
const addressesMax = 1024;

/** When an address may be asked for other protocols: once a minute, and always where it spoke one the last time. */
export class LimitedLooks {
  readonly #clock: Clock;
  readonly #lookedAt = new Map<string, Instant>();
  /** Addresses that have shown to speak another protocol than HTTP/1.1, and nothing else since. */
  readonly #speaking = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  mayLook(address: string): boolean {
    const now = this.#clock.now();
    const last = this.#lookedAt.get(address);
    if (last !== undefined && now - last < lookEveryMs) return false;
    if (this.#lookedAt.size >= addressesMax) this.#lookedAt.clear();
    this.#lookedAt.set(address, now);
    return true;
  }

  onSpoken(address: string): void {
    this.#lookedAt.delete(address);
    if (this.#speaking.size >= addressesMax) this.#speaking.clear();
    this.#speaking.add(address);
  }

  /** The look has shown why the address closes connections: the next one that it closes is not to say less. */
  mayRepeat(address: string): void {
    this.#lookedAt.delete(address);
  }

  /** It has answered a request, or answers no record of another protocol any more. */
  onOtherwise(address: string): void {
    this.#speaking.delete(address);
  }

  speaksAnother(address: string): boolean {
    return this.#speaking.has(address);
  }
}

import assert from 'node:assert/strict';
import type { MessageHeaders } from '../../src/core/message.ts';
import type { MemoryTransport } from '../../src/testing/memory-transport.ts';
import type { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { DecodedSection } from '../../src/wire/h2/decoded-section.ts';
import { HeaderBlockWriter } from '../../src/wire/h2/hpack-encoder.ts';
import { Session } from '../../src/wire/h2/session.ts';
import type { SessionStream, StreamListener, StreamLoss } from '../../src/wire/h2/session-stream.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import type { ArrivedRequest } from './world.ts';
import { ReceivedBytes } from './http1-reader.ts';

const block = new HeaderBlockWriter();

/** One HTTP/2 connection at an endpoint in memory, with the requests on it. */
export class Http2EndpointLine {
  readonly transport: MemoryTransport;
  readonly session: Session;
  readonly requests: Http2Arrived[] = [];
  pongs = 0;
  /** What the gateway has said at the end of the connection. */
  goAwayCode: number | null = null;

  constructor(transport: MemoryTransport, clock: SimulatedClock, onRequest: (request: Http2Arrived) => void) {
    this.transport = transport;
    const section = new DecodedSection(new HeadStorage());
    const sectionLimits = { headersMax: 500, listBytesMax: 256 * 1024 };
    const settings = { role: 'server', sectionLimits, now: () => clock.now() } as const;
    this.session = new Session(transport, section, settings, {
      onRequest: (stream, request) => {
        const arrived = new Http2Arrived(this, stream, request);
        stream.listener = arrived;
        this.requests.push(arrived);
        onRequest(arrived);
      },
      onStreamClosed() {},
      onPeerSettings() {},
      onPong: () => void this.pongs++,
      onGoAway: (_, code) => void (this.goAwayCode = code),
      onSessionFailed: (error, why) => assert.fail(`the endpoint gets HTTP/2: ${error}, ${why}`),
    });
    transport.listener = {
      onBytes: (bytes, start, end) => this.session.receiveAll(bytes.slice(start, end), 0, end - start),
      onEnd: () => {
        this.session.endAll();
        transport.close('close');
      },
      onWritten: () => this.session.sender.onWritten(),
      onClosed: () => this.session.endAll(),
    };
  }
}

export class Http2Arrived implements ArrivedRequest, StreamListener {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly scheme: string;
  gone = false;
  whole = false;
  trailers: ReadonlyMap<string, string> = new Map();
  /** The error with which the gateway has reset the stream. */
  resetBy: number | null = null;
  readonly #line: Http2EndpointLine;
  readonly #stream: SessionStream;
  readonly #headers: ReadonlyMap<string, string>;
  readonly #received = new ReceivedBytes();
  #reads = true;
  #unread = 0;
  #left: number | null = null;

  constructor(line: Http2EndpointLine, stream: SessionStream, section: DecodedSection) {
    assert.equal(section.rule, null);
    this.#line = line;
    this.#stream = stream;
    this.method = section.method ?? '';
    this.target = section.path ?? '';
    this.authority = section.authority ?? '';
    this.scheme = section.scheme ?? '';
    this.#headers = mapOf(section.headers());
  }

  get streamId(): number {
    return this.#stream.id;
  }

  get line(): Http2EndpointLine {
    return this.#line;
  }

  get body(): Buffer {
    return this.#received.all;
  }

  header(name: string): string | null {
    return this.#headers.get(name) ?? null;
  }

  onSection(section: DecodedSection): void {
    this.trailers = mapOf(section.headers());
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.#received.add(bytes, start, end);
    if (this.#reads) this.#line.session.windows.consume(this.#stream, end - start);
    else this.#unread += end - start;
  }

  onPeerEnd(): void {
    this.whole = true;
  }

  onStreamLost(loss: StreamLoss): void {
    if (loss.by === 'peer') this.resetBy = loss.code;
    this.gone = true;
  }

  onRoom(): void {}

  onAllSent(): void {
    this.#line.session.closeIfEnded(this.#stream);
  }

  #send(status: number, headers: Readonly<Record<string, string>>, length: number | null): void {
    block.begin();
    block.status(status);
    for (const [name, value] of Object.entries(headers)) block.header(name.toLowerCase(), value);
    if (length !== null) block.header('content-length', String(length));
    this.#line.session.sender.headers(this.#stream, block.bytes, 0, block.length, false);
  }

  inform(status: number, headers: Readonly<Record<string, string>> = {}): void {
    this.#send(status, headers, null);
  }

  answer(status: number, body: string | Buffer = '', headers: Readonly<Record<string, string>> = {}): void {
    const hasNone = status === 204 || status === 304;
    const { Connection: _, ...lawful } = headers;
    this.#send(status, lawful, hasNone ? null : Buffer.byteLength(body));
    if (!hasNone && this.method !== 'HEAD') this.write(body);
    this.#end(null);
  }

  head(status: number, length: number | null, headers: Readonly<Record<string, string>> = {}): void {
    this.#send(status, headers, length);
    this.#left = length;
  }

  write(bytes: string | Buffer): void {
    const all = Buffer.from(bytes);
    if (all.length > 0) this.#line.session.sender.body(this.#stream, all, 0, all.length, 'owned');
    if (this.#left === null) return;
    this.#left -= all.length;
    if (this.#left === 0) this.#end(null);
  }

  end(trailers: Readonly<Record<string, string>> = {}): void {
    if (this.#left !== null) return;
    block.begin();
    for (const [name, value] of Object.entries(trailers)) block.header(name.toLowerCase(), value);
    this.#end(block.length === 0 ? null : Buffer.from(block.bytes.subarray(0, block.length)));
  }

  /** Content, however much was announced. */
  writeBeyond(text: string): void {
    this.#left = null;
    this.write(text);
  }

  /** END_STREAM, whatever was announced. */
  endEarly(): void {
    this.#end(null);
  }

  #end(trailers: Uint8Array | null): void {
    this.#line.session.sender.end(this.#stream, trailers);
  }

  reset(code: Parameters<Session['reset']>[1]): void {
    this.#line.session.reset(this.#stream, code);
  }

  breakOff(how: 'closed' | 'reset'): void {
    this.#line.session.sender.flush();
    this.#line.transport.close(how === 'closed' ? 'close' : 'reset');
  }

  stopReading(): void {
    this.#reads = false;
  }

  readOn(): void {
    this.#reads = true;
    this.#line.session.windows.consume(this.#stream, this.#unread);
    this.#unread = 0;
  }

  raw(): void {
    assert.fail('HTTP/2 has no lines');
  }
}

function mapOf(headers: MessageHeaders): Map<string, string> {
  const map = new Map<string, string>();
  headers.each((name, value) => map.set(name, map.has(name) ? `${map.get(name)}, ${value}` : value));
  for (const name of ['content-length', 'te', 'host']) {
    const value = headers.get(name); // For one connection in HTTP/1, and so not among `each`.
    if (value !== null) map.set(name, value);
  }
  return map;
}

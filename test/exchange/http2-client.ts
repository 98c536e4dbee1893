import assert from 'node:assert/strict';
import type { MessageHeaders } from '../../src/core/message.ts';
import type { MemoryTransport } from '../../src/testing/memory-transport.ts';
import type { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { DecodedSection } from '../../src/wire/h2/decoded-section.ts';
import { HeaderBlockWriter } from '../../src/wire/h2/hpack-encoder.ts';
import { Session } from '../../src/wire/h2/session.ts';
import type { SessionStream, StreamListener } from '../../src/wire/h2/session-stream.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import type { ClientActor, RequestText } from './world.ts';
import { ReceivedBytes } from './http1-reader.ts';

const block = new HeaderBlockWriter();

/** One HTTP/2 connection of a client in memory, with the requests on it. */
export class Http2Line {
  readonly transport: MemoryTransport;
  readonly session: Session;
  /** GOAWAY frames: the last stream, and the error. */
  readonly goAways: { readonly last: number; readonly code: number; readonly text: string }[] = [];
  failedBy: string | null = null;
  closed = false;

  constructor(transport: MemoryTransport, clock: SimulatedClock) {
    this.transport = transport;
    const section = new DecodedSection(new HeadStorage());
    const settings = {
      role: 'client',
      sectionLimits: { headersMax: 500, listBytesMax: 256 * 1024 },
      now: () => clock.now(),
    } as const;
    this.session = new Session(transport, section, settings, {
      onRequest: () => assert.fail('a server opens no stream'),
      onStreamClosed() {},
      onPeerSettings() {},
      onPong() {},
      onGoAway: (last, code, text) => void this.goAways.push({ last, code, text }),
      onSessionFailed: (error, why) => void (this.failedBy = `${error}: ${why}`),
    });
    transport.listener = {
      onBytes: (bytes, start, end) => {
        this.session.receiveAll(bytes.slice(start, end), 0, end - start);
        assert.equal(this.failedBy, null, 'the client gets HTTP/2');
      },
      onEnd: () => {
        this.#end();
        transport.end();
      },
      onWritten: () => this.session.sender.onWritten(),
      onClosed: () => this.#end(),
    };
  }

  #end(): void {
    this.closed = true;
    this.session.endAll();
  }

  request(request: RequestText): Http2Client {
    const client = new Http2Client(this, request);
    if (this.closed) client.state = 'cut';
    else client.begin();
    return client;
  }
}

export class Http2Client implements ClientActor, StreamListener {
  state: ClientActor['state'] = 'open';
  status = 0;
  readonly informed: number[] = [];
  trailers: ReadonlyMap<string, string> = new Map();
  /** The error with which the server has reset the stream. */
  resetBy: number | null = null;
  readonly #line: Http2Line;
  readonly #request: RequestText;
  readonly #stream: SessionStream;
  #headers: ReadonlyMap<string, string> = new Map();
  readonly #received = new ReceivedBytes();
  #reads = true;
  #unread = 0;
  #written = 0;

  constructor(line: Http2Line, request: RequestText) {
    this.#line = line;
    this.#request = request;
    this.#stream = line.session.open(this);
  }

  begin(): void {
    const { method = 'GET', target = '/', headers = {}, body, expects } = this.#request;
    block.begin();
    block.pseudo(method, 'http', 'example.org', target);
    for (const [name, value] of Object.entries(headers)) block.header(name.toLowerCase(), value);
    if (body !== undefined) block.header('content-length', String(Buffer.byteLength(body)));
    else if (typeof expects === 'number') block.header('content-length', String(expects));
    const endsStream = body === undefined && expects === undefined;
    this.#line.session.sender.headers(this.#stream, block.bytes, 0, block.length, endsStream);
    if (endsStream) this.#stream.ended = true;
    if (body === undefined) return;
    this.write(body);
    this.#line.session.sender.end(this.#stream, null);
  }

  onSection(section: DecodedSection): void {
    assert.equal(section.rule, null);
    const headers = mapOf(section.headers());
    if (this.#stream.hasHead) {
      this.trailers = headers;
      return;
    }
    const status = Number(section.status);
    if (status < 200) return void this.informed.push(status);
    this.status = status;
    this.#stream.hasHead = true;
    this.#headers = headers;
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.#received.add(bytes, start, end);
    if (this.#reads) this.#line.session.windows.consume(this.#stream, end - start);
    else this.#unread += end - start;
  }

  onPeerEnd(): void {
    this.state = 'whole';
  }

  onStreamLost(loss: Parameters<StreamListener['onStreamLost']>[0]): void {
    if (loss.by === 'peer') this.resetBy = loss.code;
    if (this.state === 'open') this.state = 'cut';
  }

  onRoom(): void {}

  onAllSent(): void {
    this.#line.session.closeIfEnded(this.#stream);
  }

  get body(): Buffer {
    return this.#received.all;
  }

  header(name: string): string | null {
    return this.#headers.get(name) ?? null;
  }

  write(bytes: string | Buffer): void {
    const all = Buffer.from(bytes);
    this.#line.session.sender.body(this.#stream, all, 0, all.length, 'owned');
    this.#written += all.length;
    if (this.#written === this.#request.expects) this.#line.session.sender.end(this.#stream, null);
  }

  end(trailers: Readonly<Record<string, string>> = {}): void {
    if (this.#request.expects !== 'chunked') return;
    block.begin();
    for (const [name, value] of Object.entries(trailers)) block.header(name.toLowerCase(), value);
    this.#line.session.sender.end(
      this.#stream,
      block.length === 0 ? null : Buffer.from(block.bytes.subarray(0, block.length)),
    );
  }

  leave(): void {
    this.#line.transport.close('reset');
    if (this.state === 'open') this.state = 'cut';
  }

  stopReading(): void {
    this.#reads = false;
    this.#line.transport.pause();
  }

  /** Reads its connection, and opens no further window for the stream. */
  holdWindow(): void {
    this.#reads = false;
  }

  readOn(): void {
    this.#reads = true;
    this.#line.transport.resume();
    this.#line.session.windows.consume(this.#stream, this.#unread);
    this.#unread = 0;
  }
}

function mapOf(headers: MessageHeaders): Map<string, string> {
  const map = new Map<string, string>();
  headers.each((name, value) => map.set(name, map.has(name) ? `${map.get(name)}, ${value}` : value));
  const length = headers.get('content-length'); // For one connection in HTTP/1, and so not among `each`.
  if (length !== null) map.set('content-length', length);
  return map;
}

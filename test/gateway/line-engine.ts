import type { ClientEngine, OpenConnection } from '../../src/core/client-engine.ts';
import type { ClientFacts } from '../../src/core/exchange.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Capabilities, OutgoingResponse, RequestHead } from '../../src/core/message.ts';
import { noBody } from '../../src/core/message.ts';
import type { DownstreamHandler, DownstreamStream } from '../../src/core/stream.ts';
import type { Instant } from '../../src/core/time.ts';
import type { Transport, TransportListener } from '../../src/core/transport.ts';
import { clientFacts } from '../../src/downstream/client-facts.ts';
import type { Peer } from '../../src/downstream/peer.ts';
import type { DownstreamPorts, StartClientEngine } from '../../src/downstream/ports.ts';
import type { PrefaceStage } from '../../src/downstream/preface-stage.ts';
import { PairHeaders } from '../../src/core/pair-headers.ts';

const preface = 'LINE\n';

/** Chooses the line protocol for a connection that begins with its preface. */
export const lineStage: PrefaceStage = {
  rule: 'request-line',
  bytesMax: 64,
  read(connection, bytes, start, end) {
    const text = Buffer.from(bytes.subarray(start, end)).toString('latin1', 0, preface.length);
    if (!preface.startsWith(text)) return 0;
    if (text.length < preface.length) return 'partial';
    connection.protocol = 'line';
    return preface.length;
  },
};

export const startLineEngine: StartClientEngine = (transport, peer, _, ports) => new LineEngine(transport, peer, ports);

/**
 * A protocol as unlike HTTP/1 as an engine allows: many concurrent requests on a connection, each `number path\n`, and
 * answers in any order, each `number status body\n`. `bye\n` announces the close.
 */
class LineEngine implements ClientEngine, TransportListener {
  readonly transport: Transport;
  readonly peer: Peer;
  readonly ports: DownstreamPorts;
  listed: OpenConnection | null = null;
  readonly #streams = new Map<string, LineStream>();
  #text = '';
  #announced = false;
  #closed = false;

  constructor(transport: Transport, peer: Peer, ports: DownstreamPorts) {
    this.transport = transport;
    this.peer = peer;
    this.ports = ports;
    transport.listener = this;
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const lines = (this.#text + Buffer.from(bytes.subarray(start, end)).toString('latin1')).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#begin(line, null);
  }

  #begin(line: string, failure: Failure | null): void {
    const [number = '', path = '/'] = line.split(' ');
    const stream = new LineStream(number, path, this);
    this.#streams.set(number, stream);
    this.ports.counts.exchangesActive++;
    stream.handler = this.ports.exchanges.create(stream);
    stream.handler.onRequest(failure);
  }

  refuse(): void {
    this.#begin('0 /', fail('request_refused', 'request', { rule: 'request-line', status: 400, at: '' }));
    this.transport.end('close');
  }

  refuseNext(): void {
    this.refuse();
  }

  send(line: string): void {
    this.transport.write(Buffer.from(`${line}\n`), 0, line.length + 1, 'owned');
  }

  onStreamEnded(stream: LineStream): void {
    if (!this.#streams.delete(stream.number)) return;
    this.ports.counts.exchangesActive--;
    if (this.#announced && this.#streams.size === 0) this.transport.end('close');
  }

  onEnd(): void {
    this.transport.close('close');
  }

  onWritten(): void {}

  onClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failAll(fail('client_gone', 'request', { bytesSent: 0, how: 'closed' }));
    this.ports.onConnectionClosed(this);
  }

  #failAll(failure: Failure): void {
    for (const stream of [...this.#streams.values()]) {
      stream.handler?.onRequestFailed(failure);
      this.onStreamEnded(stream);
    }
  }

  readonly isLingering = false;

  closeToMakeRoom(): boolean {
    if (this.#streams.size > 0) return false;
    this.transport.end('close');
    return true;
  }

  announceClose(): void {
    if (this.#announced) return;
    this.#announced = true;
    this.send('bye');
  }

  closeIdle(): boolean {
    this.announceClose();
    this.closeToMakeRoom();
    return true;
  }

  endTunnels(): void {}

  forceClose(failure: Failure): boolean {
    this.#failAll(failure);
    this.transport.end('close');
    return true;
  }
}

const capabilities: Capabilities = { protocol: 'line', multiplexed: true, trailers: false };

class LineStream implements DownstreamStream {
  readonly capabilities = capabilities;
  readonly bodyAtHand = false;
  readonly number: string;
  readonly request: RequestHead;
  readonly client: ClientFacts;
  readonly startedAt: Instant;
  readonly startedWall: number;
  handler: DownstreamHandler | null = null;
  readonly #engine: LineEngine;
  #status = 0;
  #body = '';

  constructor(number: string, target: string, engine: LineEngine) {
    this.number = number;
    this.#engine = engine;
    const { peer, ports } = engine;
    this.client = clientFacts(peer, null, ports);
    this.startedAt = ports.clock.now();
    this.startedWall = ports.clock.wallTime();
    this.request = {
      ...{ method: 'GET', scheme: peer.scheme, authority: 'line.test', target, version: 'HTTP/2' },
      ...{ headers: new PairHeaders([]), framing: noBody, upgrade: null, takesTrailers: false },
    };
  }

  readBody(): void {}
  pauseBody(): void {}
  resumeBody(): void {}
  sendInterimResponse(): void {}
  readonly switchStatus = 101;
  switchTo(): void {}
  flush(): void {}

  respond({ status }: OutgoingResponse): void {
    this.#status = status;
  }

  sendBody(bytes: Uint8Array, start: number, end: number): boolean {
    this.#body += Buffer.from(bytes.subarray(start, end)).toString('latin1');
    return true;
  }

  endBody(): void {
    this.#engine.send(`${this.number} ${this.#status} ${this.#body}`);
    this.handler?.onResponseSent();
    this.#engine.onStreamEnded(this);
  }

  abort(): void {
    this.#engine.send(`${this.number} aborted`);
    this.#engine.onStreamEnded(this);
  }
}

import assert from 'node:assert/strict';
import { after } from '../../../src/core/time.ts';
import type { MemoryTransport } from '../../../src/testing/memory-transport.ts';
import { SeededRandom } from '../../../src/testing/seeded-random.ts';
import { StrictReader, type StrictRequest } from '../../attacks/strict-reader.ts';
import { Http1World } from '../../exchange/http1-world.ts';
import { announcesForbiddenBody } from './announced-body.ts';
import { readResponses } from './response-reader.ts';
import { type EndpointScript, type EngineScenario, markPlace, type Step } from './scenario.ts';

/** The result of a run. A broken rule throws. */
export interface EngineSummary {
  readonly exchanges: number;
  readonly reached: number;
  readonly answered: number;
}

/** Longer than all timeouts in a row: a connection that is open then never closes. */
const restMs = 3_600_000 + 400_000;
/** Bytes that the gateway may hold for one connection that does not read: its own 128 KiB, and as much again. */
const heldBytesMax = 256 * 1024;

/**
 * Runs a scenario on the whole data plane, in memory and simulated time, and checks the rules that hold whatever
 * clients and endpoints send:
 * - nothing throws, and no invariant breaks;
 * - each exchange has one record; at the end no connection is open, no timer is set, and no byte is held;
 * - each endpoint gets valid requests by a strict reader, or the beginning of one; a request that is not idempotent
 * comes once;
 * - each client gets valid responses, or a truncated one that ends its connection;
 * - no peer gets a byte of another exchange;
 * - no request is sent after a response that announces a body which its status or method forbids.
 */
export function runScenario(scenario: EngineScenario): EngineSummary {
  return new EngineRun(scenario).run();
}

/** The owner of marked bytes: a client, or a position on a connection to an endpoint. */
type Mark = { readonly port: number } | { readonly connection: EndpointConnection; readonly at: number };

class EngineRun {
  readonly #scenario: EngineScenario;
  readonly #world: Http1World;
  readonly #clients: Client[] = [];
  /** Null: a refused connection. */
  readonly #connections: (EndpointConnection | null)[] = [];
  readonly marks = new Map<string, Mark>();
  #markNumber = 0;
  /** Peers that have sent their FIN. */
  readonly #ended = new Set<MemoryTransport>();

  constructor(scenario: EngineScenario) {
    this.#scenario = scenario;
    const { windowBytes, latencyMs, pieceBytes } = scenario;
    const random = new SeededRandom(`${scenario.seed} pieces`);
    let opened = 0;
    this.#world = new Http1World(
      { endpoints: ['a', 'b'], attemptsMax: 2, application: 'shop', limits: { bodyBytesMax: 100_000 } },
      {
        pairOptions: () => ({
          windowBytes,
          latencyMs,
          ...(pieceBytes === 0 ? {} : { slices: { random: random.fork(`${opened++}`), bytesMax: pieceBytes } }),
        }),
        connectFault: () => {
          if (!this.#nextScript().refuses) return null;
          this.#connections.push(null);
          return 'ECONNREFUSED';
        },
      },
    );
    const serves = (endpoint: MemoryTransport, gateway: MemoryTransport): void => {
      const connection = new EndpointConnection(this, endpoint, gateway, this.#nextScript());
      this.#connections.push(connection);
      connection.begin();
    };
    for (const name of ['a', 'b']) this.#world.endpoint(name).serves = serves;
  }

  #nextScript(): EndpointScript {
    const { connections } = this.#scenario;
    return connections[this.#connections.length % connections.length] as EndpointScript;
  }

  run(): EngineSummary {
    for (const steps of this.#scenario.clients) {
      const { client, port } = this.#world.connect();
      const one = new Client(client, port, this.#ended);
      this.#clients.push(one);
      this.play(client, steps, (bytes) => this.marked(bytes, () => ({ port })));
    }
    for (let passed = 0; passed < 10_000; passed += 100) {
      this.#world.pass(100);
      const open = this.#world.gatewayEnds.filter((end) => !end.closed).length;
      assert.ok(this.#world.heldBytes() <= open * heldBytesMax, `${this.#world.heldBytes()} bytes are held`);
    }
    this.#world.pass(restMs);
    this.#verify();
    return {
      exchanges: this.#world.records.length,
      reached: this.#connections.reduce((sum, connection) => sum + (connection?.requests.length ?? 0), 0),
      answered: this.#clients.reduce((sum, client) => sum + client.answered, 0),
    };
  }

  /** One step after the other, including the waits. */
  play(transport: MemoryTransport, steps: readonly Step[], marked: (bytes: string) => Buffer, at = 0): void {
    const { clock } = this.#world;
    for (let index = at; index < steps.length && !this.#isOver(transport); index++) {
      const step = steps[index] as Step;
      if (step.kind === 'wait') {
        clock.schedule(after(clock.now(), step.ms), call, () => this.play(transport, steps, marked, index + 1));
        return;
      }
      if (step.kind === 'send') {
        const bytes = marked(step.bytes);
        transport.write(bytes, 0, bytes.length, 'borrowed');
      } else if (step.kind === 'fin') {
        this.#ended.add(transport);
        return transport.end();
      } else if (step.kind === 'reset') return transport.close('reset');
      else if (step.kind === 'stop-reading') transport.pause();
      else transport.resume();
    }
  }

  #isOver(transport: MemoryTransport): boolean {
    return transport.closed || this.#ended.has(transport);
  }

  /** Replaces each placeholder with a new mark. */
  marked(bytes: string, owner: (at: number) => Mark): Buffer {
    const text = bytes.replaceAll(markPlace, (_, at: number) => {
      const mark = `~${(++this.#markNumber).toString(36).padStart(markPlace.length - 2, '0')}~`;
      this.marks.set(mark, owner(at));
      return mark;
    });
    return Buffer.from(text, 'latin1');
  }

  // The rules.

  #verify(): void {
    const { counts, records, clock } = this.#world;
    this.#world.verifyAtRest();
    assert.equal(counts.clientConnections, 0, 'no connection of a client is left open');
    assert.equal(counts.upstreamConnections, 0, 'no connection to an endpoint is left open');
    assert.equal(clock.timersLive, 0, 'no timer is left');
    for (const { failure } of records) {
      if (failure?.cause === 'gateway_fault') assert.fail(`a broken invariant: ${JSON.stringify(failure)}`);
    }
    for (const connection of this.#connections) if (connection !== null) this.#verifyEndpoint(connection);
    this.#verifyOnce();
    for (const client of this.#clients) this.#verifyClient(client);
  }

  #verifyEndpoint(connection: EndpointConnection): void {
    assert.deepEqual(connection.violations, [], 'an endpoint gets valid requests');
    assert.equal(connection.askedInDoubt(), null, 'no request follows an answer that announces a forbidden body');
    for (const request of connection.requests) {
      const port = this.#portOf(request);
      assert.notEqual(port, null, `${request.line} reached an endpoint without an exchange`);
      const text = [request.line, ...request.headers.map(([, value]) => value), request.body].join('\n');
      for (const mark of marksIn(text)) {
        const owner = this.marks.get(mark);
        if (owner === undefined) continue;
        assert.ok('port' in owner && owner.port === port, `${request.line} has bytes of another client (${mark})`);
      }
    }
  }

  #portOf({ headers }: StrictRequest): number | null {
    const ids = headers.filter(([name]) => name === 'x-request-id');
    assert.equal(ids.length, 1, 'a request has one id');
    return this.#world.records.find(({ id }) => id === ids[0]?.[1])?.client.port ?? null;
  }

  #verifyOnce(): void {
    const times = new Map<string, number>();
    for (const request of this.#connections.flatMap((connection) => connection?.requests ?? [])) {
      const { line } = request;
      if (/^(?:GET|HEAD|OPTIONS|TRACE|PUT|DELETE) /.test(line)) continue;
      const id = idOf(request);
      times.set(id, (times.get(id) ?? 0) + 1);
      assert.equal(times.get(id), 1, `${line} reached endpoints twice`);
    }
  }

  #verifyClient(client: Client): void {
    const own = this.#world.created.filter((exchange) => exchange.client.port === client.port);
    const bytes = Buffer.concat(client.slices).toString('latin1');
    const methods = own.map(({ method }) => method);
    const { violation, whole, isCut, texts } = readResponses(bytes, methods, client.ended);
    client.answered = whole;
    assert.equal(violation, null, `a client gets valid HTTP, not ${JSON.stringify(bytes.slice(-300))}`);
    if (isCut && !client.looksAway) assert.notEqual(client.ended, 'open', 'a truncated response ends its connection');
    texts.forEach((text, index) => this.#verifyMarks(text, own[index]?.id ?? ''));
    own.slice(0, whole).forEach((exchange) => {
      // A tunnel has no complete end: its answer was the change of protocol.
      if (!exchange.tunnel)
        assert.notEqual(exchange.endKind, 'truncated', 'a truncated response does not look complete');
    });
  }

  #verifyMarks(text: string, id: string): void {
    for (const mark of marksIn(text)) {
      const owner = this.marks.get(mark);
      if (owner === undefined) continue;
      const asked = 'connection' in owner ? askedBefore(owner.connection, owner.at) : undefined;
      assert.ok(asked !== undefined && idOf(asked) === id, `an answer has bytes of another exchange (${mark})`);
    }
  }
}

/** The request that the byte at this position answers: the last one that had been sent before it came. */
function askedBefore({ asked, deliveredAt }: EndpointConnection, at: number): StrictRequest | undefined {
  return asked.filter((request) => deliveredAt(request.at) <= at).at(-1);
}

function idOf({ headers }: StrictRequest): string {
  return headers.find(([name]) => name === 'x-request-id')?.[1] ?? '';
}

class Client {
  readonly port: number;
  readonly slices: Buffer[] = [];
  ended: 'open' | 'fin' | 'reset' = 'open';
  answered = 0;
  readonly #transport: MemoryTransport;

  constructor(transport: MemoryTransport, port: number, over: Set<MemoryTransport>) {
    this.port = port;
    this.#transport = transport;
    transport.listener = {
      onBytes: (bytes, start, end) => void this.slices.push(Buffer.from(bytes.slice(start, end))),
      onEnd: () => {
        this.ended = 'fin';
        over.add(transport);
        transport.end();
      },
      onWritten() {},
      onClosed: (errno) => {
        if (errno !== null || this.ended === 'open') this.ended = 'reset';
      },
    };
  }

  /** Whether there may be bytes that it has not read. */
  get looksAway(): boolean {
    return !this.#transport.closed;
  }
}

class EndpointConnection {
  readonly requests: StrictRequest[] = [];
  /** Heads that the gateway has sent, whether they have arrived or not. */
  readonly asked: StrictRequest[] = [];
  readonly violations: string[] = [];
  readonly #sending = new StrictReader(() => {});
  readonly #run: EngineRun;
  readonly #endpoint: MemoryTransport;
  readonly #script: EndpointScript;
  readonly #reader = new StrictReader((violation) => this.violations.push(violation));
  /** The position of each write of the gateway, and how many bytes had reached the gateway by then. */
  readonly #writes: { readonly at: number; readonly delivered: number }[] = [];
  #written = 0;
  #sent = '';
  #heads = 0;

  constructor(run: EngineRun, endpoint: MemoryTransport, gateway: MemoryTransport, script: EndpointScript) {
    this.#run = run;
    this.#endpoint = endpoint;
    this.#script = script;
    const write = gateway.write.bind(gateway);
    gateway.write = (bytes, start, end, ownership) => {
      this.#writes.push({ at: this.#written, delivered: gateway.bytesDelivered });
      this.#written += end - start;
      this.#noteAsked(bytes.subarray(start, end));
      return write(bytes, start, end, ownership);
    };
  }

  /** The sent bytes show which requests there are, not the received ones: an answer may be early. */
  #noteAsked(bytes: Uint8Array): void {
    if (this.#isTunnelBehind(this.asked)) return;
    this.#sending.push(Buffer.from(bytes).toString('latin1'));
    let request = this.#sending.next();
    for (; request !== null; request = this.#sending.next()) this.#noteHead(request);
    const begun = this.#sending.begun();
    if (begun !== null) this.#noteHead(begun);
  }

  #noteHead(request: StrictRequest): void {
    if (this.asked.at(-1)?.at !== request.at) this.asked.push(request);
  }

  /** How many bytes of this endpoint had reached the gateway when it wrote its byte number `at`. */
  readonly deliveredAt = (at: number): number => {
    const write = this.#writes.filter((one) => one.at <= at).at(-1);
    return write?.delivered ?? 0;
  };

  /** A request that was sent although the previous answer, as far as it had come, allows other bytes to follow; null: none. */
  askedInDoubt(): string | null {
    for (const [index, request] of this.asked.entries()) {
      const before = this.asked[index - 1];
      if (before === undefined) continue;
      const answer = this.#sent.slice(this.deliveredAt(before.at), this.deliveredAt(request.at));
      if (announcesForbiddenBody(answer, before.line.split(' ')[0] ?? '')) return request.line;
    }
    return null;
  }

  begin(): void {
    this.#endpoint.listener = {
      onBytes: (bytes, start, end) => this.#read(Buffer.from(bytes.slice(start, end)).toString('latin1')),
      onEnd: () => this.#endpoint.close('close'),
      onWritten() {},
      onClosed: () => this.#noteBegun(),
    };
    this.#play(this.#script.first);
  }

  /**
   * The bytes after a change of protocol are not HTTP. Both sides' bytes show the change, independent of the gateway:
   * the last request asks for it, and this endpoint has sent a 101, in one slice or several.
   */
  #isTunnelBehind(requests: readonly StrictRequest[]): boolean {
    return this.#sent.includes('101') && requests.at(-1)?.headers.some(([name]) => name === 'upgrade') === true;
  }

  #read(bytes: string): void {
    this.#reader.push(bytes);
    while (!this.#isTunnelBehind(this.requests)) {
      const request = this.#reader.next();
      if (request === null) break;
      this.requests.push(request);
      this.#onHead(this.requests.length);
    }
    if (this.#begun() !== null) this.#onHead(this.requests.length + 1);
  }

  #begun(): StrictRequest | null {
    return this.#isTunnelBehind(this.requests) ? null : this.#reader.begun();
  }

  /** Answers as soon as the head has come, before the body. */
  #onHead(count: number): void {
    if (count <= this.#heads) return;
    this.#heads = count;
    const { answers } = this.#script;
    this.#play(answers[(count - 1) % Math.max(1, answers.length)] ?? []);
  }

  #play(steps: readonly Step[]): void {
    this.#run.play(this.#endpoint, steps, (bytes) => {
      const start = this.#sent.length;
      this.#sent += bytes;
      return this.#run.marked(bytes, (at) => ({ connection: this, at: start + at }));
    });
  }

  /** The endpoint has seen an abandoned request too. */
  #noteBegun(): void {
    const begun = this.#begun();
    if (begun !== null) this.requests.push(begun);
  }
}

function marksIn(text: string): string[] {
  return text.match(/~[0-9a-z]{8}~/g) ?? [];
}

function call(what: () => void): void {
  what();
}

import assert from 'node:assert/strict';
import type { EndpointState } from '../../src/core/endpoint.ts';
import type { RetrySpec } from '../../src/core/route-spec.ts';
import type { EndedExchange } from '../../src/core/exchange.ts';
import { Http2Arrived } from '../exchange/http2-endpoint.ts';
import { after } from '../../src/core/time.ts';
import type { TransportFaults } from '../../src/testing/memory-transport.ts';
import type { SemaphoreHandle } from '../../src/core/semaphores.ts';
import { SharedCounts } from '../../src/limits/shared-counts.ts';
import { WorkerSemaphores } from '../../src/limits/worker-semaphores.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { Http1World } from '../exchange/http1-world.ts';
import type { ArrivedRequest, ClientActor } from '../exchange/world.ts';
import {
  drawRetry,
  isHedged,
  upstreamAttemptsMax,
  verifyHedge,
  verifyRetries,
  verifyRetryBudget,
} from './retry-laws.ts';

/**
 * A busy hour of a gateway in simulated time: clients, endpoints and the network behave at random, and the promises of
 * the exchange still hold. The same seed gives the same hour.
 */
interface SimulationSummary {
  readonly seed: string;
  readonly exchanges: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly causes: Readonly<Record<string, number>>;
  /** Answers that had begun, and were replaced by another attempt's. */
  readonly replaced: number;
  /** Exchanges with two attempts at the same time. */
  readonly hedged: number;
}

const usualMethods = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT'];

/** Only GETs and HEADs are hedged, and only when some dozen of them have shown how long they take. */
const mostlySafeMethods = ['GET', 'GET', 'GET', 'GET', 'GET', 'HEAD', 'HEAD', 'POST'];

const sharedSizes = { workersMax: 1, endpointsMax: 3, addressesMax: 16 };

/** No exchange may take longer: a generous sum of all timeouts that can follow one another. */
const exchangeMsMax = 120_000;

interface Sent {
  readonly key: string;
  readonly method: string;
  readonly client: ClientActor;
}

/** The answer of an endpoint is a function of the request's key, so that mixed bytes are noticed. */
function bodyFor(key: string, bytes: number): Buffer {
  const made = Buffer.alloc(bytes);
  new SeededRandom(`content ${key}`).fill(made);
  return made;
}

/** What clients or endpoints speak. */
export type Protocol = 'http/1.1' | 'h2';

/** What the `retry` of the route has: figures that the seed draws, perhaps with `hedge: true`; null: there is none. */
export type SimulatedRetries = 'retries' | 'hedges' | null;

export function simulate(
  seed: string,
  exchanges: number,
  endpoints: Protocol = 'http/1.1',
  retries: SimulatedRetries = null,
  clients: Protocol = 'http/1.1',
): SimulationSummary {
  try {
    return new Simulation(seed, endpoints, retries, clients).run(exchanges);
  } catch (error) {
    throw new Error(
      `seed ${seed} fails; again: npm run simulate -- --seed ${seed} --count 1 --exchanges ${exchanges} --endpoints ${endpoints} --retries ${retries ?? 'none'} --clients ${clients}`,
      {
        cause: error,
      },
    );
  }
}

class Simulation {
  readonly #seed: string;
  readonly #random: SeededRandom;
  readonly #clock = new SimulatedClock();
  readonly #world: Http1World;
  readonly #shared = new SharedCounts(sharedSizes, this.#clock, new SeededRandom('table'));
  readonly #semaphores = new Map<string, SemaphoreHandle>();
  readonly #sent = new Map<string, Sent>();
  /** Requests that reached an endpoint, by key. */
  readonly #arrivals = new Map<string, ArrivedRequest[]>();
  /** The intended answers of endpoints. */
  readonly #answers = new Map<ArrivedRequest, Buffer>();
  /** Requests with an Idempotency-Key. */
  readonly #keyed = new Set<string>();
  readonly #names = ['a', 'b', 'c'];
  #replaced = 0;

  /** Null: the route has none. */
  readonly #retry: RetrySpec | null;

  constructor(seed: string, endpoints: Protocol, retries: SimulatedRetries, clients: Protocol) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    const network = this.#random.fork('network');
    const holding = this.#random.fork('holding');
    this.#retry = retries === null ? null : drawRetry(this.#random.fork('retry'), retries === 'hedges');
    this.#world = new Http1World(
      {
        ...(this.#retry === null ? {} : { retry: this.#retry }),
        endpoints: this.#names,
        attemptsMax: upstreamAttemptsMax,
        connectionsMax: this.#random.fork('places').pick([4, 20, 20, 20]),
        application: 'shop',
        endpointWindowBytes: 8192,
        commitDelayMs: this.#random.fork('delay').pick([0, 50, 50, 1000]),
        limits: { bodyMs: 4000, headMs: 4000, keepAliveMs: 3000, writeMs: 6000, bodyBytesMax: 200_000 },
        timeouts: { responseHeadMs: 4000, idleMs: 2000, exchangeMs: network.next() < 0.5 ? null : 30_000 },
      },
      {
        pairOptions: (side) => ({
          ...(holding.next() < 0.5 ? { holds: 'first' } : {}),
          windowBytes: network.pick([1024, 8192, 65_536]),
          latencyMs: network.pick([0, 0, 1, 5]),
          ...(network.next() < 0.6
            ? { slices: { random: network.fork(`pieces ${network.next()}`), bytesMax: network.pick([40, 700, 5000]) } }
            : {}),
          faults:
            side === 'client'
              ? { first: faultOf(network), second: faultOf(network) }
              : { first: faultOf(network), second: faultOf(network) },
        }),
        connectMs: () => network.pick([0, 1, 1, 20, 300, 1500]),
        connectFault: () =>
          network.next() < 0.03 ? network.pick(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'EMFILE']) : null,
        endpoints,
        clients,
        queueMax: this.#random.fork('queue').pick([0, 10, 40]),
        semaphores: new WorkerSemaphores(this.#shared.memory, this.#shared.claimWorkerIndex() ?? 0, this.#clock),
        semaphoresOf: (id) => this.#semaphoresOf(id),
      },
      this.#clock,
    );
    for (const name of this.#names) this.#world.endpoint(name).onRequest = (request) => this.#onArrived(request);
  }

  #semaphoresOf(id: string): SemaphoreHandle {
    const handle = this.#semaphores.get(id) ?? this.#shared.allocate(id) ?? assert.fail('the table has room');
    this.#semaphores.set(id, handle);
    return handle;
  }

  run(exchanges: number): SimulationSummary {
    const when = this.#random.fork('when');
    for (let n = 0; n < exchanges; n++) {
      this.#soon(when.integer(exchanges * 15), () => this.#request(n));
    }
    for (let n = 0; n < exchanges / 20; n++) this.#soon(when.integer(exchanges * 15), () => this.#changeEndpoint());
    this.#world.pass(exchanges * 15);
    for (const name of this.#names) this.#world.endpoint(name).setState('healthy');
    this.#world.pass(exchangeMsMax);
    // A client that has not read so far reads now, to see how its answer ended.
    for (const { client } of this.#sent.values()) client.readOn();
    this.#world.pass(exchangeMsMax);
    this.#verify();
    return this.#summary();
  }

  #soon(ms: number, what: () => void): void {
    this.#clock.schedule(after(this.#clock.now(), ms), call, what);
  }

  // Clients.

  #request(n: number): void {
    const random = this.#random.fork(`request ${n}`);
    const key = `${n}`;
    const methods = this.#retry?.hedge === true ? mostlySafeMethods : usualMethods;
    const method = random.pick(methods);
    const bytes = random.pick([0, 10, 1000, 30_000, 150_000, 250_000]);
    const target = `/${key}?n=${bytes}`;
    const connection = random.next() < 0.5 ? { connection: `line ${random.integer(12)}` } : {};
    if (connection.connection !== undefined) this.#forgetEnded(connection.connection);
    if (method === 'GET' || method === 'HEAD') {
      return this.#note({ key, method, client: this.#world.request({ method, target }, connection) }, random);
    }
    this.#upload(key, method, target, random);
  }

  /** A connection that has ended, or takes no more requests, is opened again. */
  #forgetEnded(name: string): void {
    const { lines, http2Lines } = this.#world;
    const line = lines.get(name);
    if (line?.closed === true || line?.transport.closed === true) lines.delete(name);
    const http2 = http2Lines.get(name);
    if (http2 === undefined) return;
    if (http2.closed || http2.transport.closed || http2.goAways.length > 0) http2Lines.delete(name);
  }

  #upload(key: string, method: string, target: string, random: SeededRandom): void {
    const body = bodyFor(`up ${key}`, random.pick([0, 5, 2000, 60_000, 220_000]));
    const expectation = random.next() < 0.2 ? { Expect: '100-continue' } : {};
    const hasKey = this.#retry !== null && random.next() < 0.4;
    if (hasKey) this.#keyed.add(key);
    const headers = { ...expectation, ...(hasKey ? { 'Idempotency-Key': `"${key}"` } : {}) };
    if (random.next() < 0.4) {
      return this.#note({ key, method, client: this.#world.request({ method, target, body, headers }) }, random);
    }
    const expects = random.next() < 0.5 || body.length === 0 ? ('chunked' as const) : body.length;
    const client = this.#world.request({ method, target, expects, headers });
    this.#note({ key, method, client }, random);
    const slices = 1 + random.integer(5);
    const stopsAt = random.next() < 0.15 ? random.integer(slices) : slices;
    const step = Math.ceil(body.length / slices);
    let due = 0;
    for (let piece = 0; piece < stopsAt; piece++) {
      due += random.pick([0, 1, 50, 500]);
      const part = body.subarray(piece * step, (piece + 1) * step);
      this.#soon(due, () => {
        if (client.state === 'open' && part.length > 0) client.write(part);
        if (client.state === 'open' && piece === slices - 1) client.end(random.next() < 0.5 ? { 'X-Sum': key } : {});
      });
    }
  }

  #note(sent: Sent, random: SeededRandom): void {
    const { client, key } = sent;
    this.#sent.set(key, sent);
    if (random.next() < 0.12) this.#soon(random.integer(3000), () => client.leave());
    if (random.next() < 0.2) {
      this.#soon(random.integer(100), () => client.stopReading());
      if (random.next() < 0.8) this.#soon(100 + random.integer(8000), () => client.readOn());
    }
  }

  // Endpoints.

  #onArrived(request: ArrivedRequest): void {
    const [, key = '', bytes = '0'] = /^\/(\d+)\?n=(\d+)$/.exec(request.target) ?? [];
    const arrivals = this.#arrivals.get(key) ?? [];
    arrivals.push(request);
    this.#arrivals.set(key, arrivals);
    const random = this.#random.fork(`arrival ${key} ${arrivals.length}`);
    const answer = bodyFor(`down ${key} ${arrivals.length}`, Number(bytes));
    if (random.next() < 0.15) {
      this.#soon(random.integer(500), () => request.stopReading());
      if (random.next() < 0.7) this.#soon(500 + random.integer(4000), () => request.readOn());
    }
    const thinksMs = random.pick([0, 0, 1, 10, 200, 3000, 6000]);
    const early = random.next() < 0.15;
    this.#soon(thinksMs, () => this.#answerWhenWhole(request, answer, early ? 0 : 500, random));
  }

  #answerWhenWhole(request: ArrivedRequest, answer: Buffer, looks: number, random: SeededRandom): void {
    if (request.gone) return;
    if (request.whole || looks === 0) return this.#answer(request, answer, random);
    this.#soon(20, () => this.#answerWhenWhole(request, answer, looks - 1, random));
  }

  #answer(request: ArrivedRequest, answer: Buffer, random: SeededRandom): void {
    const chance = random.next();
    if (chance < 0.04) return request.breakOff(random.pick(['closed', 'reset']));
    if (chance < 0.08 && request instanceof Http2Arrived) return this.#breakStream(request, random);
    if (chance < 0.06) return request.raw('SSH-2.0-OpenSSH_9.6\r\n');
    if (chance < 0.08) return request.raw('HTTP/1.1 200 OK\r\nContent-Le');
    if (chance < 0.1) return; // Never.
    if (chance < 0.2) request.inform(random.pick([100, 103]), { Link: '</x.css>' });
    this.#answers.set(request, answer);
    const status = random.pick([200, 200, 200, 500, 204, 304, 503]);
    if (status === 204 || status === 304 || request.method === 'HEAD') {
      this.#answers.set(request, Buffer.alloc(0));
      if (request instanceof Http2Arrived) return request.answer(status, request.method === 'HEAD' ? answer : '');
      const length = request.method === 'HEAD' ? `Content-Length: ${answer.length}\r\n` : '';
      return request.raw(`HTTP/1.1 ${status} Fine\r\n${length}\r\n`);
    }
    if (random.next() < 0.4) return request.answer(status, answer);
    this.#dribble(request, status, answer, random);
  }

  /** What an endpoint can do to a stream and its connection in HTTP/2 alone. */
  #breakStream(request: Http2Arrived, random: SeededRandom): void {
    const { session } = request.line;
    const what = random.integer(3);
    if (what === 0) return request.reset(random.pick(['INTERNAL_ERROR', 'NO_ERROR', 'CANCEL', 'ENHANCE_YOUR_CALM']));
    if (what === 1) session.announceGoAway();
    else request.breakOff('reset');
  }

  #dribble(request: ArrivedRequest, status: number, answer: Buffer, random: SeededRandom): void {
    const unknown = random.next() < 0.5;
    request.head(status, unknown ? null : answer.length);
    const slices = 1 + random.integer(6);
    const step = Math.ceil(answer.length / slices);
    const stopsAt = random.next() < 0.15 ? random.integer(slices) : slices;
    const cut = stopsAt < slices ? random.pick(['closed', 'reset', null] as const) : null;
    let due = 0;
    for (let piece = 0; piece < stopsAt; piece++) {
      due += random.pick([0, 0, 5, 300]);
      const part = answer.subarray(piece * step, (piece + 1) * step);
      this.#soon(due, () => {
        if (part.length > 0) request.write(part);
        if (piece === slices - 1 && unknown) request.end(random.next() < 0.3 ? { 'X-Done': '1' } : {});
      });
    }
    if (cut !== null) this.#soon(due + 1, () => request.breakOff(cut));
  }

  #changeEndpoint(): void {
    const endpoint = this.#world.endpoint(this.#random.pick(this.#names));
    const what = this.#random.integer(6);
    if (what === 0) endpoint.die(this.#random.pick(['closed', 'reset']));
    else if (what === 1) endpoint.accepts = this.#random.pick(['yes', 'refuses', 'never']);
    else if (what === 2) endpoint.accepts = 'yes';
    else {
      const state: EndpointState = this.#random.pick(['healthy', 'healthy', 'unhealthy', 'draining']);
      const exit = { atInstant: this.#clock.now(), code: 1, signal: null, outOfMemory: false, lastLine: 'boom' };
      endpoint.setState(state, this.#random.next() < 0.3 ? exit : null);
    }
  }

  // The promises.

  #verify(): void {
    this.#world.verifyAtRest();
    const semaphores = [...this.#semaphores.values()].reduce(
      (sum, handle) => sum + this.#shared.countsAt(handle).connections,
      0,
    );
    assert.equal(
      semaphores,
      this.#world.counts.upstreamConnections,
      'each connection has its permit, and there are no others',
    );
    assert.equal(this.#world.counts.clientConnections, 0, 'no connection of a client outlives its limits');
    const recorded = new Map<string, EndedExchange>();
    for (const record of this.#world.records) {
      const key = record.target.slice(1).split('?')[0] ?? '';
      assert.equal(recorded.has(key), false, `request ${key} is one exchange`);
      recorded.set(key, record);
      assert.ok(
        record.endedAt - record.startedAt <= 60_000,
        `request ${key} takes ${record.endedAt - record.startedAt} ms`,
      );
    }
    if (this.#retry !== null) verifyRetryBudget(this.#world.records);
    for (const sent of this.#sent.values()) this.#verifyOne(sent, recorded.get(sent.key) ?? null);
  }

  #verifyOne({ key, method, client }: Sent, record: EndedExchange | null): void {
    const arrived = this.#arrivals.get(key) ?? [];
    const mayRepeat = this.#retry?.idempotencyKey === true && this.#keyed.has(key);
    if (method === 'POST' && !mayRepeat) {
      assert.ok(arrived.length <= 1, `POST ${key} arrives once, not ${arrived.length} times`);
    }
    for (const request of arrived) this.#verifyUpload(key, request);
    if (record === null) return assert.equal(client.status, 0, `request ${key} is answered, so it is recorded`);
    assert.notEqual(client.state, 'open', `the connection of client ${key} has ended`);
    if (this.#retry !== null) verifyRetries(key, arrived.length, record, this.#retry);
    if (isHedged(record)) verifyHedge(key, method, record, this.#retry);
    const last = this.#answeredOf(arrived, client, record);
    const answer = last === undefined ? undefined : this.#answers.get(last);
    if (record.endKind === 'forwarded') {
      assert.equal(record.bytesToClient, answer?.length ?? 0, `record ${key} counts the bytes`);
    }
    const ours = /; ?error=/.test(client.header('proxy-status') ?? '');
    if (client.status > 0 && record.statusReceived > 0 && !ours) {
      const whole = answer ?? Buffer.alloc(0);
      assert.equal(client.body.equals(whole.subarray(0, client.body.length)), true, `client ${key} gets its own bytes`);
      if (client.state === 'whole')
        assert.equal(client.body.length, whole.length, `client ${key} gets all of its bytes`);
    }
    if (record.endKind === 'truncated')
      assert.notEqual(client.state, 'whole', `client ${key} does not take a truncated response for complete`);
    if (arrived.length > 0) assert.notEqual(record.delivery, 'not_sent', `request ${key} arrived, so it was sent`);
    if (record.endKind === 'generated') assert.notEqual(record.failure, null, `request ${key} has its reason`);
    this.#verifyNothingLeaked(key, client, record, ours);
  }

  /**
   * Whose answer the client was given: a request may have arrived several times, and what was sent earlier may arrive later. A client that
   * has left, and one that got a 304, have no body to tell by: then the record's count tells.
   */
  #answeredOf(
    arrived: readonly ArrivedRequest[],
    client: ClientActor,
    record: EndedExchange,
  ): ArrivedRequest | undefined {
    const got = client.body;
    const answered = arrived.filter((request) => this.#answers.has(request));
    const length = (request: ArrivedRequest): number | undefined => this.#answers.get(request)?.length;
    const fitting = answered.filter(
      (request) => this.#answers.get(request)?.subarray(0, got.length).equals(got) === true,
    );
    const counted =
      record.endKind === 'forwarded' ? fitting.findLast((one) => length(one) === record.bytesToClient) : undefined;
    const whole = fitting.findLast((one) => length(one) === got.length);
    const begun = got.length > 0 ? fitting.at(-1) : undefined;
    return counted ?? whole ?? begun ?? answered.at(-1) ?? arrived.at(-1);
  }

  /** The client has seen no byte of an answer that another attempt's answer, or the gateway's own, has replaced. */
  #verifyNothingLeaked(key: string, client: ClientActor, record: EndedExchange, ours: boolean): void {
    const arrived = this.#arrivals.get(key) ?? [];
    const last = this.#answeredOf(arrived, client, record);
    const replaced = ours ? arrived : arrived.filter((request) => request !== last);
    for (const request of replaced) {
      const first = this.#answers.get(request)?.subarray(0, 8);
      if (first?.length !== 8) continue;
      assert.equal(client.body.includes(first), false, `client ${key} sees no replaced answer`);
    }
    for (const { status, retry } of record.attempts) if (status > 0 && retry) this.#replaced++;
  }

  #verifyUpload(key: string, request: ArrivedRequest): void {
    const { body } = request;
    const meant = bodyFor(`up ${key}`, body.length);
    assert.equal(body.equals(meant), true, `endpoint gets only the bytes of ${key}`);
  }

  #summary(): SimulationSummary {
    const ends: Record<string, number> = {};
    const causes: Record<string, number> = {};
    for (const { endKind: end, failure } of this.#world.records) {
      ends[end] = (ends[end] ?? 0) + 1;
      const cause = failure?.cause ?? 'none';
      causes[cause] = (causes[cause] ?? 0) + 1;
    }
    const hedged = this.#world.records.filter(isHedged).length;
    return { seed: this.#seed, exchanges: this.#world.records.length, ends, causes, replaced: this.#replaced, hedged };
  }
}

function faultOf(random: SeededRandom): TransportFaults {
  const chance = random.next();
  if (chance < 0.03) return { resetAtByte: random.integer(3000) };
  if (chance < 0.04) return { write: { nth: 1 + random.integer(6), errno: 'EPIPE' } };
  if (chance < 0.05) return { read: { nth: 1 + random.integer(6), errno: 'ECONNRESET' } };
  return {};
}

function call(what: () => void): void {
  what();
}

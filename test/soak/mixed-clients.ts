import { headerOf } from '../../src/testing/raw-response.ts';
import type { SeededRandom } from '../../src/testing/seeded-random.ts';
import { goodBody } from '../../src/testing/torture/faults.ts';
import { LoadConnection, type Outcome, type OutcomeKind } from './load-connection.ts';

/** A client's view of one request. */
export interface Entry {
  /** The id that gateway and origin use: the client's own, or the one in the answer if the gateway has not read the client's. */
  id: string;
  readonly what: string;
  readonly method: string;
  /** `left`: the client has left on purpose. */
  kind: OutcomeKind | 'left' | null;
  status: number | null;
  /** By `performance.now()`. */
  endedAt: number;
  /** Whether a worker ended at about that time; known only afterwards. */
  disturbed: boolean;
  /** An explanation for people, if there is one. */
  note: string;
}

interface MixedOptions {
  readonly random: SeededRandom;
  readonly rate: number;
  readonly port: number;
  readonly faults: readonly string[];
  /** Resolves when the origin has the head of the request with this id. */
  readonly seen: (id: string) => Promise<unknown>;
}

/** Longer than any limit of the gateway under test. */
const timeoutMs = 20_000;
const keptMax = 32;
const keptMsMax = 3000;

/** The address of requests to unusable endpoints. */
const badPlaces = ['/refused', '/unanswered', '/close-at-accept', '/talks-first', '/maintenance', '/nowhere'];

/**
 * Random clients of every kind: some request a good page, a fault of the origin, or an unusable endpoint; some leave at
 * once, within their upload or within a download; some send or read slowly.
 */
export class MixedClients {
  readonly entries: Entry[] = [];
  readonly #options: MixedOptions;
  readonly #kept: LoadConnection[] = [];
  #underWay = 0;
  #begun = 0;
  #count = 0;
  #startedAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #idle = Promise.withResolvers<void>();

  constructor(options: MixedOptions) {
    this.#options = options;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#begun = 0;
    this.#sendDue();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#idle = Promise.withResolvers<void>();
    if (this.#underWay > 0) await this.#idle.promise;
    for (const connection of this.#kept.splice(0)) connection.close();
  }

  #sendDue(): void {
    const due = Math.floor(((performance.now() - this.#startedAt) / 1000) * this.#options.rate);
    for (; this.#begun < due; this.#begun++) void this.#one();
    this.#timer = setTimeout(() => this.#sendDue(), 5);
  }

  async #one(): Promise<void> {
    this.#underWay++;
    await this.#draw();
    this.#underWay--;
    if (this.#underWay === 0) this.#idle.resolve();
  }

  #draw(): Promise<void> {
    const { random, faults } = this.#options;
    const lot = random.integer(100);
    const post = random.integer(3) === 0;
    if (lot < 38)
      return this.#askWell(random.pick(['/ok', '/fault/good', '/bytes/3000', '/bytes/200000', '/slow/100']));
    if (lot < 46) return this.#ask('echo', 'POST', '/echo', random.pick([1, 2000, 70_000]));
    if (lot < 78) return this.#ask('fault', post ? 'POST' : 'GET', `/fault/${random.pick(faults)}`, post ? 2000 : 0);
    if (lot < 84) return this.#ask('bad place', post ? 'POST' : 'GET', random.pick(badPlaces), post ? 100 : 0);
    if (lot < 88) return this.#leaveEarly(random.pick(['/slow/30000', '/fault/silent']));
    if (lot < 91) return this.#leaveWithinDownload();
    if (lot < 94) return this.#leaveWithinUpload();
    if (lot < 96) return this.#sendHeadSlowly();
    if (lot < 98) return this.#sendBodySlowly();
    return this.#readSlowly();
  }

  #askWell(target: string): Promise<void> {
    return this.#ask('good', this.#options.random.integer(10) === 0 ? 'HEAD' : 'GET', target, 0);
  }

  async #ask(what: string, method: string, target: string, bodyBytes: number): Promise<void> {
    const { random } = this.#options;
    const kept = random.integer(2) === 0;
    const entry = this.#begin(`${what} ${target}`, method);
    const connection = (kept ? this.#takeKept() : null) ?? this.#connect();
    const body = Buffer.alloc(bodyBytes, entry.id);
    const headers = [
      ...(bodyBytes > 0 ? [`Content-Length: ${bodyBytes}`] : []),
      ...(kept ? [] : ['Connection: close']),
    ];
    const outcome = await connection.ask({
      method,
      bytes: Buffer.concat([headOf(entry, target, headers), body]),
      timeoutMs,
    });
    this.#end(entry, outcome);
    const got = outcome.response?.body;
    if (entry.kind === 'answered' && entry.status === 200) {
      const wanted =
        target === '/echo' ? body : target === '/fault/good' && method === 'GET' ? goodBody(entry.id) : null;
      if (wanted !== null && got?.equals(Buffer.from(wanted)) !== true) this.#wrong(entry, 'the body is another');
    }
    if (kept && connection.isIdle && this.#kept.length < keptMax) this.#kept.push(connection);
    else connection.close();
  }

  /** The client leaves when the origin has its request, which is not answered for a long time. */
  async #leaveEarly(target: string): Promise<void> {
    const entry = this.#begin(`leaves ${target}`, 'GET');
    const connection = this.#connect();
    const answer = connection.ask({ method: 'GET', bytes: headOf(entry, target), timeoutMs });
    const first = await Promise.race([answer, this.#options.seen(entry.id).then(() => null)]);
    await this.#leave(entry, connection, first ?? answer);
  }

  async #leaveWithinDownload(): Promise<void> {
    const entry = this.#begin('leaves within a download', 'GET');
    const connection = this.#connect();
    // Far more than all buffers on the way hold, so that the transfer meets the end of the client.
    const answer = connection.ask({ method: 'GET', bytes: headOf(entry, '/bytes/50000000'), timeoutMs });
    const begun = new Promise<null>((resolve) => connection.socket.once('data', () => resolve(null)));
    const first = await Promise.race([answer, begun]);
    await this.#leave(entry, connection, first ?? answer);
  }

  async #leaveWithinUpload(): Promise<void> {
    const entry = this.#begin('leaves within an upload', 'POST');
    const connection = this.#connect();
    const bytes = Buffer.concat([headOf(entry, '/echo', ['Content-Length: 50000']), Buffer.alloc(1000, 'x')]);
    const answer = connection.ask({ method: 'POST', bytes, timeoutMs });
    const first = await Promise.race([answer, this.#options.seen(entry.id).then(() => null)]);
    await this.#leave(entry, connection, first ?? answer);
  }

  /** Unless the answer, or an error, came first. */
  async #leave(entry: Entry, connection: LoadConnection, answer: Outcome | Promise<Outcome>): Promise<void> {
    connection.close('reset');
    if (!(answer instanceof Promise)) return this.#end(entry, answer);
    const outcome = await answer;
    if (outcome.kind === 'answered') return this.#end(entry, outcome);
    entry.kind = 'left';
    entry.endedAt = performance.now();
  }

  async #sendHeadSlowly(): Promise<void> {
    await this.#drip('slow head', 'GET', Buffer.from('GET /ok HTTP/1.1\r\nHost: mixed.test\r\n'), 'X-A: b\r\n');
  }

  /** Ten bytes a second; or one slice, and then nothing. */
  async #sendBodySlowly(): Promise<void> {
    const entry = this.#begin('slow content', 'POST');
    const drips = this.#options.random.integer(2) === 0;
    await this.#dripOf(entry, headOf(entry, '/echo', [`Content-Length: ${drips ? 100 : 5000}`]), drips ? 'x' : '');
  }

  /** The id of the head never reaches the gateway: the answer has the id that the gateway has chosen. */
  #drip(what: string, method: string, bytes: Buffer, part: string): Promise<void> {
    return this.#dripOf(this.#begin(what, method), bytes, part);
  }

  async #dripOf(entry: Entry, bytes: Buffer, part: string): Promise<void> {
    const connection = this.#connect();
    const timer = setInterval(() => {
      if (part !== '' && connection.socket.writable) connection.socket.write(part);
    }, 100);
    connection.socket.once('close', () => clearInterval(timer));
    const outcome = await connection.ask({ method: entry.method, bytes, timeoutMs });
    clearInterval(timer);
    connection.close();
    this.#end(entry, outcome);
  }

  async #readSlowly(): Promise<void> {
    const entry = this.#begin('slow reader', 'GET');
    const connection = this.#connect();
    const { socket } = connection;
    socket.on('data', () => {
      socket.pause();
      setTimeout(() => socket.resume(), 20);
    });
    const outcome = await connection.ask({ method: 'GET', bytes: headOf(entry, '/bytes/2000000'), timeoutMs });
    connection.close();
    this.#end(entry, outcome);
  }

  #begin(what: string, method: string): Entry {
    const entry: Entry = {
      id: `m${++this.#count}`,
      what,
      method,
      kind: null,
      status: null,
      endedAt: Number.NaN,
      disturbed: false,
      note: '',
    };
    this.entries.push(entry);
    return entry;
  }

  #end(entry: Entry, { kind, response, end, errno, tookMs }: Outcome): void {
    entry.kind = kind;
    entry.status = response?.status ?? null;
    entry.endedAt = performance.now();
    entry.id = (response === null ? null : headerOf(response, 'x-request-id')) ?? entry.id;
    if (kind !== 'answered') entry.note = [kind, entry.status, end, errno, `after ${tookMs.toFixed(0)} ms`].join(', ');
  }

  #wrong(entry: Entry, note: string): void {
    entry.kind = 'wrong';
    entry.note = note;
  }

  #connect(): LoadConnection {
    return new LoadConnection({ host: '127.0.0.1', port: this.#options.port });
  }

  #takeKept(): LoadConnection | null {
    for (;;) {
      const connection = this.#kept.shift();
      if (connection === undefined) return null;
      if (connection.isIdle && performance.now() - connection.idleSince < keptMsMax) return connection;
      connection.close();
    }
  }
}

function headOf({ id, method }: Entry, target: string, headers: readonly string[] = []): Buffer {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: mixed.test',
    `X-Request-Id: ${id}`,
    `X-Fault-Id: ${id}`,
    'Accept: application/json',
    ...headers,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

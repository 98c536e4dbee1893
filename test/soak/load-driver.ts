import type { SeededRandom } from '../../src/testing/seeded-random.ts';
import { bodyFor } from './counting-origin.ts';
import { LoadConnection, type Outcome, type OutcomeKind, type LoadTarget } from './load-connection.ts';

/** One request as it was sent. A retry is an entry of its own. */
export interface Sent {
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** The change in progress when the answer came, or failed to come. */
  phase: string;
  kind: OutcomeKind | null;
  status: number | null;
  reused: boolean;
  /** The client's own port. */
  tookMs: number;
  /** The retry of a GET whose used connection had ended before a byte of the answer (RFC 9112 §9.3.1). */
  readonly repeats: boolean;
  /** This request was retried for that reason; the retry has the result. */
  raced: boolean;
  /** An explanation for people, if the request was not answered as expected. */
  note: string;
}

interface LoadOptions {
  readonly random: SeededRandom;
  /** Per second, whatever their results (open loop). */
  readonly rate: number;
  /** The possible addresses at this moment; one of them is drawn for each request. */
  readonly targets: () => readonly LoadTarget[];
  /** The change in progress at this moment. */
  readonly phase: () => string;
  /** Percentages: requests on kept connections, and POSTs. */
  readonly keptPercent?: number;
  /** The target; without it a mixture of quick answers, slow ones and downloads. */
  readonly target?: (random: SeededRandom) => string;
  readonly postPercent?: number;
}

/** An answer of this origin comes within three seconds. A client that waits longer has been forgotten. */
const timeoutMs = 20_000;

/** The client closes connections that were idle for longer, as browsers do, before the other side's limit. */
const keptMsMax = 10_000;

const everyMs = 2;

/** The number of kept connections: enough that each worker has some at any time. */
const keptMax = 64;

/**
 * Sends so many requests each second, whether earlier ones have been answered or not: on kept connections (GET and
 * POST) and on new ones with `Connection: close`. Each request has an id, and is kept with its result.
 */
export class LoadDriver {
  readonly sent: Sent[] = [];
  readonly #options: LoadOptions;
  readonly #kept = new Map<string, LoadConnection[]>();
  /** The largest delay between planned and actual sending. Beyond a second the machine is too busy for a result. */
  lateMsMax = 0;
  #begun = 0;
  #dueAt = 0;
  #underWay = 0;
  #timer: NodeJS.Timeout | null = null;
  #startedAt = 0;
  #idle = Promise.withResolvers<void>();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#begun = 0;
    this.#dueAt = this.#startedAt;
    this.#sendDue();
  }

  /** Sends no more requests, and resolves when all have ended. Kept connections stay open. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#idle = Promise.withResolvers<void>();
    if (this.#underWay > 0) await this.#idle.promise;
  }

  closeConnections(): void {
    for (const connections of this.#kept.values()) for (const connection of connections) connection.close();
    this.#kept.clear();
  }

  get underWay(): number {
    return this.#underWay;
  }

  #sendDue(): void {
    const due = Math.floor(rampedSeconds((performance.now() - this.#startedAt) / 1000) * this.#options.rate);
    this.lateMsMax = Math.max(this.lateMsMax, performance.now() - this.#dueAt);
    for (; this.#begun < due; this.#begun++) void this.#send();
    this.#dueAt = performance.now() + everyMs;
    this.#timer = setTimeout(() => this.#sendDue(), everyMs);
  }

  async #send(): Promise<void> {
    const { random, targets: ways, keptPercent = 65, postPercent = 30 } = this.#options;
    const id = `r${this.sent.length + 1}.${random.seed.replace(/[^\w-]/g, '_')}`;
    const method = random.integer(100) < postPercent ? 'POST' : 'GET';
    const kept = random.integer(100) < keptPercent;
    const target = (this.#options.target ?? drawTarget)(random);
    const body = method === 'POST' ? Buffer.alloc(random.pick([1, 300, 20_000]), id) : null;
    const way = random.pick(ways());
    this.#underWay++;
    const first = await this.#exchange({ id, method, target, body, way, kept, repeats: false });
    if (first.raced) await this.#exchange({ id: `${id}.again`, method, target, body, way, kept: false, repeats: true });
    this.#underWay--;
    if (this.#underWay === 0) this.#idle.resolve();
  }

  async #exchange(request: Planned): Promise<Sent> {
    const { id, method, way, kept, repeats } = request;
    const sent: Sent = {
      id,
      method,
      phase: '',
      kind: null,
      status: null,
      reused: false,
      tookMs: 0,
      repeats,
      raced: false,
      note: '',
    };
    this.sent.push(sent);
    const connection = (kept ? this.#takeKept(way) : null) ?? new LoadConnection(way);
    const outcome = await connection.ask({ method, bytes: bytesOf(request), timeoutMs });
    this.#note(sent, request, outcome);
    if (kept && connection.isIdle) this.#keep(way, connection);
    else connection.close();
    return sent;
  }

  #note(sent: Sent, { id, method, target, body }: Planned, outcome: Outcome): void {
    const { kind, response, end, errno, reused, tookMs } = outcome;
    Object.assign(sent, { kind, status: response?.status ?? null, reused, tookMs, phase: this.#options.phase() });
    sent.raced = kind === 'lost' && reused && method === 'GET';
    if (kind === 'answered' && response?.status === 200) {
      const wanted = bodyFor(id, Number(target.split('/')[2]), body?.length ?? 0);
      if (!response.body.equals(wanted)) sent.kind = 'wrong';
    }
    if (sent.kind === 'answered' && sent.status === 200) return;
    const what = [sent.kind, sent.status, end, errno, reused ? 'on a used connection' : 'on a new connection'];
    const at = new Date().toISOString().slice(11, 23);
    sent.note = `${at} ${method} ${target} ${id}: ${what.filter((word) => word !== null).join(', ')}, after ${tookMs.toFixed(0)} ms`;
    if (response !== null && sent.status !== 200) sent.note += `: ${response.body.toString('latin1').slice(0, 300)}`;
  }

  #takeKept(way: LoadTarget): LoadConnection | null {
    const connections = this.#kept.get(keyOf(way)) ?? [];
    const usable = connections.filter((connection) => {
      const use = connection.isIdle && performance.now() - connection.idleSince < keptMsMax;
      if (!use) connection.close();
      return use;
    });
    // The oldest first: each connection stays idle for about as long as the others.
    const connection = usable.shift() ?? null;
    this.#kept.set(keyOf(way), usable);
    return connection;
  }

  #keep(way: LoadTarget, connection: LoadConnection): void {
    const connections = this.#kept.get(keyOf(way)) ?? [];
    if (connections.length >= keptMax) return connection.close();
    connections.push(connection);
    this.#kept.set(keyOf(way), connections);
  }
}

/** A new process compiles its code while it runs: the rate rises to its full height in this time. */
const rampS = 4;

function rampedSeconds(seconds: number): number {
  return seconds < rampS ? seconds ** 2 / (2 * rampS) : seconds - rampS / 2;
}

interface Planned {
  readonly id: string;
  readonly method: 'GET' | 'POST';
  readonly target: string;
  readonly body: Buffer | null;
  readonly way: LoadTarget;
  readonly kept: boolean;
  readonly repeats: boolean;
}

function keyOf({ host, port, from = '' }: LoadTarget): string {
  return `${from}>${host}:${port}`;
}

/** Most are answered at once. Some take as long as a database query, and a few are downloads that any change meets in flight. */
function drawTarget(random: SeededRandom): string {
  const draw = random.integer(100);
  if (draw < 80) return `/w/${random.pick([20, 500, 5000])}/0`;
  if (draw < 97) return `/w/${random.pick([20, 500])}/${20 + random.integer(180)}`;
  return `/d/100000/${500 + random.integer(1500)}`;
}

function bytesOf({ id, method, target, body, kept }: Planned): Buffer {
  const headers = [`${method} ${target} HTTP/1.1`, 'Host: soak.test', `X-Request-Id: ${id}`];
  if (body !== null) headers.push(`Content-Length: ${body.length}`);
  if (!kept) headers.push('Connection: close');
  return Buffer.concat([Buffer.from(`${headers.join('\r\n')}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)]);
}

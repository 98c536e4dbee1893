import type { SeededRandom } from '../../src/testing/seeded-random.ts';
import { contentFor } from './counting-origin.ts';
import { LoadConnection, type Outcome, type OutcomeKind, type LoadTarget } from './load-connection.ts';

/** One request as it was sent. A repetition is an entry of its own. */
export interface Sent {
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** What was going on when the answer came, or failed to. */
  phase: string;
  kind: OutcomeKind | null;
  status: number | null;
  reused: boolean;
  /** The client's own port. */
  tookMs: number;
  /** Repeats a GET whose used connection had ended before a byte of the answer (RFC 9112 §9.3.1). */
  readonly repeats: boolean;
  /** That came of it, and it was repeated: the repetition tells what came of it in the end. */
  raced: boolean;
  /** For people, where it was not answered as it should be. */
  note: string;
}

export interface LoadOptions {
  readonly random: SeededRandom;
  /** Per second, whatever comes of them (open loop). */
  readonly rate: number;
  /** Where requests may go at this moment; one of them is drawn. */
  readonly targets: () => readonly LoadTarget[];
  /** What is going on at this moment. */
  readonly phase: () => string;
  /** Of a hundred requests: on kept connections, POSTs. */
  readonly keptPercent?: number;
  /** What is asked for; without it a mixture of quick answers, slow ones and downloads. */
  readonly target?: (random: SeededRandom) => string;
  readonly postPercent?: number;
}

/** An answer of this origin comes within three seconds; a client that waits for longer has been forgotten. */
const timeoutMs = 20_000;

/** Connections that were idle for longer are closed by the client, as browsers do, and never meet the other side's limit. */
const keptMsMax = 10_000;

const everyMs = 2;

/** As many connections are kept: enough that each worker has some at any time. */
const keptMax = 64;

/**
 * Sends so many requests in each second, whether the earlier ones have been answered or not: on connections that are kept
 * (GET and POST) and on new ones that say `Connection: close`. Each has an id of its own, and is kept with what came of it.
 */
export class LoadDriver {
  readonly sent: Sent[] = [];
  readonly #options: LoadOptions;
  readonly #kept = new Map<string, LoadConnection[]>();
  /** How much later than wanted it has come to send, at most: more than a second, and the machine is too busy to say anything. */
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

  /** Sends nothing more, and resolves when everything has come to its end. Kept connections stay open. */
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
    const content = method === 'POST' ? Buffer.alloc(random.pick([1, 300, 20_000]), id) : null;
    const way = random.pick(ways());
    this.#underWay++;
    const first = await this.#exchange({ id, method, target, content, way, kept, repeats: false });
    if (first.raced)
      await this.#exchange({ id: `${id}.again`, method, target, content, way, kept: false, repeats: true });
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

  #note(sent: Sent, { id, method, target, content }: Planned, outcome: Outcome): void {
    const { kind, response, end, errno, reused, tookMs } = outcome;
    Object.assign(sent, { kind, status: response?.status ?? null, reused, tookMs, phase: this.#options.phase() });
    sent.raced = kind === 'lost' && reused && method === 'GET';
    if (kind === 'answered' && response?.status === 200) {
      const wanted = contentFor(id, Number(target.split('/')[2]), content?.length ?? 0);
      if (!response.content.equals(wanted)) sent.kind = 'wrong';
    }
    if (sent.kind === 'answered' && sent.status === 200) return;
    const what = [sent.kind, sent.status, end, errno, reused ? 'on a used connection' : 'on a new connection'];
    const at = new Date().toISOString().slice(11, 23);
    sent.note = `${at} ${method} ${target} ${id}: ${what.filter((word) => word !== null).join(', ')}, after ${tookMs.toFixed(0)} ms`;
    if (response !== null && sent.status !== 200) sent.note += `: ${response.content.toString('latin1').slice(0, 300)}`;
  }

  #takeKept(way: LoadTarget): LoadConnection | null {
    const connections = this.#kept.get(keyOf(way)) ?? [];
    const usable = connections.filter((connection) => {
      const use = connection.isIdle && performance.now() - connection.idleSince < keptMsMax;
      if (!use) connection.close();
      return use;
    });
    // The oldest first: each stays idle for about as long as the others.
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

/** A process that has just started compiles what it is asked to do: the rate rises to its full height in this time. */
const rampS = 4;

function rampedSeconds(seconds: number): number {
  return seconds < rampS ? seconds ** 2 / (2 * rampS) : seconds - rampS / 2;
}

interface Planned {
  readonly id: string;
  readonly method: 'GET' | 'POST';
  readonly target: string;
  readonly content: Buffer | null;
  readonly way: LoadTarget;
  readonly kept: boolean;
  readonly repeats: boolean;
}

function keyOf({ host, port, from = '' }: LoadTarget): string {
  return `${from}>${host}:${port}`;
}

/** Most are answered at once; some take as long as a query, and a few are downloads that any change meets on their way. */
function drawTarget(random: SeededRandom): string {
  const draw = random.integer(100);
  if (draw < 80) return `/w/${random.pick([20, 500, 5000])}/0`;
  if (draw < 97) return `/w/${random.pick([20, 500])}/${20 + random.integer(180)}`;
  return `/d/100000/${500 + random.integer(1500)}`;
}

function bytesOf({ id, method, target, content, kept }: Planned): Buffer {
  const fields = [`${method} ${target} HTTP/1.1`, 'Host: soak.test', `X-Request-Id: ${id}`];
  if (content !== null) fields.push(`Content-Length: ${content.length}`);
  if (!kept) fields.push('Connection: close');
  return Buffer.concat([Buffer.from(`${fields.join('\r\n')}\r\n\r\n`, 'latin1'), content ?? Buffer.alloc(0)]);
}

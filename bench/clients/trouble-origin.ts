import type { Socket } from 'node:net';
import type { Fault } from '../../src/testing/fault.ts';
import { OriginConnection, type SeenBody } from '../../src/testing/origin-connection.ts';
import { answer, type OriginRequest, pause, type Script, type Step } from '../../src/testing/origin-script.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { socketError, socketPair } from './memory-sockets.ts';
import { type Profile, troubleMs, troubleStartMs, workMs } from './profiles.ts';
import { clock, noteWork } from './simulated-time.ts';

/**
 * The fault origin behind memory sockets. It counts what comes, and what it executes: twice is twice, unless it honours idempotency keys for
 * that client (those with an even number) and has seen the key.
 */
export class TroubleOrigin {
  readonly #profile: Profile;
  readonly #startedAt = clock.now();
  readonly #random: SeededRandom;
  readonly #quota = new Map<number, number>();
  readonly #executed = new Map<string, number>();
  readonly #keys = new Set<string>();
  readonly #connections = new Set<OriginConnection>();
  /** Requests by tenth of a second, with holes where there were none. */
  readonly perTenth: number[] = [];
  requests = 0;
  /** Connections that it refused: what a client sends in vain, but costs the service nothing. */
  refused = 0;
  readonly #backMs = new Map<number, number>();

  constructor(profile: Profile, seed: string) {
    this.#profile = profile;
    this.#random = new SeededRandom(seed);
  }

  /** Milliseconds since the storm began. */
  get nowMs(): number {
    return clock.now() - this.#startedAt;
  }

  get isInTrouble(): boolean {
    return this.nowMs >= troubleStartMs && this.nowMs < troubleStartMs + troubleMs;
  }

  /** A connection, or the error of one that is refused. */
  connect(done: (error: Error | null, socket: Socket | null) => void): void {
    noteWork();
    if (this.#profile.refuses === true && this.isInTrouble) {
      this.refused++;
      process.nextTick(done, socketError('connect', 'ECONNREFUSED'), null);
      return;
    }
    const [client, origin] = socketPair();
    const held: HeldRequest = { client: null };
    const fault = this.#faultOf(held);
    const connection = new OriginConnection(
      origin,
      clock,
      {
        faultOf: () => fault,
        onRequest: () => {
          this.#count();
          return { bodyBytes: 0, complete: false } satisfies SeenBody;
        },
        onGone: (gone) => {
          this.#connections.delete(gone);
          if (held.client !== null) this.#troubles(held.client, 0);
        },
      },
      null,
    );
    this.#connections.add(connection);
    process.nextTick(done, null, client);
  }

  /** As the system does when a service ends. */
  loseConnections(): void {
    if (this.#profile.refuses === true) for (const connection of this.#connections) connection.retire();
  }

  /**
   * When the service is back for a client: the trouble has ended, and so have the last wait that the service asked the client for and the last
   * request of the trouble that the service held, by its answer or because the client has given it up.
   */
  backMsOf(client: number): number {
    return Math.max(troubleStartMs + troubleMs, this.#backMs.get(client) ?? 0);
  }

  /** Calls that were executed more than once. */
  get executedTwice(): number {
    return [...this.#executed.values()].filter((times) => times > 1).length;
  }

  #count(): void {
    this.requests++;
    const tenth = Math.floor(this.nowMs / 100);
    this.perTenth[tenth] = (this.perTenth[tenth] ?? 0) + 1;
  }

  #faultOf(held: HeldRequest): Fault {
    return {
      name: 'storm',
      does: 'does what the profile says',
      faulty: true,
      begins: 'body',
      script: (request) => this.#answer(request, held),
    };
  }

  #answer({ method, headers }: OriginRequest, held: HeldRequest): Script {
    noteWork();
    const call = headers.get('x-call') ?? '';
    const client = Number(call.split('-')[0]);
    const sinceMs = this.nowMs - troubleStartMs;
    const facts = { client, sinceMs, random: this.#random, quota: this.#quota };
    const trouble = this.isInTrouble ? this.#profile.trouble(facts) : null;
    if (trouble === null || trouble.executes) this.#execute(method, call, client, headers.get('idempotency-key'));
    if (trouble === null) return served();
    this.#troubles(client, trouble.askedWaitMs ?? 0);
    return this.#hold(client, trouble.steps, held);
  }

  *#hold(client: number, steps: readonly Step[], held: HeldRequest): Script {
    held.client = client;
    for (const [at, step] of steps.entries()) {
      this.#troubles(client, 0);
      if (at === steps.length - 1) held.client = null;
      yield step;
    }
  }

  #troubles(client: number, forMs: number): void {
    this.#backMs.set(client, Math.max(this.#backMs.get(client) ?? 0, this.nowMs + forMs));
  }

  #execute(method: string, call: string, client: number, key: string | undefined): void {
    if (method !== 'POST') return;
    if (honoursKeys(client) && key !== undefined) {
      if (this.#keys.has(key)) return;
      this.#keys.add(key);
    }
    this.#executed.set(call, (this.#executed.get(call) ?? 0) + 1);
  }
}

/** The client whose request of the trouble has no answer yet; null: none. */
interface HeldRequest {
  client: number | null;
}

/** In half of the runs. */
export function honoursKeys(client: number): boolean {
  return client % 2 === 0;
}

function* served(): Script {
  yield pause(workMs);
  yield* answer('200 OK', 'done\n');
}

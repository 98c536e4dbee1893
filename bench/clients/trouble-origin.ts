import type { Socket } from 'node:net';
import type { Fault } from '../../src/testing/fault.ts';
import { OriginConnection, type SeenBody } from '../../src/testing/origin-connection.ts';
import { answer, type OriginRequest, pause, type Script } from '../../src/testing/origin-script.ts';
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
  /** When the last wait that it asked for ends; 0: it asked for none. */
  lastWaitEndsAt = 0;

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
    const connection = new OriginConnection(
      origin,
      clock,
      {
        faultOf: () => this.#fault,
        onRequest: () => {
          this.#count();
          return { bodyBytes: 0, complete: false } satisfies SeenBody;
        },
        onGone: (gone) => this.#connections.delete(gone),
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

  /** Calls that were executed more than once. */
  get executedTwice(): number {
    return [...this.#executed.values()].filter((times) => times > 1).length;
  }

  #count(): void {
    this.requests++;
    const tenth = Math.floor(this.nowMs / 100);
    this.perTenth[tenth] = (this.perTenth[tenth] ?? 0) + 1;
  }

  readonly #fault: Fault = {
    name: 'storm',
    does: 'does what the profile says',
    faulty: true,
    begins: 'body',
    script: (request) => this.#answer(request),
  };

  #answer({ method, headers }: OriginRequest): Script {
    noteWork();
    const call = headers.get('x-call') ?? '';
    const client = Number(call.split('-')[0]);
    const sinceMs = this.nowMs - troubleStartMs;
    const facts = { client, sinceMs, random: this.#random, quota: this.#quota };
    const trouble = this.isInTrouble ? this.#profile.trouble(facts) : null;
    if (trouble === null || trouble.executes) this.#execute(method, call, client, headers.get('idempotency-key'));
    if (trouble?.askedWaitMs !== undefined)
      this.lastWaitEndsAt = Math.max(this.lastWaitEndsAt, this.nowMs + trouble.askedWaitMs);
    return trouble?.steps ?? served();
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

/** In half of the runs. */
export function honoursKeys(client: number): boolean {
  return client % 2 === 0;
}

function* served(): Script {
  yield pause(workMs);
  yield* answer('200 OK', 'done\n');
}

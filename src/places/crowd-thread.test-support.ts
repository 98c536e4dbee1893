import { parentPort, workerData } from 'node:worker_threads';
import type { SlotHandle } from '../core/places.ts';
import { systemClock } from '../gateway/system.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { CrowdWorker } from './crowd.test-support.ts';
import type { SharedMemory } from './shared-counts.ts';

/** What a thread of the test is born with. */
export interface CrowdBirth {
  readonly memory: SharedMemory;
  readonly seat: number;
  readonly slot: SlotHandle;
  readonly max: number;
  /** As many words as there are places: whoever uses a place claims one, and must find one that is free. */
  readonly claims: SharedArrayBuffer;
  /** 'crowd': takes and gives back at random for as long as it lives. 'asked': does what it is told to. */
  readonly kind: 'crowd' | 'asked';
}

/** What is asked of a thread of kind 'asked'. */
export type Ask = 'come' | 'end' | 'closeIdle';

/** Its answers: how many places it has, and when, on the clock of all threads. */
export interface Told {
  readonly kind: 'ready' | 'done' | 'served' | 'broken';
  readonly at: number;
}

const birth = workerData as CrowdBirth;
const port = parentPort ?? fail('this runs in a thread');
const claims = new Int32Array(birth.claims);

function fail(why: string): never {
  throw new Error(why);
}

function tell(kind: Told['kind']): void {
  port.postMessage({ kind, at: systemClock.now() } satisfies Told);
}

/** Claims what it has more of, and lets go what it has less of; the claims of all never exceed the places. */
class Claimant extends CrowdWorker {
  #claimed: number[] = [];

  protected override changed(): void {
    while (this.#claimed.length > this.held) Atomics.store(claims, this.#claimed.pop() ?? 0, 0);
    while (this.#claimed.length < this.held) {
      const free = claims.findIndex((_, place) => Atomics.compareExchange(claims, place, 0, birth.seat + 1) === 0);
      if (free < 0) return tell('broken');
      this.#claimed.push(free);
      tellServed();
    }
  }
}

function tellServed(): void {
  if (birth.kind === 'asked') tell('served');
}

const worker = new Claimant(birth.memory, birth.seat, birth.slot, birth.max, systemClock, () => {});
void worker.listen();
tell('ready');

if (birth.kind === 'asked') {
  port.on('message', (ask: Ask) => {
    worker[ask]();
    tell('done');
  });
} else {
  const random = new SeededRandom(`seat ${birth.seat}`);
  const act = (): void => {
    for (let turn = 0; turn < 50; turn++) {
      const chance = random.next();
      if (chance < 0.45 && worker.queue.length < 20) worker.come();
      else if (chance < 0.9) worker.end();
      else if (chance < 0.95) worker.closeIdle();
      else worker.giveUp();
    }
    setImmediate(act);
  };
  act();
}

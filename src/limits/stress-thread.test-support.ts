import { parentPort, workerData } from 'node:worker_threads';
import type { SemaphoreHandle } from '../core/semaphores.ts';
import { systemClock } from '../system/system.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { StressWorker } from './stress.test-support.ts';
import type { SharedMemory } from '../core/shared-memory.ts';

/** What a thread of the test is born with. */
export interface StressWorkerInit {
  readonly memory: SharedMemory;
  readonly workerIndex: number;
  readonly semaphores: SemaphoreHandle;
  readonly max: number;
  /** As many words as there are places: whoever uses a place claims one, and must find one that is free. */
  readonly claims: SharedArrayBuffer;
  /** 'stress': takes and gives back at random for as long as it lives. 'commanded': does what it is told to. */
  readonly kind: 'stress' | 'commanded';
}

/** What is asked of a thread of kind 'commanded'. */
export type StressCommand = 'come' | 'end' | 'closeIdle';

/** Its answers: how many places it has, and when, on the clock of all threads. */
export interface StressReport {
  readonly kind: 'ready' | 'done' | 'served' | 'broken';
  readonly at: number;
}

const init = workerData as StressWorkerInit;
const port = parentPort ?? fail('this runs in a thread');
const claims = new Int32Array(init.claims);

function fail(why: string): never {
  throw new Error(why);
}

function report(kind: StressReport['kind']): void {
  port.postMessage({ kind, at: systemClock.now() } satisfies StressReport);
}

/** Claims what it has more of, and lets go what it has less of; the claims of all never exceed the places. */
class Claimant extends StressWorker {
  #claimed: number[] = [];

  protected override changed(): void {
    while (this.#claimed.length > this.held) Atomics.store(claims, this.#claimed.pop() ?? 0, 0);
    while (this.#claimed.length < this.held) {
      const free = claims.findIndex(
        (_, index) => Atomics.compareExchange(claims, index, 0, init.workerIndex + 1) === 0,
      );
      if (free < 0) return report('broken');
      this.#claimed.push(free);
      reportServed();
    }
  }
}

function reportServed(): void {
  if (init.kind === 'commanded') report('served');
}

const worker = new Claimant(init.memory, init.workerIndex, init.semaphores, init.max, systemClock, () => {});
void worker.listen();
report('ready');

if (init.kind === 'commanded') {
  port.on('message', (command: StressCommand) => {
    worker[command]();
    report('done');
  });
} else {
  const random = new SeededRandom(`seat ${init.workerIndex}`);
  const step = (): void => {
    for (let turn = 0; turn < 50; turn++) {
      const chance = random.next();
      if (chance < 0.45 && worker.queue.length < 20) worker.come();
      else if (chance < 0.9) worker.end();
      else if (chance < 0.95) worker.closeIdle();
      else worker.giveUp();
    }
    setImmediate(step);
  };
  step();
}

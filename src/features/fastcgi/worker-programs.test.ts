import assert from 'node:assert/strict';
import type { Stats } from 'node:fs';
import { describe, it } from 'node:test';
import type { Failure } from '#failures/failure.ts';
import { Deadlines } from '../../core/deadline.ts';
import type { FilterContext } from '../../core/filter.ts';
import { localSemaphoreSource } from '../../core/local-semaphore.ts';
import { PoolClasses } from '../../core/pool-classes.ts';
import { AnsweredTargets } from '../../policy/answered-targets.ts';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { Disk } from '../files/worker-disk.ts';
import { programFilter } from './worker-programs.ts';
import { ScriptFolder, type StatBelow } from './worker-scripts.ts';

const spec = {
  ...{ root: '/srv/www', index: 'index.php', split: '.php', frontController: null },
  ...{ variables: {}, remote: false, isBelow: false },
};
const file = { dev: 7, isFile: () => true, isDirectory: () => false } as Stats;
const never = (): Promise<never> => new Promise(() => {});
const errorOf = (code: string): Error => Object.assign(new Error(code), { code });

/** A worker with one route, whose disk does `statBelow` in place of what the system does. */
class FolderUnderTest {
  readonly clock = new SimulatedClock();
  readonly pool = new PoolClasses((index, onFree) => localSemaphoreSource.pool(index, onFree), 4, this.clock);
  readonly decisions: unknown[] = [];
  looks = 0;
  readonly #contexts: FilterContext[] = [];
  readonly #filter;
  #settled = Promise.withResolvers<void>();

  constructor(statBelow: StatBelow) {
    const count: StatBelow = (root, path) => {
      this.looks++;
      return statBelow(root, path);
    };
    const folder = new ScriptFolder(spec.root, new Disk(this.pool), this.clock, count);
    this.#filter = programFilter(spec, folder, {
      ...{ clock: this.clock, deadlines: new Deadlines(this.clock) },
      ...{ random: new SeededRandom(1), answered: new AnsweredTargets() },
    });
  }

  ask(path: string): void {
    const index = this.decisions.push('waits') - 1;
    let state: unknown;
    const context = {
      ...{ path, rewrittenPath: path, request: { method: 'GET', target: path } },
      resume: (_: unknown, decision: unknown) => {
        this.decisions[index] = decision;
        this.#settled.resolve();
      },
      getState: () => state,
      setState: (_: unknown, set: unknown) => void (state = set),
    } as unknown as FilterContext;
    this.#contexts.push(context);
    const decision = this.#filter.onRequestHead?.(context);
    if (decision !== 'suspend') this.decisions[index] = decision;
  }

  leave(index: number): void {
    this.#filter.onCancelled?.(this.#contexts[index] as FilterContext);
  }

  /** A suspended request has been decided since the last call. */
  async settled(): Promise<void> {
    await this.#settled.promise;
    this.#settled = Promise.withResolvers();
  }

  counts(): Record<string, number> {
    const causes = this.decisions.map((one) => (typeof one === 'string' ? one : (one as Failure).cause));
    return Object.fromEntries([...new Set(causes)].map((one) => [one, causes.filter((two) => two === one).length]));
  }
}

describe('a disk that hangs while programs are looked for', () => {
  it('has 4 threads at most, and leaves those of other disks and classes', () => {
    const folder = new FolderUnderTest(never);
    for (let asked = 0; asked < 500; asked++) folder.ask(`/${asked}.php`);
    assert.deepEqual([folder.looks, folder.counts()], [4, { waits: 500 }]);
    assert.ok(folder.pool.of('files').hasRoom && folder.pool.of('zlib').hasRoom);
  });

  it('fails its requests after 10 s: those that have a thread otherwise than those that wait for one', async () => {
    const folder = new FolderUnderTest(never);
    for (let asked = 0; asked < 20; asked++) folder.ask(`/${asked}.php`);
    await folder.clock.advance(9000);
    assert.deepEqual(folder.counts(), { waits: 20 });
    await folder.clock.advance(1100);
    assert.deepEqual(folder.counts(), { file_timeout: 4, file_pool_full: 16 });
    assert.equal(folder.pool.ofDevice(0).waiting, 0);
  });

  it('refuses at once what more than 1,000 requests wait for', () => {
    const folder = new FolderUnderTest(never);
    for (let asked = 0; asked < 1005; asked++) folder.ask(`/${asked}.php`);
    assert.deepEqual(folder.counts(), { waits: 1004, file_pool_full: 1 });
    folder.leave(500);
    folder.ask('/more.php');
    assert.deepEqual(folder.counts(), { waits: 1005, file_pool_full: 1 });
  });

  it('delays no program that is known', async () => {
    const folder = new FolderUnderTest((_, path) => (path === '/known.php' ? Promise.resolve(file) : never()));
    folder.ask('/known.php');
    await folder.settled();
    for (let asked = 0; asked < 4; asked++) folder.ask(`/${asked}.php`);
    folder.ask('/known.php');
    assert.deepEqual(
      [folder.decisions.at(-1), folder.counts(), folder.looks],
      ['continue', { continue: 2, waits: 4 }, 5],
    );
    assert.equal(folder.pool.ofDevice(7).hasRoom, false);
  });
});

describe('a look that fails', () => {
  for (const [code, cause, why] of [
    ['ENOENT', 'script_not_found', 'missing'],
    ['ENOTDIR', 'script_not_found', 'missing'],
    ['ENAMETOOLONG', 'script_not_found', 'missing'],
    ['EACCES', 'script_not_found', 'unreadable'],
    ['EIO', 'file_failed', undefined],
    ['EMFILE', 'file_failed', undefined],
  ] as const)
    it(`with ${code} is ${cause}${why === undefined ? '' : `: ${why}`}`, async () => {
      const folder = new FolderUnderTest(() => Promise.reject(errorOf(code)));
      folder.ask('/a.php');
      await folder.settled();
      const failure = folder.decisions[0] as Failure & { readonly evidence: { readonly why?: string } };
      assert.deepEqual([failure.cause, failure.evidence.why], [cause, why]);
    });
});

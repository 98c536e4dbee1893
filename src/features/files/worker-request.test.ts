import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Failure } from '#failures/failure.ts';
import { statusOf } from '#failures/failure-texts.ts';
import { Deadlines } from '../../core/deadline.ts';
import type { FilterContext } from '../../core/filter.ts';
import { localSemaphoreSource } from '../../core/local-semaphore.ts';
import { PoolClasses } from '../../core/pool-classes.ts';
import { AnsweredTargets } from '../../policy/answered-targets.ts';
import { PairHeaders } from '../../core/pair-headers.ts';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import type { FilesSpec } from './settings.ts';
import { Disk, type FileCalls, systemCalls } from './worker-disk.ts';
import { Root } from './worker-file.ts';
import { ServedFolder } from './worker-served-folder.ts';
import { filesFilter } from './worker-site.ts';

const root = mkdtempSync(join(tmpdir(), 'candor-files-'));
writeFileSync(join(root, 'a.txt'), 'content');
mkdirSync(join(root, 'folder'));
after(() => rmSync(root, { recursive: true }));

const spec: FilesSpec = {
  ...{
    root,
    index: ['index.html'],
    fallback: null,
    extensions: [],
    listing: false,
    precompressed: [],
    cache: [],
    isBelow: true,
    passes: false,
    programs: null,
  },
};

/** A worker with one route, whose disk does `calls` in place of what the system does. */
class SiteUnderTest {
  readonly clock = new SimulatedClock();
  readonly pool = new PoolClasses((index, onFree) => localSemaphoreSource.pool(index, onFree), 4, this.clock);
  readonly decisions: unknown[] = [];
  readonly #settled = Promise.withResolvers<void>();
  readonly #filter;
  readonly #contexts: FilterContext[] = [];

  constructor(calls: Partial<FileCalls>) {
    const disk = new Disk(this.pool, { ...systemCalls, ...calls });
    const ports = {
      clock: this.clock,
      deadlines: new Deadlines(this.clock),
      random: new SeededRandom(1),
      answered: new AnsweredTargets(),
    };
    this.#filter = filesFilter(new ServedFolder(spec, new Root(root, disk, null), this.clock), ports);
  }

  ask(path = '/a.txt'): void {
    const index = this.decisions.push('waits') - 1;
    const states = new Map<unknown, unknown>();
    const context = {
      ...{ path, rewrittenPath: path },
      request: { method: 'GET', target: path, headers: new PairHeaders([]) },
      resume: (_: unknown, decision: unknown) => {
        this.decisions[index] = decision;
        this.#settled.resolve();
      },
      getState: (of: unknown) => states.get(of),
      setState: (of: unknown, state: unknown) => void states.set(of, state),
    } as unknown as FilterContext;
    this.#contexts.push(context);
    const decision = this.#filter.onRequestHead?.(context);
    if (decision !== 'suspend') this.decisions[index] = decision;
  }

  leave(index: number): void {
    this.#filter.onCancelled?.(this.#contexts[index] as FilterContext);
  }

  /** A suspended request has been decided. */
  settled(): Promise<void> {
    return this.#settled.promise;
  }

  causes(): string[] {
    return this.decisions.map((one) => (typeof one === 'string' ? one : ((one as Failure).cause ?? 'answered')));
  }
}

const errorOf = (code: string): Error => Object.assign(new Error(code), { code });
const rejects = (code: string) => (): Promise<never> => Promise.reject(errorOf(code));
const never = (): Promise<never> => new Promise(() => {});

describe('a file that cannot be read', () => {
  for (const [call, code, cause, status] of [
    ['open', 'ENOENT', 'file_not_found', 404],
    ['open', 'ENAMETOOLONG', 'file_not_found', 404],
    ['open', 'ENXIO', 'file_not_found', 404],
    ['open', 'EACCES', 'file_forbidden', 403],
    ['open', 'EMFILE', 'file_failed', 503],
    ['open', 'ENFILE', 'file_failed', 503],
    ['open', 'EIO', 'file_failed', 500],
    ['read', 'EIO', 'file_failed', 500],
    ['read', 'ESTALE', 'file_failed', 500],
  ] as const)
    it(`is ${cause} (${status}) where to ${call} it fails with ${code}`, async () => {
      const site = new SiteUnderTest({ [call]: rejects(code) });
      site.ask();
      await site.settled();
      const failure = site.decisions[0] as Failure;
      assert.equal(failure.cause, cause);
      assert.equal(statusOf(failure), status);
    });

  it('is read again if it was written to meanwhile, and given up after three times', async () => {
    let reads = 0;
    const site = new SiteUnderTest({
      isLocal: () => Promise.resolve(false),
      read: async (...args) => {
        writeFileSync(join(root, 'a.txt'), 'x'.repeat(20 + ++reads));
        return systemCalls.read(...args);
      },
    });
    site.ask();
    await site.settled();
    assert.deepEqual([site.causes(), reads], [['file_changed'], 3]);
  });
});

describe('a disk that hangs', () => {
  it('takes 4 threads of its device and leaves the others', () => {
    const site = new SiteUnderTest({ open: never });
    for (let asked = 0; asked < 20; asked++) site.ask();
    assert.deepEqual([site.pool.ofDevice(0).waiting, site.pool.of('files').waiting], [16, 0]);
    assert.ok(site.pool.ofDevice(1).hasRoom && site.pool.of('files').hasRoom && site.pool.of('zlib').hasRoom);
  });

  it('ends those that wait for a thread with file_pool_full, and those in it with file_timeout', () => {
    const site = new SiteUnderTest({ open: never });
    for (let asked = 0; asked < 6; asked++) site.ask();
    site.clock.advanceSync(10_100);
    assert.deepEqual(site.causes(), [...Array<string>(4).fill('file_timeout'), 'file_pool_full', 'file_pool_full']);
    assert.deepEqual(
      site.decisions.slice(3, 5).map((one) => statusOf(one as Failure)),
      [504, 503],
    );
    assert.equal(site.pool.ofDevice(0).waiting, 0);
    assert.equal(site.pool.ofDevice(0).hasRoom, false, 'its threads are not free while they hang');
  });

  it('refuses at once what comes while a thousand wait', () => {
    const site = new SiteUnderTest({ open: never });
    for (let asked = 0; asked < 1005; asked++) site.ask();
    assert.equal(site.causes().filter((one) => one === 'file_pool_full').length, 1);
  });

  it('keeps no request whose client has left, and closes what it then opens', async () => {
    const opened = Promise.withResolvers<undefined>();
    const closed = Promise.withResolvers<number>();
    const site = new SiteUnderTest({
      open: (path) => opened.promise.then(() => systemCalls.open(path)),
      close: (fd) => systemCalls.close(fd).finally(() => closed.resolve(fd)),
      isLocal: () => Promise.resolve(false),
    });
    site.ask();
    site.leave(0);
    opened.resolve(undefined);
    await closed.promise;
    assert.deepEqual(site.causes(), ['waits']);
    assert.ok(site.pool.ofDevice(0).hasRoom);
  });
});

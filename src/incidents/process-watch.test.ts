import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Event } from '../core/event.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { ProcessTreeUsage } from '../system/process-tree-usage.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ProcessWatch } from './process-watch.ts';

const mebibyte = 1024 * 1024;

let clock: SimulatedClock;
let stored: ProcessNote[];
let asked: number;
let used: ProcessTreeUsage | null;
let replacement: string | null;
let stoppedChanges: number;
let watch: ProcessWatch;

const usage = (changes: Partial<ProcessTreeUsage> = {}): ProcessTreeUsage => ({
  ...{ startTicks: '50', ageMs: 1000, processes: 1, residentBytes: 80 * mebibyte, threads: 11 },
  ...{
    openFiles: 24,
    openFilesMax: 1024,
    cpuMs: new Map([[7, 0]]),
    stoppedPid: null,
    stoppedPids: [],
    controlGroup: null,
  },
  ...changes,
});
const grown = (mebibytes: number): ProcessTreeUsage => usage({ residentBytes: mebibytes * mebibyte });

beforeEach(() => {
  clock = new SimulatedClock(Date.UTC(2026, 0, 1));
  stored = [];
  asked = 0;
  used = usage();
  replacement = null;
  stoppedChanges = 0;
  watch = new ProcessWatch({
    clock,
    onStopped: () => void (stoppedChanges += 1),
    store: (notes) => stored.push(...notes),
    replacedBy: () => replacement,
    usageOf: () => {
      asked += 1;
      return used;
    },
  });
  watch.use([{ id: 'shop/1', pid: 7, restarts: 0 }]);
});

const failure = { upstream: 'web', endpoint: 'web/shop/1/127.0.0.1:4000', causes: [{ cause: 'reset', count: 1 }] };
const fail = (changes: object = {}): void =>
  watch.onOutcomes([{ serverErrors: 0, ...failure, ...changes } as unknown as EndpointOutcomes]);
const exit = (pid = 7, from = 'ready'): void =>
  watch.onEvent({
    kind: 'instance_exited',
    at: clock.wallTime(),
    subject: 'instance:shop/1',
    from,
    evidence: { pid, code: null, signal: 'SIGKILL', outOfMemory: true, afterMs: 3000 },
  } as unknown as Event);
const around = (): readonly ProcessNote[] => {
  const now = clock.wallTime();
  return watch.around([{ attempt: 1, instance: 'shop/1', since: now, until: now, ended: now }]);
};
const sizes = (notes: readonly ProcessNote[]): readonly (number | string)[] =>
  notes.map((note) => (note.kind === 'exit' ? 'exit' : (note.residentBytes ?? 0) / mebibyte));

describe('the watch of processes', () => {
  for (const [what, from, successor, expected] of [
    ['ended by itself', 'ready', 'shop/2', undefined],
    ['was replaced', 'stopping', 'shop/2', { replacedBy: 'shop/2' }],
    ['was stopped with the gateway', 'stopping', null, { replacedBy: null }],
  ] as const)
    test(`notes of a process whether Candor stopped it: it ${what}`, () => {
      replacement = successor;
      exit(7, from);
      const note = stored.findLast((one) => one.kind === 'exit');
      assert.deepEqual([note?.stopped, note?.ranMs], [expected, 3000]);
    });

  test('looks at a calm process every five seconds, and at one that changes every second', () => {
    clock.advanceSync(2000);
    asked = 0;
    clock.advanceSync(20_000);
    assert.equal(asked, 4);
    for (let size = 100; size <= 1000; size += 100) {
      used = grown(size);
      clock.advanceSync(1000);
    }
    assert.ok(asked >= 10, `${asked}`);
  });

  test('stores the first sample, what tells something new, and little else', () => {
    clock.advanceSync(60_000);
    assert.deepEqual(sizes(stored), [80]);
    used = grown(81);
    clock.advanceSync(60_000);
    assert.deepEqual(sizes(stored), [80]);
    used = grown(200);
    clock.advanceSync(60_000);
    assert.deepEqual(sizes(stored), [80, 200]);
    clock.advanceSync(300_000);
    assert.deepEqual(sizes(stored), [80, 200, 200], 'a sign of life');
  });

  for (const [what, changes] of [
    ['an attempt has failed', {}],
    ['the application has answered with 5xx', { causes: [], serverErrors: 1 }],
  ] as const)
    test(`looks at a process where ${what}, and stores what was there before and after`, () => {
      clock.advanceSync(12_000);
      used = grown(90);
      clock.advanceSync(5000);
      stored.length = 0;
      used = grown(95);
      fail(changes);
      clock.advanceSync(1000);
      assert.deepEqual(sizes(stored), [90, 95]);
    });

  test('does not look at others, nor where nothing has failed', () => {
    clock.advanceSync(12_000);
    asked = 0;
    fail({ endpoint: 'web/shop/2/127.0.0.1:4001' });
    fail({ causes: [] });
    clock.advanceSync(10);
    assert.equal(asked, 0);
  });

  test('looks once a second and stores twenty samples a minute at most, however many requests fail', () => {
    clock.advanceSync(60_000);
    asked = 0;
    for (let ms = 0; ms < 120_000; ms += 100) {
      fail();
      clock.advanceSync(100);
    }
    assert.ok(asked <= 121, `${asked}`);
    assert.ok(stored.length <= 1 + 3 * 20, `${stored.length}`);
  });

  test('stores the exit with the last sample before it, and knows both', () => {
    clock.advanceSync(10_000);
    used = grown(90);
    clock.advanceSync(5000);
    stored.length = 0;
    clock.advanceSync(2000);
    watch.use([{ id: 'shop/1', pid: null, restarts: 0 }]);
    exit();
    assert.deepEqual(sizes(stored), [90, 'exit']);
    assert.deepEqual(sizes(around()).slice(-2), [90, 'exit']);
    const [found] = watch.evidenceOf('shop') ?? [];
    assert.match(found?.beforeExit ?? '', /^RSS 90 MiB, \d\.\d s before it was killed$/);
  });

  test('takes no sample of another process that has got the number', () => {
    clock.advanceSync(10_000);
    stored.length = 0;
    used = usage({ startTicks: '99', residentBytes: 900 * mebibyte });
    fail();
    clock.advanceSync(20_000);
    assert.ok(!sizes([...stored, ...around()]).includes(900));
  });

  test('knows the cores that were used between two samples, also by a process that has started meanwhile', () => {
    clock.advanceSync(1000);
    used = usage({
      cpuMs: new Map([
        [7, 1500],
        [8, 1000],
      ]),
    });
    clock.advanceSync(1000);
    assert.deepEqual(
      around().map((note) => note.kind === 'sample' && note.cores),
      [null, 2.5],
    );
    assert.equal(watch.figuresOf('shop/1')?.cores, 2.5);
  });

  test('says which process has nearly used up its descriptors or the memory of its control group', () => {
    const controlGroup = { memoryBytes: 500 * mebibyte, memoryMaxBytes: 512 * mebibyte };
    used = usage({ openFiles: 1020, controlGroup: controlGroup as unknown as ProcessTreeUsage['controlGroup'] });
    clock.advanceSync(2000);
    const [found] = watch.evidenceOf('shop') ?? [];
    assert.match(found?.strains.join() ?? '', /^1020 of 1024 descriptors.*500 MiB of 512 MiB/);
    assert.deepEqual(watch.evidenceOf('sho'), []);
  });

  test('says which process waits for processor time, by the periods since the sample before', () => {
    const group = (cpuPeriods: number, cpuThrottled: number) =>
      usage({ controlGroup: { cpuPeriods, cpuThrottled } as unknown as ProcessTreeUsage['controlGroup'] });
    used = group(1000, 900);
    clock.advanceSync(6000);
    assert.equal(watch.evidenceOf('shop')?.[0]?.throttledShare, undefined);
    used = group(1100, 980);
    const evidence = () => watch.evidenceOf('shop')?.[0];
    for (let s = 0; s < 6 && evidence()?.throttledShare === undefined; s++) clock.advanceSync(1000);
    const found = evidence();
    assert.equal(found?.throttledShare, 0.8);
    assert.match(found.strains.join(), /80 % of the periods/);
  });

  test('says which process a signal has stopped', () => {
    used = usage({ stoppedPid: 7 });
    clock.advanceSync(2000);
    const stopped = () => watch.evidenceOf('shop')?.[0]?.stopped;
    assert.deepEqual(stopped(), { pids: [7], isWhole: false });
    assert.equal(stoppedChanges, 0, 'others may answer');
    assert.equal(watch.figuresOf('shop/1')?.stoppedPid, 7);
    stored.length = 0;
    used = usage({ stoppedPid: 7, stoppedPids: [7, 8] });
    clock.advanceSync(2000);
    assert.deepEqual(stopped(), { pids: [7, 8], isWhole: true });
    assert.equal(stoppedChanges, 1);
    assert.deepEqual(
      stored.map((note) => note.kind === 'sample' && note.stoppedPids),
      [[7, 8]],
    );
    used = usage({});
    clock.advanceSync(2000);
    assert.equal(stopped(), undefined);
    assert.equal(stoppedChanges, 2);
  });

  test('forgets the figures of a process that is gone, and sets no timer without a process', () => {
    clock.advanceSync(2000);
    watch.use([]);
    assert.equal(watch.figuresOf('shop/1'), null);
    asked = 0;
    clock.advanceSync(60_000);
    assert.equal(asked, 0);
  });

  test('keeps to its pace with very many instances', () => {
    watch.use(Array.from({ length: 200 }, (_, n) => ({ id: `shop/${n}`, pid: n + 1, restarts: 0 })));
    clock.advanceSync(10_000);
    assert.ok(asked >= 200 && asked <= 220, `${asked}`);
  });
});

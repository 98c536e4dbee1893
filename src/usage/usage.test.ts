import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { latencyOf, noExchanges } from './exchange-count.test-support.ts';
import type { Configuration } from '../core/configuration.ts';
import type { LaunchedProgram, Launcher } from '../core/launch.ts';
import { plainLauncher } from '../core/launch.ts';
import { succeed } from '#failures/result.ts';
import type { ProcessTimes } from '../system/process-times.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { noAmounts, type Amounts } from './amounts.ts';
import { Usage } from './usage.ts';
import { UsageFile } from './usage-file.ts';

const epoch = Date.UTC(2026, 10, 28, 3);
const minute = epoch / 60_000;

let folder = '';
let clock: SimulatedClock;
/** CPU time by process. */
let processes: Map<number, ProcessTimes>;
const usages: Usage[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-usage-'));
  clock = new SimulatedClock(epoch);
  processes = new Map();
});
afterEach(async () => {
  for (const usage of usages.splice(0)) await usage.close();
  rmSync(folder, { recursive: true, force: true });
});

const configuration = {
  applications: [
    { id: 'shop', directory: '/srv/shop' },
    { id: 'shop.mail', of: 'shop', directory: '/srv/shop' },
  ],
  upstreams: [
    { id: 'shop', application: 'shop' },
    { id: 'other', application: null },
  ],
  routes: [
    { id: 'all' },
    { id: 'docs', features: { files: { root: '/srv/docs', release: { application: 'docs', below: '.' } } } },
    { id: 'folder', features: { files: { root: '/srv/folder' } } },
  ],
} as unknown as Configuration;

/** Of a gateway with this process id. */
function usageOf(ownPid = 99, storage: UsageFile | null = new UsageFile(folder)): Usage {
  const usage = new Usage({
    ...{ clock, storage, bootId: 'boot' },
    configuration: () => configuration,
    releaseOf: () => 'r1',
    foldersOf: (application) => [`/srv/${application}`],
    sizeOf: async () => ({ bytes: 5000, isPart: false }),
    system: {
      programTimes: (pid) => {
        const own = processes.get(pid);
        return own === undefined ? null : { processes: new Map([[pid, own]]), group: null };
      },
      waitedChildrenMs: () => 0,
      groupCpuMs: () => null,
      isThere: (pid) => processes.has(pid),
      ownPid,
    },
  });
  usages.push(usage);
  return usage;
}

const run = (pid: number, ownMs: number, parent = 99): void => {
  processes.set(pid, { startTicks: `${pid}0`, parent, ownMs, waitedMs: 0, residentBytes: 1000 });
};

const launched = (program: string, kind: LaunchedProgram['kind']): LaunchedProgram => ({
  ...{ application: 'shop', settings: {}, program, kind, release: 'r1', directory: '/srv/shop' },
});

/** Starts a program as a launcher does. */
function start(usage: Usage, pid: number, program = 'shop/1', kind: LaunchedProgram['kind'] = 'instance'): () => void {
  const prepared = usage
    .metered(plainLauncher)
    .prepare({ ...launched(program, kind), command: ['true'], environment: {} });
  assert.ok(prepared.ok);
  prepared.value.hold?.started?.(pid);
  return () => prepared.value.hold?.ended?.();
}

/** All of a series, over everything that is known. */
function sumOf(usage: Usage, named: string): Amounts {
  const sum = noAmounts();
  for (const { owner, steps } of usage.history.steps('minute', epoch - 3_600_000, clock.wallTime() + 1)) {
    if (`${owner.kind} ${owner.name} ${owner.release}` !== named) continue;
    for (const amounts of steps.values()) {
      sum.cpuMs += amounts.cpuMs;
      sum.requests += amounts.requests;
      sum.starts += amounts.starts;
      sum.byteSeconds += amounts.byteSeconds;
    }
  }
  return sum;
}

const exchanges = (count: number, upstream = 'shop') => ({ ...noExchanges, upstream, count, bytesOut: 100 * count });
const attempts = (release: string, count: number) => ({
  ...({ upstream: 'shop', endpoint: `shop/${release}`, release, method: 'GET', status: 200, count } as const),
});

describe('the usage of applications', () => {
  test('is by instances, workers and jobs, each with its release', async () => {
    const usage = usageOf();
    for (const pid of [1, 2, 3, 4]) run(pid, 0);
    start(usage, 1);
    start(usage, 4, 'shop.mail/1/ready', 'worker');
    start(usage, 2, 'shop.mail/1', 'worker');
    start(usage, 3, 'shop.report', 'job');
    for (const pid of [1, 2, 3]) run(pid, pid * 100);
    run(4, 5);
    await clock.advance(61_000);
    assert.equal(sumOf(usage, 'instances  r1').cpuMs, 100);
    assert.equal(sumOf(usage, 'worker mail r1').cpuMs, 205);
    assert.equal(sumOf(usage, 'job report r1').cpuMs, 300);
    assert.deepEqual(
      usage.programs.map(({ id }) => id),
      ['shop/1', 'shop.mail/1/ready', 'shop.mail/1', 'shop.report'],
    );
  });

  test('is for metrics the CPU time of all releases together, and the memory of what runs', async () => {
    const usage = usageOf();
    run(1, 0);
    run(2, 0);
    const end = start(usage, 1);
    start(usage, 2, 'shop/2');
    run(1, 100);
    run(2, 50);
    await clock.advance(61_000);
    const own = { application: 'shop', kind: 'instances', name: '' };
    assert.deepEqual(usage.used, [{ ...own, cpuMs: 150, residentBytes: 2000 }]);
    processes.delete(1);
    end();
    await clock.advance(1000);
    assert.deepEqual(usage.used, [{ ...own, cpuMs: 150, residentBytes: 1000 }]);
  });

  test('changes nothing of what features do with the lines of a program', () => {
    const hold = { mask: (line: string) => line.replace('hunter2', '***') };
    const masking: Launcher = { ...plainLauncher, prepare: (launch) => succeed({ ...launch, hold }) };
    const metered = usageOf().metered(masking);
    const prepared = metered.prepare({ ...launched('shop/1', 'instance'), command: ['true'], environment: {} });
    assert.ok(prepared.ok);
    assert.equal(prepared.value.hold?.mask?.('is hunter2'), 'is ***');
    const adopted = usageOf().metered({ ...masking, adopt: () => hold });
    assert.equal(adopted.adopt(launched('shop/1', 'instance'), 1)?.mask?.('is hunter2'), 'is ***');
  });

  test('has requests by the release that answers them, divided while there are two', async () => {
    const usage = usageOf();
    usage.onBatch({ exchanges: [exchanges(10)], responses: [attempts('r1', 10)] });
    usage.onBatch({ exchanges: [exchanges(8)], responses: [attempts('r1', 6), attempts('r2', 2)] });
    // No attempt was counted in this batch: as before.
    usage.onBatch({ exchanges: [exchanges(4)], responses: [] });
    assert.equal(sumOf(usage, 'instances  r1').requests, 10 + 6 + 3);
    assert.equal(sumOf(usage, 'instances  r2').requests, 2 + 1);
  });

  test('has the requests of a static application, which no upstream gets, and of no other folder', () => {
    const usage = usageOf();
    const answered = (route: string) => ({ ...exchanges(10, ''), route, durations: latencyOf(10, 3) });
    usage.onBatch({ exchanges: [answered('docs'), answered('folder'), answered('gone')], responses: [] });
    usage.onBatch({ exchanges: [{ ...answered('docs'), statusClass: '5xx', shape: 'app_error' }], responses: [] });
    const [docs, ...others] = usage.traffic;
    assert.deepEqual(docs?.owner, { application: 'docs', kind: 'instances', name: '', release: 'r1' });
    const { requests, errors, bytesOut, durations } = docs?.minute ?? noAmounts();
    assert.deepEqual([requests, errors, bytesOut, [...durations.values()]], [20, 10, 2000, [20]]);
    assert.deepEqual(others, []);
  });

  test('has no requests for applications that others run', () => {
    const usage = usageOf();
    usage.onBatch({ exchanges: [exchanges(10, 'other')], responses: [] });
    assert.equal(usage.history.since, null);
  });

  test('of a gateway that was killed is all but the last minute', async () => {
    const file = new UsageFile(folder);
    const usage = usageOf(99, file);
    run(1, 0);
    start(usage, 1);
    for (let at = 1; at <= 5; at++) {
      run(1, at * 100);
      usage.onBatch({ exchanges: [exchanges(2)], responses: [attempts('r1', 2)] });
      await clock.advance(60_000);
    }
    await clock.advance(2000);
    // What was to be written is; nothing is closed, as after kill -9.
    await file.read();
    const next = usageOf(100);
    await next.load();
    assert.deepEqual([sumOf(next, 'instances  r1').cpuMs, sumOf(next, 'instances  r1').requests], [500, 10]);
    assert.equal(next.history.since, minute * 60_000);
  });

  test('goes on in the next process with an adopted program, without counting its CPU time twice', async () => {
    const file = new UsageFile(folder);
    const usage = usageOf(99, file);
    run(1, 0);
    start(usage, 1);
    run(1, 800);
    await clock.advance(62_000);
    await file.read();
    const next = usageOf(100);
    await next.load();
    run(1, 900, 1);
    next.metered(plainLauncher).adopt(launched('shop/1', 'instance'), 1);
    assert.equal(sumOf(next, 'instances  r1').cpuMs, 900);
    assert.equal(sumOf(next, 'instances  r1').starts, 1);
  });

  test('is handed off in an upgrade, of which neither process counts what the other has', async () => {
    const usage = usageOf();
    run(1, 0);
    start(usage, 1);
    run(1, 800);
    await clock.advance(30_000);
    run(1, 850);
    const next = usageOf(100);
    await next.load();
    next.import(usage.export());
    next.metered(plainLauncher).adopt(launched('shop/1', 'instance'), 1);
    run(1, 1000);
    await clock.advance(20_000);
    usage.onBatch({ exchanges: [exchanges(3)], responses: [attempts('r1', 3)] });
    await usage.close();
    await next.close();
    const later = usageOf(101);
    await later.load();
    assert.deepEqual([sumOf(later, 'instances  r1').cpuMs, sumOf(later, 'instances  r1').requests], [1000, 3]);
  });

  test('is this process’s again after a handoff that was rolled back', async () => {
    const usage = usageOf();
    run(1, 0);
    start(usage, 1);
    run(1, 100);
    usage.export();
    run(1, 150);
    usage.metered(plainLauncher).adopt(launched('shop/1', 'instance'), 1);
    await clock.advance(1000);
    assert.equal(sumOf(usage, 'instances  r1').cpuMs, 150);
  });

  test('has the size of the folders, of each minute', async () => {
    const usage = usageOf();
    run(1, 0);
    start(usage, 1);
    await clock.advance(122_000);
    assert.equal(sumOf(usage, 'storage  ').byteSeconds, 5000 * 120);
    assert.equal(usage.sizeOf('shop')?.bytes, 5000);
  });

  test('of a gateway without a state folder is kept while it runs', async () => {
    const usage = usageOf(99, null);
    run(1, 0);
    start(usage, 1);
    run(1, 70);
    await clock.advance(180_000);
    assert.equal(sumOf(usage, 'instances  r1').cpuMs, 70);
  });

  test('ends its programs with their ends, and leaves no timer', async () => {
    const usage = usageOf();
    run(1, 0);
    const end = start(usage, 1);
    end();
    await usage.close();
    assert.deepEqual([usage.programs, clock.timersLive], [[], 0]);
  });
});

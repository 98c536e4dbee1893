// Starts processes: that the figures are those of the kernel shows only with real ones.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { systemClock } from '../system/system.ts';
import {
  groupCpuMs,
  isThere,
  type ProcessTimes,
  programTimes,
  type ProgramTimes,
  waitedChildrenMs,
} from '../system/process-times.ts';
import { addAmounts, type Amounts, noAmounts, type UsageOwner } from './amounts.ts';
import { ProcessMeter } from './process-meter.ts';

const owner: UsageOwner = { application: 'shop', kind: 'instances', name: '', release: 'r1' };

/** Burns CPU time by itself and in two children that come and go, and says at its end what it has used. */
const burning = `
  const { spawnSync } = require('node:child_process');
  const burn = (ms) => { const end = process.cpuUsage().user + ms * 1000; while (process.cpuUsage().user < end) for (let step = 0; step < 1e6; step++); };
  const child = 'const end = process.cpuUsage().user + 200e3; while (process.cpuUsage().user < end) for (let step = 0; step < 1e6; step++);' +
    'const { user, system } = process.cpuUsage(); process.stdout.write(String((user + system) / 1000))';
  let children = 0;
  burn(300);
  for (let one = 0; one < 2; one++) children += Number(spawnSync(process.execPath, ['-e', child]).stdout);
  burn(300);
  const { user, system } = process.cpuUsage();
  process.stdout.write(String((user + system) / 1000 + children));
`;

const holding =
  'const memory = Buffer.alloc(120e6, 1); process.stdout.write(String(memory.length)); process.stdin.resume()';

function meterOf(sum: Amounts, seesGroups = true): ProcessMeter {
  return new ProcessMeter({
    clock: systemClock,
    add: (_, amounts) => addAmounts(sum, amounts),
    countedOf: () => null,
    system: {
      programTimes: (pid, known) => {
        const times = programTimes(pid, known);
        return times === null || seesGroups ? times : { ...times, group: null };
      },
      ...{ waitedChildrenMs, groupCpuMs, isThere, ownPid: process.pid },
    },
  });
}

async function outputOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('close', () => resolve());
  await promise;
  return text;
}

const isWithin = (value: number, truth: number, share: number, besides = 0): void =>
  assert.ok(
    Math.abs(value - truth) <= truth * share + besides,
    `${value} is not within ${share * 100} % of ${truth}${besides === 0 ? '' : `, and ${besides} ms`}`,
  );

/** The kernel counts the times of processes in ticks, a part of one for user and for system time of each process. */
const tickMs = 10;

/** A group of its own for a program; null: this machine lets no one make one. */
function makeGroup(): {
  readonly add: (pid: number) => void;
  readonly cpuMs: () => number;
  readonly remove: () => void;
} | null {
  const versions = [
    { folder: '/sys/fs/cgroup/cpuacct', file: 'cpuacct.usage', read: (text: string) => Number(text) / 1e6 },
    {
      folder: '/sys/fs/cgroup',
      file: 'cpu.stat',
      read: (text: string) => Number(/usage_usec (\d+)/.exec(text)?.[1]) / 1000,
    },
  ];
  for (const { folder, file, read } of versions) {
    const own = `${folder}/candor-test-${process.pid}`;
    try {
      mkdirSync(own);
      readFileSync(`${own}/${file}`);
      return {
        add: (pid) => writeFileSync(`${own}/cgroup.procs`, String(pid)),
        cpuMs: () => read(readFileSync(`${own}/${file}`, 'utf8')),
        remove: () => rmdirSync(own),
      };
    } catch {
      // Not this version, or not ours to make.
    }
  }
  return null;
}

describe('the figures of a program', () => {
  test('are within 3 % of the CPU time that its processes say, and of its control group, children that came and went among them', async () => {
    const [ofTimes, ofGroup] = [noAmounts(), noAmounts()];
    const meters = [meterOf(ofTimes, false), meterOf(ofGroup)] as const;
    const group = makeGroup();
    const child = spawn('/bin/sh', ['-c', 'read go; exec "$0" -e "$1"', process.execPath, burning], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const pid = child.pid as number;
    group?.add(pid);
    for (const meter of meters) meter.start({ id: 'shop/1', pid, owner });
    child.stdin?.end('go\n');
    const said = Number(await outputOf(child));
    const truth = group?.cpuMs() ?? said;
    for (const meter of meters) {
      meter.end(pid);
      meter.close();
    }
    group?.remove();
    isWithin(ofTimes.cpuMs, said, 0.03, 2 * tickMs);
    isWithin(ofGroup.cpuMs, truth, 0.03);
    assert.deepEqual([ofTimes.starts, ofTimes.restarts], [1, 0]);
  });

  test('are within 3 % of the memory that the kernel shows', async () => {
    const sum = noAmounts();
    const meter = meterOf(sum);
    const child = spawn(process.execPath, ['-e', holding], { stdio: ['pipe', 'pipe', 'inherit'] });
    const pid = child.pid as number;
    const { promise: isReady, resolve } = Promise.withResolvers<void>();
    child.stdout.once('data', () => resolve());
    await isReady;
    meter.start({ id: 'shop/1', pid, owner });
    const startedAt = systemClock.now();
    let [byteSeconds, heldAt] = [0, startedAt];
    while (heldAt - startedAt < 1500) {
      await new Promise((next) => setTimeout(next, 50));
      const now = systemClock.now();
      byteSeconds += (residentOf(pid) * (now - heldAt)) / 1000;
      heldAt = now;
    }
    meter.close();
    const ended = outputOf(child);
    child.stdin.end();
    await ended;
    isWithin(sum.byteSeconds, byteSeconds, 0.03);
    assert.ok(sum.peakBytes > 120e6 && sum.peakBytes < 240e6, String(sum.peakBytes));
  });

  test('have a program that ended before it was looked at a second time', async () => {
    const sum = noAmounts();
    const meter = meterOf(sum);
    const burn =
      'const end = process.cpuUsage().user + 100e3; while (process.cpuUsage().user < end) for (let step = 0; step < 1e6; step++); const { user, system } = process.cpuUsage(); process.stdout.write(String((user + system) / 1000))';
    const child = spawn(process.execPath, ['-e', burn], { stdio: ['ignore', 'pipe', 'inherit'] });
    meter.start({ id: 'shop.report', pid: child.pid as number, owner: { ...owner, kind: 'job', name: 'report' } });
    const said = Number(await outputOf(child));
    meter.end(child.pid as number);
    meter.close();
    // Ticks of 10 ms, and the end of the process after it has said so.
    assert.ok(Math.abs(sum.cpuMs - said) <= 25, `${sum.cpuMs} is not about ${said}`);
  });
});

function residentOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

const ownPid = 99;

/** Processes of a machine that is set by hand. */
class Machine {
  readonly clock = new SimulatedClock();
  readonly processes = new Map<number, ProcessTimes>();
  waitedMs = 0;
  readonly sum = noAmounts();
  readonly counted = new Map<string, number>();
  readonly meter = new ProcessMeter({
    clock: this.clock,
    add: (_, amounts) => addAmounts(this.sum, amounts),
    countedOf: (pid, startTicks) => {
      const timesMs = this.counted.get(`${pid} ${startTicks}`);
      return timesMs === undefined ? null : { timesMs, groupMs: null };
    },
    system: {
      programTimes: (pid): ProgramTimes | null => {
        const own = this.processes.get(pid);
        return own === undefined ? null : { processes: new Map([[pid, own]]), group: null };
      },
      waitedChildrenMs: () => this.waitedMs,
      groupCpuMs: () => null,
      isThere: (pid) => this.processes.has(pid),
      ownPid,
    },
  });

  set(pid: number, ownMs: number, more: Partial<ProcessTimes> = {}): void {
    this.processes.set(pid, {
      ...{ startTicks: `${pid}0`, parent: ownPid, ownMs, waitedMs: 0, residentBytes: 1000 },
      ...more,
    });
  }

  exit(pid: number, finalMs: number): void {
    this.processes.delete(pid);
    this.waitedMs += finalMs;
  }
}

const start = (machine: Machine, pid: number, id = `shop/${pid}`): void => machine.meter.start({ id, pid, owner });

describe('the meter of processes', () => {
  test('counts what a program has used between its last sample and its end', () => {
    const machine = new Machine();
    machine.set(1, 0);
    start(machine, 1);
    machine.clock.advanceSync(20_000);
    machine.set(1, 500);
    machine.clock.advanceSync(5000);
    machine.exit(1, 730);
    machine.meter.end(1);
    machine.clock.advanceSync(1);
    assert.equal(machine.sum.cpuMs, 730);
  });

  test('does not take other children of the gateway for a program', () => {
    const machine = new Machine();
    machine.set(1, 0);
    start(machine, 1);
    machine.waitedMs += 9000;
    machine.clock.advanceSync(6000);
    machine.exit(1, 40);
    machine.meter.end(1);
    machine.clock.advanceSync(1);
    assert.equal(machine.sum.cpuMs, 40);
  });

  test('divides what two programs have used that ended at once', () => {
    const machine = new Machine();
    for (const pid of [1, 2]) machine.set(pid, 0);
    for (const pid of [1, 2]) start(machine, pid);
    machine.exit(1, 100);
    machine.exit(2, 300);
    for (const pid of [1, 2]) machine.meter.end(pid);
    machine.clock.advanceSync(1);
    assert.equal(machine.sum.cpuMs, 400);
  });

  test('notices by itself that a program has ended', () => {
    const machine = new Machine();
    machine.set(1, 0);
    start(machine, 1);
    machine.exit(1, 80);
    machine.clock.advanceSync(6000);
    assert.equal(machine.sum.cpuMs, 80);
    assert.deepEqual(machine.meter.now, []);
  });

  test('holds memory from one sample to the next', () => {
    const machine = new Machine();
    machine.set(1, 0, { residentBytes: 1000 });
    start(machine, 1);
    machine.clock.advanceSync(60_000);
    machine.meter.close();
    assert.equal(machine.sum.byteSeconds, 60_000);
    assert.equal(machine.sum.runMs, 60_000);
  });

  test('counts a restart of the same instance, and none of another one or of a job', () => {
    const machine = new Machine();
    for (const pid of [1, 2, 3, 4, 5]) machine.set(pid, 0);
    start(machine, 1, 'shop/1');
    machine.meter.end(1);
    start(machine, 2, 'shop/1');
    start(machine, 3, 'shop/2');
    for (const pid of [4, 5])
      machine.meter.start({ id: 'shop.report', pid, owner: { ...owner, kind: 'job', name: 'report' } });
    assert.deepEqual([machine.sum.starts, machine.sum.restarts], [5, 1]);
  });

  test('counts no start of what checks an instance, but what that uses', () => {
    const machine = new Machine();
    for (const pid of [1, 2, 3]) machine.set(pid, 40);
    start(machine, 1, 'shop/1');
    for (const pid of [2, 3]) start(machine, pid, 'shop/1/ready');
    assert.deepEqual([machine.sum.starts, machine.sum.restarts, machine.sum.cpuMs], [1, 0, 120]);
  });

  test('goes on with a program of an earlier gateway from what was counted, and starts nothing', () => {
    const machine = new Machine();
    machine.counted.set('1 10', 700);
    machine.set(1, 750, { parent: 1 });
    start(machine, 1);
    assert.deepEqual([machine.sum.cpuMs, machine.sum.starts], [50, 0]);
  });

  test('begins with the first sample of a program of an earlier gateway of which nothing is known', () => {
    const machine = new Machine();
    machine.set(1, 750, { parent: 1 });
    start(machine, 1);
    machine.set(1, 760, { parent: 1 });
    machine.clock.advanceSync(300);
    assert.equal(machine.sum.cpuMs, 10);
  });

  test('hands programs off with what is counted, and counts no further', () => {
    const machine = new Machine();
    machine.set(1, 120);
    start(machine, 1);
    machine.set(1, 200);
    assert.deepEqual(machine.meter.handOff(), [{ pid: 1, startTicks: '10', timesMs: 200, groupMs: null }]);
    machine.set(1, 900);
    machine.clock.advanceSync(60_000);
    machine.meter.close();
    assert.equal(machine.sum.cpuMs, 200);
    assert.equal(machine.clock.timersLive, 0);
  });

  test('samples no program that has the number of another one', () => {
    const machine = new Machine();
    machine.set(1, 100);
    start(machine, 1);
    machine.set(1, 9000, { startTicks: 'other' });
    machine.clock.advanceSync(10_000);
    assert.equal(machine.sum.cpuMs, 100);
  });
});

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Event, EventKind, NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type CrashLoop, CrashLoops } from './crash-loops.ts';
import type { ApplicationStatus } from '../core/schemas/status.ts';

const minute = 60_000;

describe('a crash loop', () => {
  let clock: SimulatedClock;
  let loops: CrashLoops;

  beforeEach(() => {
    clock = new SimulatedClock();
    loops = new CrashLoops(clock);
  });

  const hear = <K extends EventKind>(kind: K, number: number, event: Partial<NewEvent<K>> = {}): void =>
    loops.onEvent({ kind, subject: `instance:web/${number}`, reason: '', ...event } as unknown as Event);
  const ready = (number = 1): void => hear('instance_ready', number, { from: 'starting', to: 'ready' });
  const ends = (failures: number, number = 1, output: readonly string[] = ['no database']): void => {
    const evidence = { pid: 1, code: 3, signal: null, outOfMemory: false, afterMs: 1, output };
    const reason = 'exited with code 3; last line: "no database"';
    hear('instance_exited', number, { reason, evidence, from: 'ready', to: 'exited' });
    hear('instance_restarting', number, { evidence: { afterMs: 900, failures } });
  };
  /** Ready for `runMs` before each of its ends, and ready again after the last one. */
  const runs = (count: number, runMs: number, failuresOf: (end: number) => number = (end) => end): void => {
    ready();
    for (let end = 1; end <= count; end += 1) {
      clock.advanceSync(runMs);
      ends(failuresOf(end));
      ready();
    }
  };
  const told = (...phases: string[]): string => {
    return found(phases.length === 0 ? ['ready'] : phases)
      .map(({ application, reason }) => `${application}: ${reason}`)
      .join();
  };
  /** An instance whose phase is 'earlier' is ready, and of an earlier configuration. */
  const found = (phases: readonly string[]): readonly CrashLoop[] => {
    const instances = phases.map((phase, index) => ({
      id: `web/${index + 1}`,
      phase: phase === 'earlier' ? 'ready' : phase,
      earlierCommand: phase === 'earlier' ? ['old'] : null,
    }));
    return loops.list([{ id: 'web', command: [], instances } as unknown as ApplicationStatus]);
  };

  test('is told after the third end in a row, with how often, how last, and what requests do meanwhile', () => {
    runs(2, 20_000);
    assert.equal(told(), '', 'two may be an accident');
    clock.advanceSync(20_000);
    ends(3);
    clock.advanceSync(20_000);
    const expected =
      'web: web/1 has ended 3 times in 60 s, the last time: exited with code 3; last line: "no database"; between its runs requests wait, or get a 503.';
    assert.equal(told('backing_off'), expected);
    ready();
    assert.equal(told('ready'), expected, 'also while it is ready');
    const [loop] = found(['ready']);
    assert.match(loop?.nextStep ?? '', /Read the last output of the instance.*fix the cause of the exit/);
  });

  test('leads to the output of its last end only if that printed something', () => {
    for (const failures of [1, 2, 3]) ends(failures, 1, []);
    assert.match(found(['backing_off'])[0]?.nextStep ?? '', /writes elsewhere, and let it print why it ends/);
  });

  test('is told of an instance that was never ready, unless one of an earlier configuration serves', () => {
    for (const failures of [1, 2, 3]) {
      clock.advanceSync(1000);
      ends(failures);
    }
    const expected =
      'web: web/1 has ended 3 times in 2 s, the last time: exited with code 3; last line: "no database"; no instance of web is ready, and requests get a 503.';
    assert.equal(told('backing_off'), expected);
    assert.match(told('backing_off', 'ready'), /; web\/2 serves\.$/);
    assert.equal(told('backing_off', 'earlier'), '', 'it is a failing release');
    ready();
    clock.advanceSync(minute);
    assert.equal(told('ready'), '');
  });

  test('is told of a fourth end within ten minutes, though the runs between them lasted', () => {
    runs(3, 2.4 * minute, () => 1);
    assert.equal(told(), '');
    clock.advanceSync(2.4 * minute);
    ends(1);
    assert.match(told(), /web\/1 has ended 4 times in 8 minutes/);
    ready();
    clock.advanceSync(2.3 * minute);
    assert.match(told(), /has ended/, 'it was ready for so long before its last end too');
    clock.advanceSync(0.2 * minute);
    assert.equal(told(), '');
  });

  test('is over when the instance has been ready for a minute, not while its checks fail', () => {
    runs(3, 5_000);
    clock.advanceSync(59_000);
    assert.match(told(), /has ended 3 times/);
    hear('instance_not_ready', 1, { from: 'ready', to: 'failing' });
    clock.advanceSync(30_000);
    assert.match(told('failing'), /has ended 3 times/);
    ready();
    clock.advanceSync(minute);
    assert.equal(told(), '');
  });

  test('stays over when the checks of the instance fail later, until it ends again', () => {
    runs(3, 5_000);
    clock.advanceSync(5 * minute);
    assert.equal(told(), '');
    hear('instance_not_ready', 1, { from: 'ready', to: 'failing' });
    assert.equal(told('failing'), '', 'nothing has ended since');
    ready();
    assert.equal(told(), '');
    ends(1);
    assert.match(told(), /has ended 4 times in 6 minutes/);
  });

  test('is not told of the first end after a long run, before it is known to be the first in a row', () => {
    runs(3, 5_000);
    clock.advanceSync(60 * minute);
    const evidence = { pid: 1, code: 3, signal: null, outOfMemory: false, afterMs: 1, output: [] };
    hear('instance_exited', 1, { reason: 'exited with code 3', evidence, from: 'ready', to: 'exited' });
    assert.equal(told('exited'), '');
  });

  test('is forgotten with its instance, also of one that was replaced while it waited for its next start', () => {
    runs(3, 5_000);
    ready(2);
    loops.use([{ id: 'web/1' }, { id: 'web/2' }]);
    assert.notEqual(told(), '');
    loops.use([{ id: 'web/2' }]);
    assert.equal(told(), '');
  });

  test('is not told of ends that are hours apart, of an instance that was never ready, or of one that the gateway stops', () => {
    runs(5, 60 * minute, () => 1);
    assert.equal(told(), '');
    for (const failures of [1, 2, 3, 4]) ends(failures, 2);
    assert.equal(told('earlier', 'backing_off'), '');
    runs(3, 1000);
    assert.notEqual(told(), '');
    hear('instance_exited', 1, { from: 'stopping', to: 'stopping' });
    assert.equal(told(), '');
  });

  test('is over as soon as an instance is ready that had only failed to start, and counts anew from then on', () => {
    for (const failures of [1, 2, 3, 4]) {
      ends(failures);
      clock.advanceSync(1000);
    }
    assert.notEqual(told('backing_off'), '');
    ready();
    assert.equal(told('ready'), '', 'it has never ended while it served');
    clock.advanceSync(5000);
    ends(5);
    ready();
    clock.advanceSync(5000);
    ends(6);
    ready();
    assert.equal(told('ready'), '', 'two may be an accident');
    clock.advanceSync(5000);
    ends(7);
    assert.match(told('backing_off'), /^web: web\/1 has ended 3 times in 10 s/);
    ready();
    clock.advanceSync(10 * minute);
    ends(1);
    assert.equal(told('backing_off'), '');
  });

  test('is told of a program that cannot be started', () => {
    const evidence = { command: './start.sh', directory: '/srv', errno: 'ENOENT' };
    for (const failures of [1, 2, 3]) {
      hear('instance_not_started', 1, { reason: 'there is no program "./start.sh"', evidence, from: 'starting' });
      hear('instance_restarting', 1, { evidence: { afterMs: 900, failures } });
      clock.advanceSync(1000);
    }
    const [loop] = found(['backing_off']);
    assert.equal(
      loop?.reason,
      'web/1 could not be started 3 times in 3 s, the last time: there is no program "./start.sh"; no instance of web is ready, and requests get a 503.',
    );
    assert.match(loop?.nextStep ?? '', /^Correct what keeps the program from starting/);
  });

  test('offers the earlier configuration where an instance of it was ready, and the new one has taken its port', () => {
    ready();
    loops.use([{ id: 'web/2' }]);
    for (const failures of [1, 2, 3]) ends(failures, 2);
    const [loop] = found(['stopped', 'backing_off']);
    assert.match(loop?.reason ?? '', /no instance of web is ready, and requests get a 503\.$/);
    assert.match(loop?.nextStep ?? '', /; or restore its earlier configuration and run `candor reload`\.$/);
  });

  test('has gone on since its first end, also when that is longer ago than the window', () => {
    ready();
    clock.advanceSync(30_000);
    const firstEnd = clock.now();
    ends(1);
    runs(119, 30_000);
    assert.equal(found(['ready'])[0]?.since, firstEnd);
    clock.advanceSync(minute);
    ends(1);
    runs(4, 20_000);
    assert.ok((found(['ready'])[0]?.since ?? 0) > firstEnd + 30 * minute, 'it had run well meanwhile');
  });

  test('counts the ends that an earlier process has seen', () => {
    hear('instance_adopted', 1, { to: 'ready' });
    clock.advanceSync(1000);
    ends(7);
    assert.match(told(), /^web: web\/1 has ended 7 times in a row, the last time: exited with code 3/);
  });

  test('names the instances that serve, or how many others end too', () => {
    for (const number of [1, 2, 3]) ready(number);
    for (const failures of [1, 2, 3]) ends(failures, 2);
    assert.match(told('ready', 'backing_off', 'ready'), /web\/2 has ended 3 times in 1 s,.*; web\/1, web\/3 serve\.$/);
    for (const failures of [1, 2, 3, 4]) ends(failures, 3);
    assert.match(
      told('ready', 'backing_off', 'ready'),
      /web\/3 has ended 4 times.*; 1 more of web end.*; web\/1 serves\.$/,
    );
  });
});

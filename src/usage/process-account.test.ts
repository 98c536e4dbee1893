import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProgramTimes } from '../system/process-times.ts';
import { ProcessAccount } from './process-account.ts';

/** `[parent, own, waited]` of each process, in milliseconds, and its start where it is another one than before. */
type Written = Readonly<Record<number, readonly [parent: number, own: number, waited: number, start?: string]>>;

const times = (processes: Written, group: ProgramTimes['group'] = null): ProgramTimes => ({
  processes: new Map(
    Object.entries(processes).map(([pid, [parent, ownMs, waitedMs, startTicks = `${pid}0`]]) => [
      Number(pid),
      { startTicks, parent, ownMs, waitedMs, residentBytes: 1000 },
    ]),
  ),
  group,
});

/** The program is process 7. */
const cases: readonly (readonly [name: string, readings: readonly Written[], used: readonly number[]])[] = [
  ['one process', [{ 7: [1, 100, 0] }, { 7: [1, 350, 0] }], [100, 250]],
  [
    'its children',
    [
      { 7: [1, 100, 0], 8: [7, 50, 0] },
      { 7: [1, 110, 0], 8: [7, 90, 0] },
    ],
    [150, 50],
  ],
  [
    'a child that has ended, and was waited for: once',
    [{ 7: [1, 100, 0], 8: [7, 50, 0] }, { 7: [1, 100, 80] }],
    [150, 30],
  ],
  ['a child that came and went between two readings', [{ 7: [1, 100, 0] }, { 7: [1, 100, 400] }], [100, 400]],
  [
    'a child for which no one has waited: as it was last seen',
    [{ 7: [1, 100, 0], 8: [7, 500, 0] }, { 7: [1, 120, 0] }, { 7: [1, 130, 0] }],
    [600, 20, 10],
  ],
  [
    'one of two children that was waited for: no less than was seen of both',
    [{ 7: [1, 0, 0], 8: [7, 500, 0], 9: [7, 300, 0] }, { 7: [1, 0, 510] }],
    [800, 0],
  ],
  [
    'a grandchild whose parent has waited for it before it ended itself',
    [{ 7: [1, 0, 0], 8: [7, 100, 0], 9: [8, 300, 0] }, { 7: [1, 0, 420] }],
    [400, 20],
  ],
  [
    'a worker that was replaced by another with its number',
    [
      { 7: [1, 0, 0], 8: [7, 100, 0] },
      { 7: [1, 0, 100], 8: [7, 5, 0, 'later'] },
    ],
    [100, 5],
  ],
];

describe('the account of a program counts the CPU time of', () => {
  for (const [name, readings, expected] of cases)
    test(name, () => {
      const account = new ProcessAccount(7);
      const used = readings.map((one) => account.read(times(one)));
      assert.deepEqual(used, expected);
    });
});

describe('the account of a program', () => {
  test('counts the last moments by what the gateway has waited for', () => {
    const account = new ProcessAccount(7);
    account.read(times({ 7: [1, 100, 0] }));
    assert.deepEqual([account.ended(340), account.source], [240, 'waited']);
  });

  test('counts a program that ended before it was looked at', () => {
    const account = new ProcessAccount(7);
    assert.equal(account.ended(90), 90);
  });

  test('does not count children again for which the program has waited at its end', () => {
    const account = new ProcessAccount(7);
    account.read(times({ 7: [1, 100, 0], 8: [7, 50, 0] }));
    assert.equal(account.ended(100 + 60 + 5), 15);
  });

  test('takes the last sample of a program whose parent is another process', () => {
    const account = new ProcessAccount(7);
    account.read(times({ 7: [1, 100, 0] }));
    assert.deepEqual([account.ended(null), account.source], [0, 'sampled']);
  });

  test('takes the figures of a control group, from where the program came into it', () => {
    const account = new ProcessAccount(7);
    const path = '0::/shop';
    assert.equal(account.read(times({ 7: [1, 40, 0] })), 40);
    assert.equal(account.read(times({ 7: [1, 60, 0] }, { path, cpuMs: 1000 })), 20);
    assert.equal(account.read(times({ 7: [1, 70, 0] }, { path, cpuMs: 1500 })), 500);
    assert.deepEqual([account.endedInGroup(1525), account.source], [25, 'group']);
  });

  test('takes no figures of a control group that other programs share', () => {
    const account = new ProcessAccount(7);
    account.read(times({ 7: [1, 40, 0] }, { path: '0::/all', cpuMs: 9000 }), true);
    assert.equal(account.read(times({ 7: [1, 50, 0] }, { path: '0::/all', cpuMs: 19_000 }), true), 10);
  });

  test('goes on with its processes where its control group is gone', () => {
    const account = new ProcessAccount(7);
    account.read(times({ 7: [1, 40, 0] }, { path: '0::/shop', cpuMs: 1000 }));
    account.read(times({ 7: [1, 50, 0] }, { path: '0::/shop', cpuMs: 1600 }));
    assert.equal(account.read(times({ 7: [1, 75, 0] })), 25);
    assert.deepEqual(account.counted, { timesMs: 75, groupMs: null });
  });

  test('goes on where an earlier gateway has stopped counting', () => {
    const account = new ProcessAccount(7, { timesMs: 90, groupMs: null });
    assert.equal(account.read(times({ 7: [1, 100, 0] })), 10);
  });

  test('begins with the first reading of a program of which nothing is known', () => {
    const account = new ProcessAccount(7, null);
    assert.deepEqual(
      [100, 130].map((ms) => account.read(times({ 7: [1, ms, 0] }))),
      [0, 30],
    );
  });
});

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { ConnectionRefusalReason } from '../core/event.ts';
import { after } from '../core/time.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ClientProblems } from './client-problems.ts';
import type { RecentHttp2Limits } from './http2-limit-memory.ts';
import type { RecentRefusals } from './refusal-report.ts';

describe('the problems of clients and descriptors', () => {
  let clock: SimulatedClock;
  let refusals: RecentRefusals[];
  let descriptors: { limit: number; needed: number } | null;
  let http2Limits: RecentHttp2Limits | null;
  let problems: ClientProblems;

  beforeEach(() => {
    clock = new SimulatedClock();
    clock.advanceSync(100_000);
    refusals = [];
    http2Limits = null;
    descriptors = { limit: 200, needed: 11_024 };
    problems = new ClientProblems(
      clock,
      () => ({ refusals, descriptors, recentHttp2Limits: http2Limits }),
      (kind, since, reason, nextStep) => ({ kind, sinceS: (clock.now() - since) / 1000, reason, nextStep }),
    );
  });

  const ago = (ms: number) => after(clock.now(), -ms);
  const refused = (why: ConnectionRefusalReason, lastMs = 0, changes: Partial<RecentRefusals> = {}): void => {
    refusals = [{ why, count: 130, since: ago(20_000), lastAt: ago(lastMs), limit: 50, address: null, ...changes }];
  };
  const list = (shortage: string | null = null) =>
    problems.list(shortage === null ? null : { since: ago(3000), reason: shortage }, ago(90_000));
  const reasons = (shortage: string | null = null) =>
    list(shortage).map(({ kind, sinceS, reason }) => `${kind} for ${sinceS} s: ${reason}`);

  test('are clients that were refused in the last minute, and when the last of them was', () => {
    descriptors = null;
    refused('connections_max');
    assert.deepEqual(reasons(), [
      'clients_refused for 20 s: 130 clients were refused in the last minute: 50 connections were open, as many as are allowed.',
    ]);
    refused('connections_max', 12_000);
    assert.match(reasons().join(), /: 130 clients were refused in the last minute, the last of them 10 s ago: 50 /);
    refused('connections_max', 12_000, { count: 1 });
    assert.match(reasons().join(), /: A client was refused 10 s ago: 50 /);
  });

  for (const [what, lastMs, shortage, kind] of [
    ['the limit is lower than what the configuration may need', null, null, 'descriptors_few'],
    ['hardly any was left', null, 'hardly any descriptor was left of 200', 'descriptors_scarce'],
    ['clients were refused for it', 1000, 'hardly any descriptor was left of 200', 'clients_refused'],
    ['clients were refused for it, and there are enough again', 30_000, null, 'clients_refused'],
  ] as const)
    test(`name descriptors once, with the number that is needed, where ${what}`, () => {
      if (lastMs !== null) refused('descriptors', lastMs, { limit: 200 });
      const found = list(shortage);
      assert.deepEqual(
        found.map((problem) => problem.kind),
        [kind],
      );
      assert.match(found[0]?.reason ?? '', /200/);
      assert.match(found[0]?.nextStep ?? '', /^Set LimitNOFILE=11024 in the unit .*`ulimit -n 11024`/);
    });

  test('are none where the process may have as many descriptors as it may need', () => {
    descriptors = { limit: 20_000, needed: 11_024 };
    assert.deepEqual(list(), []);
    refused('descriptors');
    assert.match(list()[0]?.nextStep ?? '', /LimitNOFILE=40000 /, 'it spends more than its configuration needs');
  });

  test('name no number of descriptors where the limit of the process is not known', () => {
    descriptors = null;
    refused('descriptors', 0, { limit: null });
    assert.equal(problems.refusal, 'clients are refused: hardly any descriptor was left (ulimit -n)');
    const [found] = list();
    assert.match(found?.reason ?? '', /: hardly any descriptor was left \(ulimit -n\)\.$/);
    assert.match(
      found?.nextStep ?? '',
      /^Raise LimitNOFILE= in the unit of the gateway \(`ulimit -n` in the shell that starts it\), or lower/,
    );
  });

  for (const [lastMs, addresses, count, says] of [
    [
      0,
      ['192.0.2.1'],
      1,
      'An HTTP/2 connection was ended in the last minute, at the limit `resets` (1); from 192.0.2.1.',
    ],
    [
      30_000,
      ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'],
      60,
      '60 HTTP/2 connections were ended in the last minute, the last of them 30 s ago, at the limit `resets` (60); the last ones from 192.0.2.1, 192.0.2.2, 192.0.2.3 and 1 other.',
    ],
    [
      0,
      Array.from({ length: 100 }, (_, n) => `a${n}`),
      200,
      /; the last ones from a0, a1, a2 and 97 others or more\.$/,
    ],
  ] as const)
    test(`are HTTP/2 connections that were ended at a limit, with ${addresses.length} addresses`, () => {
      descriptors = null;
      const limits = [{ limit: 'resets', count }] as const;
      http2Limits = { since: ago(40_000), lastAt: ago(lastMs), limits, addresses };
      const [found, ...others] = list();
      assert.deepEqual([found?.kind, found?.sinceS, others], ['http2_limits_reached', 40, []]);
      if (typeof says === 'string') assert.equal(found?.reason, says);
      else assert.match(found?.reason ?? '', says);
    });

  for (const [limits, says] of [
    [
      [{ limit: 'abandoned', count: 1 }],
      'A client abandoned too many HTTP/2 requests by closing its connections in the last minute, at the limit `abandoned` (1); from 192.0.2.1.',
    ],
    [
      [
        { limit: 'resets', count: 5 },
        { limit: 'abandoned', count: 3 },
      ],
      '5 HTTP/2 connections were ended and clients closed 3 HTTP/2 connections after they had abandoned too many requests in the last minute, at the limits `resets` (5), `abandoned` (3); the last ones from 192.0.2.1.',
    ],
  ] as const)
    test(`are requests that clients abandoned, of ${limits.length} limits, and no connection is said to be ended for them`, () => {
      descriptors = null;
      http2Limits = { since: ago(40_000), lastAt: ago(0), limits, addresses: ['192.0.2.1'] };
      assert.deepEqual(reasons(), [`http2_limits_reached for 40 s: ${says}`]);
    });

  for (const [why, lastMs, refusal] of [
    ['connections_max', 1000, 'clients are refused: 50 connections were open, as many as are allowed'],
    ['connections_max', 4999, 'clients are refused: 50 connections were open, as many as are allowed'],
    ['connections_max', 5000, null],
    ['connections_per_address_max', 1000, null],
  ] as const)
    test(`clients are ${refusal === null ? 'not ' : ''}refused now ${lastMs} ms after the last one (${why})`, () => {
      refused(why, lastMs);
      assert.equal(problems.refusal, refusal);
    });
});

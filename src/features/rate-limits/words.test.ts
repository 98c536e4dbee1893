import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RateLimitsStatus, RateLimitView } from './settings.ts';
import { rateLimitsWords } from './words.ts';

const view: RateLimitView = {
  ...{ kind: 'route', id: '/login', name: 'login', by: 'address', rate: '5/m', burst: 5, atOnce: null, dryRun: false },
  ...{ admitted: 90, refused: 10, wouldRefuse: 0, topKeys: [{ key: '192.0.2.7', count: 9 }] },
};

const cases: readonly (readonly [
  name: string,
  shown: Partial<RateLimitView>,
  cells: string,
  note: string,
  reason: string,
])[] = [
  [
    'a limit that refuses',
    {},
    'route /login | login 5/m | 10 of 100 refused',
    '',
    'Most refusals in the last two minutes: 192.0.2.7 (9).',
  ],
  [
    'a dry run',
    { dryRun: true, refused: 0, wouldRefuse: 3, topKeys: [] },
    'route /login | login 5/m | would refuse 3 of 90',
    'dry run',
    '',
  ],
  [
    'a bound beside a rate',
    { atOnce: 4, topKeys: [] },
    'route /login | login 5/m, 4 at once | 10 of 100 refused',
    '',
    '',
  ],
];

for (const [name, shown, cells, note, reason] of cases)
  test(`people read of ${name}`, () => {
    const status: RateLimitsStatus = { rateLimits: [{ ...view, ...shown }], rateTable: null };
    const [row] = rateLimitsWords.status?.rows(status as never) ?? [];
    assert.deepEqual([row?.cells.join(' | '), row?.note, row?.reason], [cells, note, reason]);
  });

test('people read that the memory is full', () => {
  const status: RateLimitsStatus = { rateLimits: [], rateTable: { entries: 8, evicted: 3, untracked: 2 } };
  const [row] = rateLimitsWords.status?.rows(status as never) ?? [];
  assert.match(row?.cells.join('') ?? '', /3 keys made room for others, and 2 requests found none/);
});

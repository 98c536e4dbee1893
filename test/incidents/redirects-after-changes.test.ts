import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { targetCell } from '../../src/core/content-flaw.ts';
import { answerKey, contentKindOfText } from '../../src/core/content-kind.ts';
import { playFlows } from './played-flows.ts';

const method = 'POST';
const flows = [
  { name: 'seats', route: 'seats', perS: 8 },
  { name: 'hold', route: 'holds', perS: 4, path: '/holds', method },
];

const answered = (status: number, location: string): number =>
  answerKey(
    status,
    method,
    contentKindOfText(null),
    0,
    false,
    0,
    targetCell(location, status, { method, target: '/holds', authority: 'shop.test' }),
  );

/** After how many seconds an incident opened; `usual`: what is answered before. */
const openedAfterS = (now: number, usual?: number): number | null =>
  playFlows({
    flows,
    meets: ({ flow, at }) => {
      const answer = at < 0 ? usual : now;
      return flow === 'seats' || answer === undefined ? {} : { answer };
    },
  }).openedAfterS;

describe('a release answers requests that change something with a redirect', () => {
  const made = answered(303, '/holds/17');

  test('to what they have made: no incident, nor where that is as ever', () => {
    assert.deepEqual([openedAfterS(made), openedAfterS(made, made)], [null, null]);
  });

  const cases: readonly (readonly [what: string, now: number, usual?: number])[] = [
    ['to a page to log in', answered(303, '/login')],
    ['to that page, below the path', answered(303, '/holds/login')],
    ['to another host', answered(303, 'http://10.0.0.7/holds/17')],
    ['to a page to log in, where they led to what was made', answered(302, '/login'), made],
  ];
  for (const [what, now, usual] of cases)
    test(`${what}: an incident`, () => {
      const after = openedAfterS(now, usual);
      assert.ok(after !== null && after <= 30, String(after));
    });
});

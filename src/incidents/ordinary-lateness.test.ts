import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { latencyCellOf, latencyCells } from '../core/latency-cells.ts';
import { LateBesides, LateClients, shareIfSlower, timesSlower } from './ordinary-lateness.ts';

function cellsOf(...counts: readonly (readonly [ms: number, count: number])[]): Float64Array {
  const cells = new Float64Array(latencyCells);
  for (const [ms, count] of counts) (cells[latencyCellOf(ms)] as number) += count;
  return cells;
}

describe('how many times as long responses may take', () => {
  const usual = cellsOf([40, 900], [400, 100]);
  const cases: readonly (readonly [what: string, now: Float64Array, times: number])[] = [
    ['as ever', cellsOf([40, 900], [400, 100]), 1],
    ['all take half as long again', cellsOf([60, 900], [600, 100]), 1.4],
    ['all take ten times as long: no more than twice is ordinary', cellsOf([400, 900]), 2],
    ['two fifths take ten times as long: the faster half does not move', cellsOf([40, 600], [400, 400]), 1],
    ['of few responses little is known', cellsOf([40, 7], [70, 2]), 2],
    ['of none nothing is', cellsOf(), 2],
  ];
  for (const [what, now, times] of cases)
    test(what, () => assert.ok(Math.abs(timesSlower(usual, now) - times) < 0.1, String(timesSlower(usual, now))));

  test('what would be late then is so, with what is not known of few', () => {
    assert.equal(shareIfSlower(usual, 700, 1)[0], 0);
    assert.equal(shareIfSlower(usual, 700, 2)[0], 0.1);
    assert.ok(shareIfSlower(cellsOf([40, 20]), 700, 1)[1] > 0.1);
  });
});

/** In time and late ones of each second, before and since the hundredth. */
function besides(before: readonly [number, number], now: readonly [number, number], grown = 1): boolean {
  const found = new LateBesides();
  for (let second = 0; second < 130; second++) found.add(second, ...(second < 100 ? before : now));
  return found.areBesides(129, () => grown);
}

describe('late responses came besides the usual ones', () => {
  const cases: readonly (readonly [what: string, found: boolean, isBesides: boolean])[] = [
    ['where as many are in time as before', besides([10, 0], [10, 6]), true],
    ['not where they are missing there', besides([10, 0], [4, 6]), false],
    ['not where few are late: minutes differ as much', besides([10, 0], [10, 1]), false],
    ['not where others have twice as many requests', besides([10, 0], [10, 8], 2), false],
    ['not where nothing came before', besides([0, 0], [0, 6]), false],
  ];
  for (const [what, found, isBesides] of cases) test(what, () => assert.equal(found, isBesides));
});

describe('late responses are those of one newcomer', () => {
  function isOneNewcomer(late: readonly number[], inTime: readonly number[]): boolean {
    const clients = new LateClients();
    for (const client of inTime) clients.addInTime(client, 10);
    for (const client of late) clients.addLate(client, 100);
    // What it asks for besides may be in time.
    for (const client of late) clients.addInTime(client, 100);
    return clients.isOneNewcomer(101, 30);
  }
  const usual = [1, 1, 1, 2, 2, 2, 3, 3, 3];
  const cases: readonly (readonly [what: string, found: boolean, isOne: boolean])[] = [
    [
      'where nearly all are those of a client that was seldom answered before',
      isOneNewcomer([7, 7, 7, 7, 1], usual),
      true,
    ],
    ['not where it is a usual client', isOneNewcomer([1, 1, 1, 1], usual), false],
    ['not where there are several', isOneNewcomer([7, 8, 9, 7], usual), false],
    ['not where hardly any client is known', isOneNewcomer([7, 7, 7], []), false],
  ];
  for (const [what, found, isOne] of cases) test(what, () => assert.equal(found, isOne));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answersChanceMax, areFewerThanChance, haveReplaced, changedTogether } from './replaced-answers.ts';

const cases: readonly (readonly [what: string, usual: number, expected: number, widths: number, isFewer: boolean])[] = [
  ['six of ten, of many', 120, 200, 10, true],
  ['six of ten, of few', 12, 20, 10, false],
  ['none of few', 0, 12, 10, true],
  ['eight of ten', 1600, 2000, 10, false],
  ['seven of ten, where what was usual is known of a quarter of the time', 158, 225, 0.25, false],
  ['none where none are expected', 0, 0, 10, false],
];
for (const [what, usual, expected, widths, isFewer] of cases)
  test(`${what} of the usual answers: ${isFewer ? 'no chance' : 'may be chance'}`, () =>
    assert.equal(areFewerThanChance({ usual, expected, widths }, answersChanceMax), isFewer));

test('several routes answer otherwise together where each of them alone may be chance, and one route alone does not', () => {
  const found = { unusual: 24, usual: 36, expected: 60, widths: 8, since: 100, ofUsualClients: false, chance: 10 };
  const lanes = ['cart', 'api', 'checkout'].map((route) => ({ route, replaced: () => found }));
  assert.equal(areFewerThanChance(found, answersChanceMax), false);
  assert.equal(changedTogether(lanes, 108), 100);
  assert.equal(
    changedTogether(
      lanes.map((lane) => ({ ...lane, route: 'cart' })),
      108,
    ),
    null,
  );
});

test('refusals are in place of usual answers where as many of these are missing, though most are left', () => {
  const found = { usual: 164, expected: 200, widths: 10, since: 100, ofUsualClients: true, chance: 3 };
  const cases: readonly (readonly [unusual: number, usual: number, chance: number, hasReplaced: boolean])[] = [
    ...([
      [36, 164, 2.5, true],
      [36, 164, 10, false],
      [80, 120, 10, true],
    ] as const),
    // More are refused than are missing, or more are missing than are refused.
    ...([
      [100, 164, 2.5, false],
      [18, 164, 2.5, false],
      [15, 185, 0, false],
    ] as const),
  ];
  for (const [unusual, usual, chance, hasReplaced] of cases)
    assert.equal(haveReplaced({ ...found, unusual, usual, chance }, 0), hasReplaced, `${unusual} ${usual} ${chance}`);
});

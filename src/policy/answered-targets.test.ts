import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnsweredTargets } from './answered-targets.ts';

test('what was answered well is lost once three of it are missing within a minute', () => {
  const targets = new AnsweredTargets();
  for (let one = 0; one < 10; one++) targets.add(`/products/${one}`);
  const lost = (id: number, ms: number): boolean => targets.isLost(`/products/${id}`, ms);
  assert.deepEqual([lost(1, 0), lost(1, 10), lost(2, 20), lost(3, 30), lost(1, 40)], [false, false, false, true, true]);
  assert.deepEqual([lost(4, 61_000), lost(5, 61_001), lost(6, 61_002)], [false, false, true]);
});

test('what was never answered is not lost, though thousands of others were', () => {
  const targets = new AnsweredTargets();
  for (let one = 0; one < 20_000; one++) targets.add(`/products/${one}`);
  let lost = 0;
  for (let one = 0; one < 20_000; one++) if (targets.isLost(`/old/${one}?page=2`, one)) lost += 1;
  assert.ok(lost < 40, String(lost));
});

test('of more targets than it keeps, the latest are known', () => {
  const targets = new AnsweredTargets();
  for (let one = 0; one < 35_000; one++) targets.add(`/products/${one}`);
  for (const [id, isKnown] of [
    [34_999, true],
    [25_001, true],
    [1, false],
  ] as const) {
    for (let one = 0; one < 3; one++) targets.isLost(`/products/${30_000 + one}`, 0);
    assert.equal(targets.isLost(`/products/${id}`, 0), isKnown, String(id));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SteadyLateness } from './steady-lateness.ts';

/** The first second at which a part has become slow, where so many responses of two routes with twenty a second are late; null: never. */
function found(lateAt: (route: string, second: number) => number): number | null {
  const steady = new SteadyLateness();
  for (let second = 1; second <= 120; second++) {
    for (const route of ['cart', 'search']) {
      const late = lateAt(route, second);
      const slow = Array.from({ length: late }, (_, client) => ({ client: second * 10 + client, ms: 900 }));
      const usual = { usual: 0.01, limitMs: 500 };
      steady.add({ route, slow, awaited: [] }, { answered: 20, late, severe: late }, usual, second, 100);
    }
    if (steady.since(second, () => false) !== null) return second;
  }
  return null;
}

test('a moment in which all take long is no part that is slow, though its routes are late one after the other', () => {
  const from = { cart: 100, search: 104 } as Readonly<Record<string, number>>;
  const late = (route: string, second: number): number => {
    const at = second - (from[route] as number);
    return at >= 0 && at < 4 ? ([4, 6, 6, 1][at] as number) : 0;
  };
  assert.equal(found(late), null);
});

test('a part that is slow on two routes is found within ten seconds', () => {
  const at = found((_, second) => (second > 100 ? 2 : 0));
  assert.ok(at !== null && at <= 110, String(at));
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IncidentAddition, IncidentSuspect } from '../core/live-incident.ts';
import { IncidentAdditions } from './incident-additions.ts';
import { additionSentence } from './incident-sentence.ts';

/** Ten requests each second from second 100 on, of which all fail in `failing` from its second on. Returns the seconds of additions. */
function found(failing: Readonly<Record<string, number>>, until = 260): readonly string[] {
  const additions = new IncidentAdditions();
  const seen: string[] = [];
  for (let second = 100; second < until; second += 1) {
    for (const [route, since] of Object.entries(failing))
      additions.see('route', route, second, 10, second >= since ? 10 : 0);
    const one = additions.judge(second, 100);
    if (one !== null) seen.push(`${second}: ${[...one.routes].join(' ')}`);
  }
  return seen;
}

test('what begins to fail within ten seconds of an addition is told with the next one, so that one fault that spreads is no flood', () => {
  const spreading = { '/first': 100, '/a': 150, '/b': 152, '/c': 154, '/d': 157 };
  assert.deepEqual(found(spreading), ['151: /a', '161: /b /c /d']);
});

test('at most five additions are told', () => {
  const routes = Array.from({ length: 9 }, (_, at) => [`/${at}`, at === 0 ? 100 : 120 + 20 * at]);
  assert.equal(found(Object.fromEntries(routes), 400).length, 5);
});

describe('requests that fail in another way', () => {
  const seconds = (failsFrom: number): readonly number[] => {
    const additions = new IncidentAdditions();
    const told: number[] = [];
    for (let second = 100; second < 200; second += 1) {
      additions.see('family', 'slow', second, 10, second >= failsFrom ? 5 : 0);
      if (additions.judge(second, 100) !== null) told.push(second);
    }
    return told;
  };
  test('are told once, where they begin while the incident goes on', () => assert.equal(seconds(140).length, 1));
  test('belong to the incident where they begin with it', () => assert.deepEqual(seconds(108), []));
});

describe('the sentence of an addition', () => {
  const since = Date.UTC(2026, 0, 1, 12, 4, 5);
  const suspects = [{ sentence: 'shop/2 ended by itself.' } as IncidentSuspect];
  const none = { since, routes: [], endpoints: [], causes: [], suspects: [] };
  const cases: readonly (readonly [Partial<IncidentAddition>, string])[] = [
    [{ routes: ['/pay'], suspects }, 'the route /pay fails as well: shop/2 ended by itself.'],
    [{ causes: ['response_head_timeout'] }, 'requests also fail with response_head_timeout.'],
    [
      { endpoints: ['a/1', 'a/2'], causes: ['connect_timeout'] },
      'the endpoints a/1, a/2 fail as well, and requests also fail with connect_timeout.',
    ],
    [{ suspects }, 'also: shop/2 ended by itself.'],
    [{}, 'also: requests fail for another reason.'],
  ];
  for (const [facts, sentence] of cases)
    test(sentence, () => assert.equal(additionSentence({ ...none, ...facts }), `Since 12:04:05 UTC ${sentence}`));

  for (const [facts, sentence] of [
    [{ routes: ['/pay'], suspects }, 'the route /pay failed as well: shop/2 ended by itself.'],
    [{ causes: ['response_head_timeout'] }, 'requests also failed with response_head_timeout.'],
    [{}, 'also: requests failed for another reason.'],
  ] as const)
    test(`in the past tense, with its end, where its failures have ended: ${sentence}`, () =>
      assert.equal(
        additionSentence({ ...none, ...facts, until: since + 31_999 }),
        `From 12:04:05 to 12:04:36 UTC ${sentence}`,
      ));
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerKey, contentKindOfText, lostForm, sizeCells } from '../core/content-kind.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { IncidentTracker } from './incident-tracker.ts';

const json = contentKindOfText('application/json');
const well = (method: string): number => answerKey(200, method, json, 900, false);
const denied = (method: string): number => answerKey(401, method, json, 60, false);
const lost = lostForm * sizeCells;
const missing = answerKey(404, 'GET', json, 60, false);

/** So many requests a second at a path, and the share of them that is refused, `at` seconds after it began; before that `usual`. */
interface Flow {
  readonly method?: string;
  readonly path: string;
  readonly usual: number;
  readonly now?: (at: number) => readonly [perS: number, refusedShare: number];
  readonly refusal?: (method: string) => number;
  /** In place of these. */
  readonly answerOf?: (random: SeededRandom) => number;
}

const beginS = 90;
const others: readonly Flow[] = [
  { path: '/api/session', usual: 5 },
  { path: '/api/orders', usual: 3 },
  { path: '/api/orders/#', usual: 3 },
  { path: '/api/checkout', usual: 4, method: 'POST' },
];

/** Most do not hold, and what is said of the others is short. What is missing where a code held before is known to be lost. */
const held = new Set<number>();
const codes: Flow = {
  ...{ path: '/api/coupons/#', usual: 0, now: () => [4, 1] },
  answerOf: (random) => {
    const code = random.integer(500);
    if (random.next() >= 0.25) return held.has(code) ? lost : missing;
    held.add(code);
    return answerKey(200, 'GET', json, 90, false);
  },
};

/** The second in which an incident opened, after it began; null: none did in two minutes. */
function play(flows: readonly Flow[], seed: number): number | null {
  const random = new SeededRandom(seed);
  held.clear();
  const tracker = new IncidentTracker(0);
  for (let second = 1; second <= beginS + 120; second++) {
    const all: number[] = [];
    const patterns = [...others, ...flows].flatMap(
      ({ path, method = 'GET', usual, now, refusal = denied, answerOf }) => {
        const [perS, share] = second > beginS && now !== undefined ? now(second - beginS - 1) : [usual, 0];
        const answers = Array.from({ length: poisson(perS, random) }, () => [
          answerOf?.(random) ?? (random.next() < share ? refusal(method) : well(method)),
          1,
          1 << random.integer(32),
        ]).flat();
        all.push(...answers);
        return answers.length === 0 ? [] : [{ pattern: path, answers, latencies: [] }];
      },
    );
    const answered = all.length / 3;
    tracker.note(
      {
        exchanges: [sampleCount({ upstream: 'shop', route: 'api', count: answered, client: '127.0.66.1' })],
        ...{ outcomes: [], staleReusesFailed: 0 },
        routes: [
          {
            ...{ route: 'api', upstream: 'shop', endpoint: 'shop/1', answered, serverErrors: 0, latencies: [] },
            ...{ answers: all, patterns, failed: [], slow: [], awaited: [] },
          },
        ],
      },
      second * 1000 + 500,
    );
    const changes = tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
    if (changes.some(({ kind }) => kind === 'opened')) return second - beginS;
  }
  return null;
}

describe('requests that are refused besides the usual ones are no incident', () => {
  const cases: readonly (readonly [what: string, flows: readonly Flow[]])[] = [
    ['old passwords are typed first', [{ method: 'POST', path: '/api/login', usual: 3, now: () => [7.5, 1 / 3] }]],
    [
      'tokens that have expired are fetched anew',
      [{ path: '/v1/me', usual: 8, now: (at) => (at < 15 ? [12, 1 / 3] : [9, 1 / 9]) }],
    ],
    ['codes are tried that nobody asked for before', [codes]],
  ];
  for (const [what, flows] of cases)
    for (const seed of [1, 2, 3, 4]) test(`where ${what} (${seed})`, () => assert.equal(play(flows, seed), null));
});

describe('usual requests that are refused are an incident', () => {
  const cases: readonly (readonly [what: string, flows: readonly Flow[]])[] = [
    ['a fifth of them', [{ path: '/v1/me', usual: 8, now: () => [8, 1 / 5] }]],
    ['a fifth of changes', [{ method: 'POST', path: '/api/login', usual: 3, now: () => [3, 1 / 5] }]],
    [
      'those that ask for what was there',
      [{ path: '/api/coupons/#', usual: 4, now: () => [4, 1 / 3], refusal: () => lost }],
    ],
    ['and each is sent once more', [{ path: '/v1/me', usual: 8, now: () => [10.4, 0.45] }]],
  ];
  for (const [what, flows] of cases)
    for (const seed of [1, 2, 3, 4])
      test(`${what} (${seed})`, () => assert.ok((play(flows, seed) ?? Infinity) <= 80, String(play(flows, seed))));
});

function poisson(mean: number, random: SeededRandom): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > limit; product *= random.next()) count += 1;
  return count;
}

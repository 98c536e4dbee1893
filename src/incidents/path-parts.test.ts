import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerKey, contentKindOfText } from '../core/content-kind.ts';
import { latencyCellOf } from '../core/latency-cells.ts';
import { type AttemptOfClient, clientHash, type RouteTraffic } from '../core/route-traffic.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { IncidentTracker } from './incident-tracker.ts';

const [json, html] = ['application/json', 'text/html'].map((type) => contentKindOfText(type)) as [number, number];

interface Answer {
  readonly ms: number;
  readonly kind?: number;
  readonly status?: number;
}

interface Play {
  readonly answer: (second: number, path: string, client: string, drawn: number) => Answer;
  /** Requests a second for `/search`. */
  readonly searches?: (second: number) => number;
  readonly clientOf?: (drawn: number, second: number) => string;
}

const slowReports: Play['answer'] = (_, path, _client, drawn) => ({
  ms: path === '/reports/#' ? 400 + 300 * drawn : 20,
});

/** One route is a whole application of twelve paths, of which one always takes half of a second; what incidents say. */
function play({ answer, searches = () => 3, clientOf }: Play): { told: string; first: string; evidence: string } {
  const random = new SeededRandom(5);
  const tracker = new IncidentTracker(0);
  const told: string[] = [];
  const found = { first: '', evidence: '' };
  const paths = ['/search', '/reports/#', ...Array.from({ length: 10 }, (_, at) => `/api/${'abcdefghij'[at]}`)];
  for (let second = 1; second < 240; second++) {
    const cells = new Map<number, number>();
    const all = new Map<number, [count: number, clients: number]>();
    const patterns: NonNullable<RouteTraffic['patterns']>[number][] = [];
    let answered = 0;
    for (const path of paths) {
      const counted = { answers: [] as number[], latencies: [] as number[], slow: [] as AttemptOfClient[] };
      const count = Math.floor(
        (path === '/search' ? searches(second) : path === '/reports/#' ? 15 : 10) + random.next(),
      );
      for (let one = 0; one < count; one++) {
        const client = clientOf?.(random.next(), second) ?? `127.0.66.${Math.floor(14 * random.next())}`;
        const { ms, kind = json, status = 200 } = answer(second, path, client, random.next());
        const key = answerKey(status, 'GET', kind, 900 + Math.floor(200 * random.next()), false);
        const cell = latencyCellOf(ms);
        counted.latencies.push(cell, 1);
        cells.set(cell, (cells.get(cell) ?? 0) + 1);
        if (ms > 100 && counted.slow.length < 4) counted.slow.push({ client: clientHash(client), ms });
        const bit = 1 << (clientHash(client) & 31);
        counted.answers.push(key, 1, bit);
        const [before, clients] = all.get(key) ?? [0, 0];
        all.set(key, [before + 1, clients | bit]);
        answered += 1;
      }
      if (count > 0) patterns.push({ pattern: path, ...counted });
    }
    const traffic: RouteTraffic = {
      ...{ route: 'shop', upstream: 'shop', endpoint: 'shop/1', answered, serverErrors: 0, failed: [], slow: [] },
      ...{
        latencies: [...cells].flat(),
        awaited: [],
        patterns,
      },
      answers: [...all].flatMap(([key, [count, clients]]) => [key, count, clients]),
    };
    const exchanges = [sampleCount({ upstream: 'shop', route: 'shop', count: answered, client: '127.0.66.1' })];
    tracker.note({ exchanges, outcomes: [], routes: [traffic], staleReusesFailed: 0 }, second * 1000 + 500);
    for (const { kind, incident } of tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }))) {
      if (kind === 'grown') continue;
      told.push(`${kind} ${second}`);
      if (kind !== 'opened') continue;
      found.first = incident.suspects[0]?.sentence ?? '';
      found.evidence = incident.suspects[0]?.evidence.join('; ') ?? '';
    }
  }
  return { told: told.join(), ...found };
}

describe('what happens at one path of a route that is a whole application is an incident', () => {
  test('its responses have become slow, though others of the route always take as long', () => {
    const { told, evidence } = play({
      answer: (second, path, client, drawn) =>
        path === '/search' && second >= 120 ? { ms: 700 } : slowReports(second, path, client, drawn),
    });
    assert.match(told, /^opened 1[23]\d$/);
    assert.match(evidence, /of those of the route shop at \/search take longer than 160 ms, where half took 20 ms/);
  });

  test('it answers with HTML in place of JSON', () => {
    const { told, first } = play({
      answer: (second, path, client, drawn) =>
        path === '/search' && second >= 120 ? { ms: 20, kind: html } : slowReports(second, path, client, drawn),
      searches: () => 6,
    });
    assert.match(told, /^opened 1[23]\d$/);
    assert.match(first, /HTML on the route shop at \/search, where JSON was usual/);
  });

  test('and is over when the path is as before', () => {
    const { told } = play({
      answer: (second, path, client, drawn) =>
        path === '/search' && second >= 120 && second < 150 ? { ms: 700 } : slowReports(second, path, client, drawn),
      searches: () => 6,
    });
    assert.match(told, /^opened 1[23]\d,resolved (?:1[6-9]|2\d)\d$/);
  });
});

describe('no incident', () => {
  const cases: readonly (readonly [what: string, play: Play])[] = [
    ['all paths are as ever', { answer: slowReports }],
    [
      'one client gets what is slow',
      {
        answer: (second, path, client, drawn) =>
          path === '/search' && second >= 120 && client === '127.0.66.3'
            ? { ms: 900 }
            : slowReports(second, path, client, drawn),
        searches: (second) => (second >= 120 ? 20 : 3),
        clientOf: (drawn, second) =>
          second >= 120 && drawn < 0.8 ? '127.0.66.3' : `127.0.66.${Math.floor(14 * drawn)}`,
      },
    ],
    ['a path is asked for ten times as often', { answer: slowReports, searches: (second) => (second >= 120 ? 30 : 3) }],
    [
      'a path that was never asked for before is slow',
      {
        answer: (second, path, client, drawn) =>
          path === '/search' ? { ms: 900 } : slowReports(second, path, client, drawn),
        searches: (second) => (second >= 120 ? 4 : 0),
      },
    ],
  ];
  for (const [what, one] of cases) test(what, () => assert.equal(play(one).told, ''));
});

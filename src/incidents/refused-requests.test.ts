import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Cause } from '#failures/failure.ts';
import type { ExchangeCount } from '../core/counters.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import type { Event } from '../core/event.ts';
import { IncidentTracker } from './incident-tracker.ts';
import { RefusedRequests } from './refused-requests.ts';

interface Play {
  readonly cause: Cause | 'none';
  readonly route?: string;
  /** Requests that the gateway refuses in a second. */
  readonly refused: (second: number) => number;
  readonly clients?: number;
  /** When a configuration is applied; Infinity: none is. */
  readonly appliedAt?: number;
  readonly changed?: string;
  readonly seconds?: number;
}

function play({
  cause,
  route = '',
  refused,
  clients = 8,
  appliedAt = 100,
  changed = 'client (body_max)',
  seconds = 300,
}: Play): readonly string[] {
  const tracker = new IncidentTracker(0);
  const told: string[] = [];
  const applied = (revision: number, parts: readonly string[]): Event =>
    ({
      ...{
        kind: 'configuration_applied',
        subject: 'gateway',
        actor: 'admin',
        revision,
        reason: '',
        from: null,
        to: null,
        at: 0,
      },
      evidence: { changed: parts, contentHash: `${revision}`, source: 'candor.yaml' },
    }) as unknown as Event;
  tracker.onEvent(applied(1, ['everything']), 0);
  for (let second = 1; second <= seconds; second++) {
    if (second === appliedAt) tracker.onEvent(applied(2, [changed]), second * 1000 + 300);
    const count = refused(second);
    const of = { upstream: '', route, count, cause, end: 'generated', statusClass: '4xx' } as const;
    const by = Array.from({ length: clients }, (_, at) => ({ client: `10.0.0.${at}`, count: 1 }));
    const one: Partial<ExchangeCount> =
      cause === 'none'
        ? { client: `10.0.0.${second % clients}` }
        : { shape: 'client_abort', clients: by, whose: 'client' };
    const exchanges = [sampleCount({ upstream: 'shop', route: 'cart', count: 40, client: '10.0.0.1' })];
    if (count > 0) exchanges.push(sampleCount({ ...of, ...one }));
    tracker.note({ exchanges, outcomes: [], staleReusesFailed: 0 }, second * 1000 + 600);
    for (const { kind, incident } of tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] })))
      if (kind !== 'grown')
        told.push(
          `${kind} ${second} ${incident.whose} ${incident.suspects[0]?.name} ${incident.suspects[0]?.evidence[0]}`,
        );
  }
  return told;
}

const since =
  (at: number, count: number) =>
  (second: number): number =>
    second >= at ? count : 0;

describe('what a new configuration refuses is an incident, whose first suspect is the configuration', () => {
  const cases: readonly (readonly [what: string, play: Play])[] = [
    ['413 and 431', { cause: 'request_refused', refused: since(100, 2) }],
    ['404', { cause: 'no_route', refused: since(100, 4), changed: 'routes: cart, pages' }],
    [
      '408 of uploads that are too slow for it',
      { cause: 'request_body_timeout', refused: since(100, 2), changed: 'client (body_rate_min)' },
    ],
    [
      '429',
      {
        cause: 'too_many_connections_from_address',
        refused: since(100, 3),
        changed: 'client (connections_per_address_max)',
      },
    ],
    [
      '404, beside those of scanners',
      { cause: 'no_route', refused: (second) => (second >= 100 ? 6 : second % 2), changed: 'routes: cart' },
    ],
  ];
  for (const [what, one] of cases)
    test(what, () => {
      const [opened = '', ...others] = play(one);
      assert.match(opened, /^opened 10\d operator configuration_change revision 2, requested by admin, changed /);
      assert.ok(opened.endsWith(`changed ${one.changed ?? 'client (body_max)'}`), opened);
      assert.deepEqual(others, []);
    });

  test('403 of a route that was served before', () => {
    const [opened = ''] = play({ cause: 'none', route: 'cart', refused: since(100, 20), changed: 'routes: cart' });
    assert.match(opened, /^opened 10\d operator configuration_change /);
  });

  test('it is over when the requests are served again', () => {
    const told = play({
      cause: 'no_route',
      changed: 'routes: cart',
      refused: (second) => (second >= 100 && second < 140 ? 6 : 0),
      seconds: 400,
    });
    assert.match(told[1] ?? '', /^resolved (?:1[4-9]|2\d)\d /);
    assert.equal(told.length, 2);
  });
});

describe('no incident', () => {
  const cases: readonly (readonly [what: string, play: Play])[] = [
    ['scanners, after a new configuration as before', { cause: 'no_route', refused: () => 3 }],
    ['a scanner that begins after a new configuration', { cause: 'no_route', refused: since(105, 4), clients: 2 }],
    [
      'requests that are refused without a new configuration',
      { cause: 'request_refused', refused: since(100, 4), appliedAt: Infinity },
    ],
    ['a new route that the gateway answers itself', { cause: 'none', route: 'closed', refused: since(100, 4) }],
    ['the first minutes of the gateway', { cause: 'request_refused', refused: since(10, 4), appliedAt: 10 }],
  ];
  for (const [what, one] of cases) test(what, () => assert.deepEqual(play(one), []));
});

test('of the clients no more are remembered than it takes, however many there are', () => {
  const requests = new RefusedRequests();
  const all = sampleCount({ upstream: 'shop', route: 'cart', count: 40 });
  const refused = (second: number) =>
    requests.add(
      sampleCount({
        ...{ upstream: '', route: '', count: 20, cause: 'request_refused', end: 'generated', statusClass: '4xx' },
        clients: Array.from({ length: 50 }, (_, at) => ({ client: `10.0.${second}.${at}`, count: 1 })),
      }),
      second,
    );
  for (let second = 1; second <= 110; second++) {
    if (second === 100) requests.onApplied(100_000);
    requests.add(all, second);
    if (second >= 100) refused(second);
  }
  assert.equal([...requests.judge(110)].length, 1);
  assert.equal(refused(111)?.clients.size, 3);
});

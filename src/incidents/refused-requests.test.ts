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
  /** Of one client: its address. */
  readonly client?: string;
  /** Who answers those that are refused, and those that are served. */
  readonly ends?: readonly [refused: ExchangeCount['end'], served: ExchangeCount['end']];
  /** Requests that a route serves in a second; by default the cart serves 40. */
  readonly served?: (second: number) => Readonly<Record<string, number>>;
  /** Since when those who are served have authenticated. */
  readonly usersFrom?: number;
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
  client,
  ends: [refusedEnd, servedEnd] = ['generated', 'forwarded'],
  served = () => ({ cart: 40 }),
  usersFrom = Infinity,
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
    const of = { upstream: '', route, count, cause, end: refusedEnd, statusClass: '4xx' } as const;
    const by = Array.from({ length: clients }, (_, at) => ({ client: client ?? `10.0.0.${at}`, count: 1 }));
    const one: Partial<ExchangeCount> =
      cause === 'none'
        ? { client: `10.0.0.${second % clients}` }
        : { shape: 'client_abort', clients: by, whose: 'client' };
    const exchanges = Object.entries(served(second)).map(([name, of]) =>
      sampleCount({
        ...{ upstream: 'shop', route: name, count: of, end: servedEnd },
        client: second < usersFrom ? '10.0.0.1' : 'user ann',
      }),
    );
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
    const [opened = '', ...more] = play({
      cause: 'none',
      route: 'cart',
      refused: since(100, 20),
      changed: 'routes: cart',
    });
    assert.match(opened, /^opened 10\d operator configuration_change /);
    assert.deepEqual(more, [], 'it goes on, and is no second incident');
  });

  test('404 of an application for pages that the gateway sent before', () => {
    const asked = { cause: 'none', route: 'cart', changed: 'routes: cart', ends: ['forwarded', 'generated'] } as const;
    const served = (second: number) => ({ cart: second >= 100 ? 0 : 20, pages: 32 });
    const [opened = '', ...more] = play({ ...asked, refused: since(100, 20), served });
    assert.match(opened, /^opened 10\d operator configuration_change /);
    assert.deepEqual(more, []);
    assert.deepEqual(play({ ...asked, refused: () => 20, served }), [], 'it did so before');
    const application = { ...asked, ends: ['forwarded', 'forwarded'] } as const;
    assert.deepEqual(
      play({ ...application, refused: since(100, 20), served }),
      [],
      'that of an application is another rule',
    );
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

describe('a new route that refuses is an incident where an old one serves fewer for it', () => {
  const preview = { cause: 'not_authenticated', route: 'preview', changed: 'routes: preview' } as const;
  /** Served in a second, from the new configuration on and before it. */
  const from =
    (after: Readonly<Record<string, number>>, before: Readonly<Record<string, number>> = { cart: 8, pages: 32 }) =>
    (second: number): Readonly<Record<string, number>> =>
      second >= 100 ? after : before;
  const incident: readonly (readonly [what: string, play: Play])[] = [
    ['a route under another name', { ...preview, refused: since(100, 8), served: from({ pages: 32 }) }],
    ['a third of all paths', { ...preview, refused: since(100, 13), served: from({ cart: 5, pages: 22 }) }],
    ['403 of it', { ...preview, cause: 'access_denied', refused: since(100, 8), served: from({ pages: 32 }) }],
  ];
  const none: readonly (readonly [what: string, play: Play])[] = [
    ['strangers who ask for a preview', { ...preview, refused: since(100, 5) }],
    [
      'clients who ask for it, of whom some log in',
      { ...preview, refused: since(100, 5), served: from({ cart: 8, pages: 32, preview: 2 }) },
    ],
    ['a limit of it', { ...preview, cause: 'rate_limited', refused: since(100, 20) }],
  ];
  for (const [what, one] of incident) test(what, () => assert.match(play(one)[0] ?? '', /^opened 10\d operator /));
  for (const [what, one] of none) test(`none: ${what}`, () => assert.deepEqual(play(one), []));
});

describe('a route that served clients and demands a login', () => {
  const demanded: Play = {
    cause: 'not_authenticated',
    route: 'cart',
    refused: since(100, 4),
    changed: 'routes: cart',
    usersFrom: 100,
  };
  const served = (after: number) => (second: number) => ({ cart: second >= 100 ? after : 8, pages: 32 });

  test('is no incident where they are let in once they have been asked', () => {
    assert.deepEqual(play({ ...demanded, served: served(8) }), []);
  });

  for (const [what, after, within] of [
    ['none is let in', 0, /^opened 10\d operator /],
    ['half of them are let in', 4, /^opened 1[01]\d operator /],
  ] as const)
    test(`is one where ${what}`, () => assert.match(play({ ...demanded, served: served(after) })[0] ?? '', within));

  test('is one where users are no longer known who were before', () => {
    assert.match(play({ ...demanded, usersFrom: 0, served: served(8) })[0] ?? '', /^opened 10\d operator /);
  });

  test('is one where few came before', () => {
    const seldom = (second: number) => ({ pages: 32, ...(second === 50 ? { cart: 1 } : {}) });
    assert.match(play({ ...demanded, served: seldom })[0] ?? '', /^opened 10\d operator /);
  });
});

describe('a newcomer that is refused in place of those who were served', () => {
  const limited = { cause: 'rate_limited', route: 'cart', clients: 1, appliedAt: Infinity } as const;
  const served = (after: number) => (second: number) => ({ cart: second >= 100 ? after : 40, pages: 32 });

  test('is an incident: a front that all come by now has one address', () => {
    const told = play({ ...limited, refused: since(100, 30), served: served(10) });
    assert.equal(told.length, 1, told.join('; '));
    assert.match(told[0] ?? '', /^opened 10\d client one_client 10\.0\.0\.0 has 100 % of the refused requests$/);
  });
  const none: readonly (readonly [what: string, play: Play])[] = [
    ['a crawler beside the others', { ...limited, refused: since(100, 30), served: served(40) }],
    ['a crawler at the end of a busy time', { ...limited, refused: since(100, 30), served: served(25) }],
    [
      'a client that was served before',
      { ...limited, client: '10.0.0.1', refused: since(100, 30), served: served(10) },
    ],
    ['a scanner of paths that no route has', { ...limited, route: '', refused: since(100, 30), served: served(10) }],
  ];
  for (const [what, one] of none) test(`none: ${what}`, () => assert.deepEqual(play(one), []));
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

describe('a route that now demands a login had let clients in', () => {
  const other = sampleCount({ upstream: 'shop', route: 'pages', count: 40 });
  const cases: readonly (readonly [what: string, before: (requests: RefusedRequests) => void, isTold: boolean])[] = [
    ['through tunnels that have not ended', (requests) => requests.noteServed('chat', 50), true],
    [
      'to files that the gateway sends',
      (requests) => requests.add(sampleCount({ route: 'chat', end: 'generated', statusClass: '2xx' }), 50),
      true,
    ],
    ['never', () => undefined, false],
  ];
  for (const [what, before, isTold] of cases)
    test(what, () => {
      const requests = new RefusedRequests();
      for (let second = 1; second < 105; second++) {
        if (second === 50) before(requests);
        if (second === 100) requests.onApplied(100_000);
        requests.add(other, second);
        const clients = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((client) => ({ client, count: 2 }));
        const refused = { upstream: '', route: 'chat', count: 6, cause: 'not_authenticated', clients } as const;
        if (second >= 100) requests.add(sampleCount({ ...refused, end: 'generated', statusClass: '4xx' }), second);
      }
      assert.equal([...requests.judge(104)].length, isTold ? 1 : 0);
    });
});

test('of the clients 32 are remembered, however many there are', () => {
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
  assert.equal(refused(111)?.clients.size, 32);
});

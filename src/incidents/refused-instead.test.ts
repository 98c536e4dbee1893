import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Cause } from '#failures/failure.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { IncidentTracker } from './incident-tracker.ts';

interface Play {
  readonly cause: Cause | 'none';
  /** Of the refused requests; '': they reach none. */
  readonly route?: string;
  /** Requests that are refused in a second, and those that the cart serves; seconds since 120, when something happens. */
  readonly refused: (at: number) => number;
  readonly served?: (at: number) => number;
  /** How many clients are refused, and the number of the first: 0 to 39 are served. */
  readonly clients?: readonly [count: number, first: number];
  /** Who is let in is known as a user. */
  readonly hasUsers?: boolean;
  readonly seed?: number;
}

const beginS = 120;
const seconds = 100;

/** Two routes, of which the cart serves 30 requests a second as a rule. */
function openedBy({
  cause,
  route = 'cart',
  refused,
  served = () => 30,
  clients: [count, first] = [40, 0],
  hasUsers = false,
  seed = 1,
}: Play): { readonly afterS: number; readonly first: string | undefined } | null {
  const random = new SeededRandom(seed);
  const tracker = new IncidentTracker(0);
  for (let second = 1; second <= beginS + seconds; second++) {
    const at = second - beginS;
    const servedBy = (): string => (hasUsers ? `user ${random.integer(40)}` : `10.0.0.${random.integer(40)}`);
    const exchanges = ['cart', 'cart', 'cart', 'pages'].map((name) =>
      sampleCount({
        ...{ upstream: 'shop', route: name, client: servedBy() },
        count: poisson(name === 'cart' ? served(at) / 3 : 20, random),
      }),
    );
    const requests = poisson(refused(at), random);
    const by = Array.from({ length: requests }, () => `10.0.0.${first + random.integer(count)}`);
    const one =
      cause === 'none' ? { client: by[0] ?? '' } : { shape: 'client_abort' as const, whose: 'client' as const };
    if (requests > 0)
      exchanges.push(
        sampleCount({
          ...{ upstream: route === '' ? '' : 'shop', route, cause, end: 'generated', statusClass: '4xx' },
          ...{ count: requests, ...one, clients: by.map((client) => ({ client, count: 1 })) },
        }),
      );
    tracker.note({ exchanges, outcomes: [], staleReusesFailed: 0 }, second * 1000 + 600);
    const changes = tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
    const opened = changes.find(({ kind }) => kind === 'opened');
    if (opened !== undefined) return { afterS: at, first: opened.incident.suspects[0]?.name };
  }
  return null;
}

function poisson(mean: number, random: SeededRandom): number {
  let count = 0;
  for (let product = random.next(); product > Math.exp(-mean); product *= random.next()) count += 1;
  return count;
}

const since =
  (perS: number, forS = Infinity) =>
  (at: number): number =>
    at >= 0 && at < forS ? perS : 0;
const left =
  (perS: number) =>
  (at: number): number =>
    at >= 0 ? perS : 30;

describe('usual clients that the gateway refuses in place of serving them are an incident without a new configuration', () => {
  const cases: readonly (readonly [what: string, play: Play, withinS: number, suspect: string])[] = [
    [
      'cookies have become too long',
      { cause: 'request_refused', route: '', refused: since(20), served: left(10) },
      12,
      'gateway_limit',
    ],
    [
      'a third of uploads is too large',
      { cause: 'request_refused', refused: since(10), served: left(20) },
      25,
      'gateway_limit',
    ],
    [
      'tokens are signed with another key',
      { cause: 'not_authenticated', refused: since(30), served: left(0), hasUsers: true },
      12,
      'dependency',
    ],
    [
      'all come from one address now, and a limit is met',
      { cause: 'rate_limited', refused: since(15), served: left(15) },
      15,
      'gateway_limit',
    ],
  ];
  for (const [what, play, withinS, suspect] of cases)
    test(what, () => {
      for (const seed of [1, 2, 3]) {
        const opened = openedBy({ ...play, seed });
        assert.ok((opened?.afterS ?? Infinity) <= withinS, `${opened?.afterS}`);
        assert.equal(opened?.first, suspect);
      }
    });
});

describe('no incident', () => {
  const strangers = [20, 100] as const;
  const cases: readonly (readonly [what: string, play: Play])[] = [
    ['nothing is refused', { cause: 'none', refused: () => 0 }],
    ['some requests are always refused', { cause: 'request_refused', route: '', refused: () => 3 }],
    [
      'a scanner sends what breaks rules',
      { cause: 'request_refused', route: '', refused: since(20), clients: [1, 200] },
    ],
    ['bots send what breaks rules', { cause: 'request_refused', route: '', refused: since(20), clients: strangers }],
    ['passwords are tried', { cause: 'not_authenticated', refused: since(30), clients: strangers, hasUsers: true }],
    [
      'passwords are tried while fewer are served',
      { cause: 'not_authenticated', refused: since(10), clients: strangers, served: left(24), hasUsers: true },
    ],
    ['tokens expire, and are fetched anew', { cause: 'not_authenticated', refused: since(10, 20), hasUsers: true }],
    ['usual clients send too much', { cause: 'rate_limited', refused: since(25) }],
    ['one client sends too much', { cause: 'rate_limited', refused: since(25), clients: [1, 3] }],
    ['a wave is limited', { cause: 'rate_limited', refused: since(40), served: left(45), clients: [90, 0] }],
    ['usual clients ask for what no route is for', { cause: 'no_route', route: '', refused: since(8) }],
    [
      'a scanner comes when a job ends',
      { cause: 'no_route', route: '', refused: since(12), clients: [1, 200], served: left(18) },
    ],
    [
      'strangers come when a job ends',
      { cause: 'no_route', route: '', refused: since(12), clients: strangers, served: left(18) },
    ],
    [
      'the evening comes, and few are refused',
      { cause: 'request_refused', route: '', refused: since(0.5), served: left(20) },
    ],
    ['a few uploads are too large', { cause: 'request_refused', refused: since(2), served: left(28) }],
    ['uploads that are too large come besides', { cause: 'request_refused', refused: since(9) }],
  ];
  for (const [what, play] of cases)
    test(`where ${what}`, () => {
      for (const seed of [1, 2, 3, 4]) assert.equal(openedBy({ ...play, seed }), null);
    });
});

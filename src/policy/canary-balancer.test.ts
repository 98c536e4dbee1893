import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Instant } from '../core/time.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import type { Balancer, BalancerContext } from './balancer.ts';
import { CanaryBalancer } from './canary-balancer.ts';
import { type EndpointOfRelease, ReleaseBalancer } from './release-balancer.ts';
import { SessionTokens } from './session-tokens.ts';
import { StickyBalancer, type StickySessions } from './sticky-sessions.ts';
import { TwoChoices } from './two-choices.ts';

const endpoint = (id: string, release: string, share: number | null): EndpointOfRelease => ({
  ...{ id, release, share, load: 0, weight: 1, zone: '', priority: 0, hasRoom: true },
});
const [a, b] = [endpoint('a', 'r1', 1), endpoint('b', 'r1', 1)];
const [n, m] = [endpoint('n', 'r2', null), endpoint('m', 'r2', null)];

const mac = (text: string): string => createHmac('sha256', 'key').update(text).digest('base64url');
const tokens = new SessionTokens(mac, 60_000);
const sessions = { spec: { cookie: 'at' }, tokens, wallTime: () => 0 } as unknown as StickySessions;
const sessionAt = (id: string): string => `at=${tokens.issue(tokens.tagOf(id), 0)}`;

interface SentRequest {
  readonly isTester?: boolean;
  readonly cookie?: string;
  readonly tried?: readonly EndpointOfRelease[];
}

const context = ({ isTester = false, cookie, tried = [] }: SentRequest): BalancerContext<EndpointOfRelease> => ({
  ...{ method: 'GET', path: '/', clientAddress: '127.0.0.1', tried, now: 0 as Instant },
  header: (name) => (name === 'x-canary' && isTester ? '1' : null),
  eachHeader: (name, visit) => {
    if (name === 'cookie' && cookie !== undefined) visit(cookie);
  },
});

/** All endpoints that such requests get. */
function got(endpoints: readonly EndpointOfRelease[], sent: SentRequest, isSticky = false): string {
  const random = new SeededRandom(3);
  const create = () => new TwoChoices<EndpointOfRelease>(random);
  const outer = (inner: Balancer<EndpointOfRelease>) => (isSticky ? new StickyBalancer(inner, sessions) : inner);
  const all = outer(new ReleaseBalancer<EndpointOfRelease>(create, random));
  const balancer = new CanaryBalancer(all, outer(create()), ({ header }) => header('x-canary') !== null);
  balancer.update(endpoints);
  const picks = Array.from({ length: 200 }, () => balancer.pick(context(sent))?.id ?? 'none');
  return [...new Set(picks)].toSorted().join('');
}

describe('a canary for some requests', () => {
  for (const [what, endpoints, sent, expected] of [
    ['gets those that match, at all of its endpoints', [a, b, n, m], { isTester: true }, 'mn'],
    ['gets none of the others', [a, b, n, m], {}, 'ab'],
    ['gets none of the others, whatever comes first', [n, a], {}, 'a'],
    ['gets none of the others that are sent again', [a, b, n], { tried: [a, b] }, 'ab'],
    ['gets one that matches again where it has another endpoint', [a, n, m], { isTester: true, tried: [n] }, 'm'],
    ['leaves one that it could not answer to the old release', [a, n], { isTester: true, tried: [n] }, 'a'],
    ['leaves those that match to the old release while it has no endpoint', [a, b], { isTester: true }, 'ab'],
    ['gets all while the old release has no endpoint', [n, m], {}, 'mn'],
  ] as const)
    test(what, () => assert.equal(got(endpoints, sent), expected));

  for (const [what, sent, expected] of [
    ['keeps a client that matches at its endpoint', { isTester: true, cookie: sessionAt('n') }, 'n'],
    ['takes one that matches from the old release', { isTester: true, cookie: sessionAt('a') }, 'mn'],
    ['keeps the session of a client that matched before', { cookie: sessionAt('m') }, 'm'],
    ['gets no client of the old release', { cookie: sessionAt('b') }, 'b'],
  ] as const)
    test(`with sessions ${what}`, () => assert.equal(got([a, b, n, m], sent, true), expected));

  test('has no part in the requests of releases that are drawn', () => {
    const drawn = [endpoint('a', 'r1', 0.5), endpoint('n', 'r2', 0.5)];
    assert.equal(got(drawn, { isTester: true }), 'an');
  });
});

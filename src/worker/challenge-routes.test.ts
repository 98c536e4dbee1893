import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ShownChallenge } from '../core/managed-tls.ts';
import { noBody, type RequestHead } from '../core/message.ts';
import type { Route } from '../exchange/ports.ts';
import { PairHeaders } from '../core/pair-headers.ts';
import { ChallengeRoutes } from './challenge-routes.ts';

const shown: ShownChallenge[] = [
  { kind: 'http-01', domain: 'example.org', token: 'token-1', keyAuthorization: 'token-1.thumb' },
  { kind: 'tls-alpn-01', domain: 'other.example', certificate: '', key: '' },
];
const path = '/.well-known/acme-challenge';
const configured = { id: 'configured' } as unknown as Route;
const settings = { errorPages: {}, disclosure: 'public' } as const;

function request(authority: string, target: string, method: string): RequestHead {
  const headers = new PairHeaders([]);
  const rest = { framing: noBody, upgrade: null, takesTrailers: false };
  return { method, scheme: 'http', authority, target, version: 'HTTP/1.1', headers, ...rest };
}

const client = { address: '192.0.2.1', listener: 'http', scheme: 'http' } as const;

for (const [authority, target, method, route] of [
  ['example.org', `${path}/token-1`, 'GET', 'acme-challenge'],
  ['example.org:80', `${path}/token-1`, 'HEAD', 'acme-challenge'],
  ['example.org', `${path}/token-1`, 'POST', 'configured'],
  ['example.org', `${path}/token-2`, 'GET', 'configured'],
  ['example.org', `${path}/token-1/x`, 'GET', 'configured'],
  ['example.org', `${path}/`, 'GET', 'configured'],
  ['other.example', `${path}/token-1`, 'GET', 'configured'],
  ['example.org', '/token-1', 'GET', 'configured'],
] as const)
  test(`${method} ${target} of ${authority} is for the route "${route}"`, () => {
    const router = new ChallengeRoutes(shown).routerOf({ route: () => configured }, settings);
    assert.equal(router.route(request(authority, target, method), client)?.id, route);
  });

test('a challenge is answered while it is shown', () => {
  const challenges = new ChallengeRoutes([]);
  const router = challenges.routerOf({ route: () => configured }, settings);
  const routeNow = (): string | undefined => router.route(request('example.org', `${path}/token-1`, 'GET'), client)?.id;
  assert.equal(routeNow(), 'configured');
  challenges.show(shown);
  assert.equal(routeNow(), 'acme-challenge');
  challenges.show([]);
  assert.equal(routeNow(), 'configured');
});

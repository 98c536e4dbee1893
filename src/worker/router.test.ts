import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { explainRoute } from '../control/explain-route.ts';
import type { RouteMatch, RouteSpec } from '../core/route-spec.ts';
import { noBody, type RequestHead } from '../core/message.ts';
import type { Route } from '../exchange/ports.ts';
import { PairHeaders } from '../testing/pair-headers.ts';
import { plainPath } from '../wire/plain-path.ts';
import { matchesPath } from '../policy/route-match.ts';
import { createRouter, type RouteEntry } from './router.ts';

const any: RouteMatch = { hosts: [], pathPrefix: '/', methods: [], headers: [] };

function request(authority: string, target: string, method = 'GET', headers: [string, string][] = []): RequestHead {
  return {
    method,
    scheme: 'http',
    authority,
    target,
    version: 'HTTP/1.1',
    headers: new PairHeaders(headers),
    framing: noBody,
    upgrade: null,
    takesTrailers: false,
  };
}

function entryOf(id: string, match: Partial<RouteMatch>): RouteEntry {
  return { match: { ...any, ...match }, route: { id } as unknown as Route };
}

const router = createRouter(
  (
    [
      ['api', { ...any, hosts: ['example.org'], pathPrefix: '/api' }],
      ['beta', { ...any, hosts: ['example.org'], headers: [{ name: 'x-beta', value: '1' }] }],
      ['signed', { ...any, hosts: ['example.org'], headers: [{ name: 'authorization', value: null }] }],
      ['writes', { ...any, hosts: ['example.org'], methods: ['POST', 'PUT'] }],
      ['subdomains', { ...any, hosts: ['*.example.org', 'other.example'] }],
      ['v6', { ...any, hosts: ['[::1]'] }],
      ['rest', { ...any, pathPrefix: '/rest/' }],
    ] as const
  ).map(([id, match]) => ({ match, route: { id } as unknown as Route })),
);

const table: readonly [request: RequestHead, route: string | undefined][] = [
  [request('example.org', '/api'), 'api'],
  [request('example.org:8080', '/api/users?x=1'), 'api'],
  [request('example.org', '/api?x'), 'api'],
  [request('example.org', '/apiary'), undefined],
  [request('example.org', '/', 'GET', [['x-beta', '1']]), 'beta'],
  [request('example.org', '/', 'GET', [['x-beta', '2']]), undefined],
  [request('example.org', '/', 'GET', [['authorization', 'anything']]), 'signed'],
  [request('example.org', '/', 'POST'), 'writes'],
  [request('example.org', '/', 'post'), undefined],
  [request('a.b.example.org', '/'), 'subdomains'],
  [request('notexample.org', '/'), undefined],
  [request('other.example:1', '/'), 'subdomains'],
  [request('[::1]:80', '/'), 'v6'],
  [request('[::1]', '/'), 'v6'],
  [request('elsewhere', '/rest/x'), 'rest'],
  [request('elsewhere', '/rest'), undefined],
  [request('', '/rest/'), 'rest'],
  [request('', '*', 'OPTIONS'), undefined],
  [request('elsewhere', '/%72est/x'), 'rest'],
  [request('elsewhere', '//rest//x'), 'rest'],
  [request('elsewhere', '/x/../rest/x'), 'rest'],
  [request('elsewhere', '/x/%2E%2e/rest/x'), 'rest'],
  [request('elsewhere', '/rest/../x'), undefined],
  [request('elsewhere', '/x?/../rest/'), undefined],
  [request('elsewhere', '/x%2Frest/'), undefined],
];

describe('the router', () => {
  for (const [asked, route] of table) {
    it(`gives ${route ?? 'none'} for ${asked.method} ${asked.authority}${asked.target}`, () => {
      for (let turn = 0; turn < 2; turn++) assert.equal(router.route(asked)?.id, route);
    });
  }

  it('takes the first route that matches, in the order of the configuration', () => {
    const both = createRouter(['one', 'two'].map((id) => ({ match: any, route: { id } as unknown as Route })));
    assert.equal(both.route(request('x', '/'))?.id, 'one');
  });

  it('gives the same routes after a client has sent more host names than the router remembers', () => {
    for (let n = 0; n < 3000; n++) assert.equal(router.route(request(`n${n}.example.org`, '/'))?.id, 'subdomains');
    assert.equal(router.route(request('example.org', '/api'))?.id, 'api');
  });

  it('a wildcard is for subdomains, not for the name itself', () => {
    const wild = createRouter([entryOf('wild', { hosts: ['*.x.org'] })]);
    assert.deepEqual(
      ['a.x.org', 'x.org', 'ax.org'].map((host) => wild.route(request(host, '/'))?.id),
      ['wild', undefined, undefined],
    );
  });

  it('takes the first matching route, whether its host is a name, a wildcard or absent', () => {
    const hosts: readonly string[][] = [['x.org'], ['*.org'], []];
    for (const first of hosts) {
      const others = hosts.filter((one) => one !== first);
      const many = createRouter([first, ...others].map((each) => entryOf(each.join(), { hosts: each })));
      assert.equal(many.route(request('x.org', '/'))?.id, first.join());
    }
  });

  it('looks only at the routes of a path, however many other routes there are', (context) => {
    const many = Array.from({ length: 1000 }, (_, number) => entryOf(`${number}`, { pathPrefix: `/p${number}` }));
    const counted = createRouter([...many, entryOf('rest', {})]);
    const { mock } = context.mock.method(String.prototype, 'startsWith');
    assert.equal(counted.route(request('x.org', '/p512/x'))?.id, '512');
    assert.equal(counted.route(request('x.org', '/other'))?.id, 'rest');
    assert.equal(mock.callCount(), 1);
  });

  it('a prefix ends at a slash, a question mark or the end', () => {
    const matching = ['/a', '/a/', '/a?b', '/ab', '/A', '/'].filter((target) => matchesPath('/a', target));
    assert.deepEqual(matching, ['/a', '/a/', '/a?b']);
  });
});

/** The router's promise in its simplest form: a walk over all routes in their order. */
function walk(entries: readonly RouteEntry[], asked: RequestHead): string | undefined {
  const target = plainPath(asked.target);
  const host = /^(.*?)(?::\d+)?$/.exec(asked.authority)?.[1] ?? '';
  const found = entries.find(({ match }) => {
    const { hosts, pathPrefix, methods, headers } = match;
    return (
      (hosts.length === 0 ||
        hosts.some((one) => (one.startsWith('*.') ? host.endsWith(one.slice(1)) : host === one))) &&
      matchesPath(plainPath(pathPrefix), target) &&
      (methods.length === 0 || methods.includes(asked.method)) &&
      headers.every(({ name, value }) => (value === null ? asked.headers.has(name) : asked.headers.get(name) === value))
    );
  });
  return found?.route.id;
}

const segment = fc.constantFrom('a', 'b', 'ab', '%61', 'A', '.', '..', '%2E%2e', '', 'a%2fb', 'a:b', '~', '%');
const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
const query = fc.constantFrom('', '', '?', '?/a', '?%61/../b', '?a?b');
const target = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(path, query).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.constantFrom('*', '', 'a:443', '//', '/.', '/..') },
);
const hosts = ['x.org', 'a.x.org', 'b.a.x.org', 'y.org', '[::1]', ''];
const patterns = fc.subarray(['x.org', 'a.x.org', '*.x.org', '*.a.x.org', '*.org', '[::1]', 'y.org']);
const headers: fc.Arbitrary<RouteMatch['headers']> = fc.subarray([
  { name: 'x-one', value: '1' },
  { name: 'x-two', value: null },
]);
const rarely = <T>(arbitrary: fc.Arbitrary<readonly T[]>): fc.Arbitrary<readonly T[]> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary });
const matchOf: fc.Arbitrary<RouteMatch> = fc.record({
  hosts: fc.oneof(fc.constant([]), patterns),
  pathPrefix: fc.oneof(fc.constant('/'), path, target),
  methods: rarely(fc.subarray(['GET', 'POST'])),
  headers: rarely(headers),
});
const asked = fc
  .tuple(
    fc.constantFrom(...hosts, ...hosts.map((host) => `${host}:8080`)),
    target,
    fc.constantFrom('GET', 'POST', 'HEAD'),
    fc.subarray<[string, string]>([
      ['x-one', '1'],
      ['x-two', 'x'],
    ]),
  )
  .map((parts) => request(...parts));

it('the index of routes finds the same route as a walk over all routes', () => {
  let [requests, hits] = [0, 0];
  fc.assert(
    fc.property(fc.array(matchOf, { maxLength: 12 }), fc.array(asked, { minLength: 1, maxLength: 8 }), (all, some) => {
      const entries = all.map((match, index) => entryOf(`${index}`, match));
      const index = createRouter(entries);
      for (const one of some) {
        const expected = walk(entries, one);
        requests += 1;
        if (expected !== undefined) hits += 1;
        assert.equal(index.route(one)?.id, expected, `${one.method} ${one.authority} ${one.target}`);
      }
    }),
    { numRuns: 1500 },
  );
  assert.ok(requests > 500 && hits > requests / 4, `${hits} of ${requests} requests had a route`);
});

describe('an explanation of a route', () => {
  const words = fc.constantFrom('', 'a', 'b', 'a/b', '%61', '.', '..', 'a/');
  const matches = fc.record({
    hosts: fc.uniqueArray(fc.constantFrom('a', '*.a', 'b.a'), { maxLength: 2 }),
    pathPrefix: words.map((word) => `/${word}`),
    methods: fc.uniqueArray(fc.constantFrom('GET', 'POST'), { maxLength: 1 }),
    headers: fc.constantFrom<RouteMatch['headers']>([], [{ name: 'x', value: '1' }], [{ name: 'x', value: null }]),
  });
  const requests = fc.record({
    authority: fc.constantFrom('a', 'b.a', 'b.a:1', 'c'),
    target: fc.tuple(words, words).map(([one, other]) => `/${one}/${other}`),
    method: fc.constantFrom('GET', 'POST'),
    header: fc.constantFrom(null, '1', '2'),
  });

  it('names the route that the router finds', () => {
    fc.assert(
      fc.property(fc.array(matches, { maxLength: 5 }), requests, (all, { authority, target, method, header }) => {
        const lines: [string, string][] = header === null ? [] : [['x', header]];
        const entries = all.map((match, index) => entryOf(`r${index}`, match));
        const edits = { set: [], add: [], remove: [], ifAbsent: [] };
        const edited = { requestHeaders: edits, responseHeaders: edits };
        const settings = { buffer: {}, tunnel: {}, ...edited, action: { kind: 'feature', feature: 'readiness' } };
        const routes = all.map((match, index) => ({ id: `r${index}`, match, ...settings }) as unknown as RouteSpec);
        const headers = new Map(lines);
        const found = createRouter(entries).route(request(authority, target, method, lines));
        assert.equal(
          explainRoute({ method, authority, target, headers }, { routes, upstreams: [] }).route,
          found?.id ?? null,
        );
      }),
    );
  });
});

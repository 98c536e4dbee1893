import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { explainRoute } from '../control/explain-route.ts';
import type { RouteMatch, RouteSpec } from '../core/route-spec.ts';
import { noBody, type RequestHead } from '../core/message.ts';
import { loadPatterns } from '../core/pattern.ts';
import type { PlainCondition, RequestCondition, ValueTest } from '../core/request-condition.ts';
import type { Route, RoutedClient } from '../exchange/ports.ts';
import { PairHeaders } from '../core/pair-headers.ts';
import { plainMatch, plainPath } from '../wire/plain-path.ts';
import { type PathMatch, pathsOf, pathTest } from '../core/path-match.ts';
import { createRouter, type RouteEntry } from './router.ts';

const any: RouteMatch = { hosts: [], pathPrefix: '/', methods: [] };

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

const isBeta = { kind: 'header', name: 'x-beta', tests: [{ kind: 'is', value: '1' }] } as const;
const isSigned = { kind: 'header', name: 'authorization', tests: [{ kind: 'present' }] } as const;

const router = createRouter(
  (
    [
      ['api', { ...any, hosts: ['example.org'], pathPrefix: '/api' }],
      ['beta', { ...any, hosts: ['example.org'], conditions: [isBeta] }],
      ['signed', { ...any, hosts: ['example.org'], conditions: [isSigned] }],
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
});

/** The router's promise in its simplest form: a walk over all routes in their order. */
function walk(entries: readonly RouteEntry[], asked: RequestHead, client: RoutedClient): string | undefined {
  const found = entries.find(({ match: { hosts, methods, conditions = [], ...match } }) => {
    const paths = { kind: 'path', paths: pathsOf(match) } as const;
    return (
      (hosts.length === 0 || holds({ kind: 'host', hosts }, asked, client)) &&
      holds(paths, asked, client) &&
      (methods.length === 0 || methods.includes(asked.method)) &&
      conditions.every((one) => holds(one, asked, client))
    );
  });
  return found?.route.id;
}

function holds(condition: RequestCondition, asked: RequestHead, client: RoutedClient): boolean {
  const { authority, method, target } = asked;
  const all = (conditions: readonly RequestCondition[]): boolean =>
    conditions.every((one) => holds(one, asked, client));
  switch (condition.kind) {
    case 'host':
      return condition.hosts.some((host) => expressionOf(host).test(/^(.*?)(?::\d+)?$/.exec(authority)?.[1] ?? ''));
    case 'path':
      return condition.paths.some((path) => pathTest(plainMatch(path))(plainPath(target)));
    case 'method':
      return condition.methods.includes(method);
    case 'header':
      return isValue(condition.tests, asked.headers.get(condition.name));
    case 'cookie':
      return isValue(condition.tests, /c=([^;]*)/.exec(asked.headers.get('cookie') ?? '')?.[1] ?? null);
    case 'query':
      return isValue(condition.tests, new URLSearchParams(target.split('?').slice(1).join('?')).get(condition.name));
    case 'client_address':
      return condition.networks.includes(`${client.address}/32`);
    case 'listener':
      return condition.names.includes(client.listener);
    case 'scheme':
      return condition.scheme === client.scheme;
    case 'any':
      return condition.of.some(all);
    case 'not':
      return !all(condition.of);
  }
}

function expressionOf(host: string): RegExp {
  if (host.startsWith('~ ')) return new RegExp(host.slice(2));
  const [stars, dots] = [host.startsWith('*.') ? '.*' : '[^.]*', '[.]'];
  return new RegExp(`^${host.replace(/[[\]]/g, '\\$&').replaceAll('.', dots).replaceAll('*', stars)}$`);
}

function isValue(tests: readonly ValueTest[], sent: string | null): boolean {
  return tests.every((test) => {
    if (test.kind === 'absent' || sent === null) return test.kind === 'absent' && sent === null;
    if (test.kind === 'present') return true;
    const quoted = 'value' in test ? test.value : '';
    return new RegExp(
      `${/is|prefix/.test(test.kind) ? '^' : ''}${quoted}${/is|suffix/.test(test.kind) ? '$' : ''}`,
    ).test(sent);
  });
}

before(loadPatterns);

const segment = fc.constantFrom('a', 'b', 'ab', '%61', 'A', '.', '..', '%2E%2e', '', 'a%2fb', 'a:b', '~', '%');
const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
const query = fc.constantFrom('', '', '?', '?/a', '?%61/../b', '?a?b');
const target = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(path, query).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.constantFrom('*', '', 'a:443', '//', '/.', '/..') },
);
const hosts = ['x.org', 'a.x.org', 'b.a.x.org', 'y.org', '[::1]', ''];
const patterns = fc.subarray([
  ...['x.org', 'a.x.org', '*.x.org', '*.a.x.org', '*.org', '[::1]', 'y.org'],
  ...['*x.org', 'a.*.org', '~ ^[xy]', '~ a'],
]);
const valueTests: fc.Arbitrary<readonly ValueTest[]> = fc.oneof(
  fc.constantFrom<ValueTest>({ kind: 'present' }, { kind: 'absent' }).map((one) => [one]),
  fc.array(
    fc.record({ kind: fc.constantFrom('is', 'prefix', 'suffix', 'pattern'), value: fc.constantFrom('1', 'x', 'x1') }),
    { minLength: 1, maxLength: 2 },
  ),
);
const leaf: fc.Arbitrary<PlainCondition> = fc.oneof(
  fc.record({ kind: fc.constant('header'), name: fc.constantFrom('x-one', 'x-two'), tests: valueTests }),
  fc.record({ kind: fc.constant('cookie'), name: fc.constant('c'), tests: valueTests }),
  fc.record({ kind: fc.constant('query'), name: fc.constant('a'), tests: valueTests }),
  fc.constantFrom<PlainCondition>(
    { kind: 'client_address', networks: ['10.0.0.1/32'] },
    { kind: 'listener', names: ['internal', 'other'] },
    { kind: 'scheme', scheme: 'https' },
    { kind: 'method', methods: ['POST'] },
    { kind: 'host', hosts: ['x.org', '*.x.org'] },
    { kind: 'path', paths: [{ kind: 'pattern', text: '^/a(/|$)' }] },
  ),
) as fc.Arbitrary<PlainCondition>;
const leaves = fc.array(leaf, { minLength: 1, maxLength: 2 });
const condition: fc.Arbitrary<RequestCondition> = fc.oneof(
  { weight: 3, arbitrary: leaf },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('any' as const),
      of: fc.array(leaves, { minLength: 1, maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: leaves.map((of) => ({ kind: 'not' as const, of })) },
);
const rarely = <T>(arbitrary: fc.Arbitrary<readonly T[]>): fc.Arbitrary<readonly T[]> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary });
const glob = fc.array(fc.oneof(segment, fc.constantFrom('*', '**', 'a*')), { minLength: 1, maxLength: 3 });
const pathMatch: fc.Arbitrary<PathMatch> = fc.oneof(
  path.map((text) => ({ kind: 'prefix' as const, text })),
  path.map((text) => ({ kind: 'exact' as const, text })),
  glob.map((segments) => ({ kind: 'glob' as const, text: `/${segments.join('/')}/*` })),
  fc
    .constantFrom('^/a/', '^/a', '^/ab?$', 'b$', '^/(a|b)/', '^/a/|^/b', '^/a/[^/]+$')
    .map((text) => ({ kind: 'pattern' as const, text })),
);
const matchOf: fc.Arbitrary<RouteMatch> = fc.record(
  {
    hosts: fc.oneof(fc.constant([]), patterns),
    pathPrefix: fc.oneof(fc.constant('/'), path, target),
    paths: fc.array(pathMatch, { minLength: 1, maxLength: 3 }),
    methods: rarely(fc.subarray(['GET', 'POST'])),
    conditions: fc.array(condition, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['hosts', 'pathPrefix', 'methods'] },
);
const asked = fc
  .tuple(
    fc.constantFrom(...hosts, ...hosts.map((host) => `${host}:8080`)),
    target,
    fc.constantFrom('GET', 'POST', 'HEAD'),
    fc.subarray<[string, string]>([
      ['x-one', '1'],
      ['x-two', 'x1'],
      ['cookie', 'b=2; c=x'],
    ]),
  )
  .map((parts) => request(...parts));
const clients: fc.Arbitrary<RoutedClient> = fc.record({
  address: fc.constantFrom('10.0.0.1', '10.0.0.2', ''),
  listener: fc.constantFrom('internal', 'public'),
  scheme: fc.constantFrom('http', 'https'),
});
const askedBy = fc.tuple(asked, clients);

it('the index of routes finds the same route as a walk over all routes', () => {
  let [requests, hits] = [0, 0];
  fc.assert(
    fc.property(
      fc.array(matchOf, { maxLength: 12 }),
      fc.array(askedBy, { minLength: 1, maxLength: 8 }),
      (all, some) => {
        const entries = all.map((match, index) => entryOf(`${index}`, match));
        const index = createRouter(entries);
        for (const [one, client] of some) {
          const expected = walk(entries, one, client);
          requests += 1;
          if (expected !== undefined) hits += 1;
          assert.equal(index.route(one, client)?.id, expected, `${one.method} ${one.authority} ${one.target}`);
        }
      },
    ),
    { numRuns: 1500 },
  );
  assert.ok(requests > 200 && hits > requests / 4, `${hits} of ${requests} requests had a route`);
});

describe('an explanation of a route', () => {
  const words = fc.constantFrom('', 'a', 'b', 'a/b', '%61', '.', '..', 'a/');
  const matches = fc.record({
    hosts: fc.uniqueArray(fc.constantFrom('a', '*.a', 'b.a'), { maxLength: 2 }),
    pathPrefix: words.map((word) => `/${word}`),
    methods: fc.uniqueArray(fc.constantFrom('GET', 'POST'), { maxLength: 1 }),
    conditions: fc.array(condition, { maxLength: 2 }),
  });
  const requests = fc.record({
    authority: fc.constantFrom('a', 'b.a', 'b.a:1', 'c'),
    target: fc.tuple(words, words).map(([one, other]) => `/${one}/${other}`),
    method: fc.constantFrom('GET', 'POST'),
    header: fc.constantFrom(null, '1', '2'),
    client: clients,
  });

  it('names the route that the router finds', () => {
    fc.assert(
      fc.property(
        fc.array(matches, { maxLength: 5 }),
        requests,
        (all, { authority, target, method, header, client }) => {
          const lines: [string, string][] = header === null ? [] : [['x-one', header]];
          const entries = all.map((match, index) => entryOf(`r${index}`, match));
          const edits = { set: [], add: [], remove: [], ifAbsent: [] };
          const headerEdits = { requestHeaders: edits, responseHeaders: edits };
          const settings = {
            ...headerEdits,
            buffer: {},
            tunnel: {},
            action: { kind: 'feature', feature: 'readiness' },
          };
          const routes = all.map((match, index) => ({ id: `r${index}`, match, ...settings }) as unknown as RouteSpec);
          const headers = new Map(lines);
          const found = createRouter(entries).route(request(authority, target, method, lines), client);
          assert.equal(
            explainRoute({ method, authority, target, headers, client }, { routes, upstreams: [] }).route,
            found?.id ?? null,
          );
        },
      ),
    );
  });
});

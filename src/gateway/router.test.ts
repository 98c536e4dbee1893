import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RouteMatch } from '../core/configuration.ts';
import { noContent, type RequestHead } from '../core/message.ts';
import type { Route } from '../exchange/ports.ts';
import { PairFields } from '../testing/pair-fields.ts';
import { createRouter, matchesHost, matchesPath } from './router.ts';

const any: RouteMatch = { hosts: [], pathPrefix: '/', methods: [], fields: [] };

function request(authority: string, target: string, method = 'GET', fields: [string, string][] = []): RequestHead {
  return {
    method,
    scheme: 'http',
    authority,
    target,
    version: 'HTTP/1.1',
    fields: new PairFields(fields),
    framing: noContent,
    upgrade: null,
    takesTrailers: false,
  };
}

const router = createRouter(
  (
    [
      ['api', { ...any, hosts: ['example.org'], pathPrefix: '/api' }],
      ['beta', { ...any, hosts: ['example.org'], fields: [{ name: 'x-beta', value: '1' }] }],
      ['signed', { ...any, hosts: ['example.org'], fields: [{ name: 'authorization', value: null }] }],
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

  it('takes the first that matches, in the order of the configuration', () => {
    const both = createRouter(['one', 'two'].map((id) => ({ match: any, route: { id } as unknown as Route })));
    assert.equal(both.route(request('x', '/'))?.id, 'one');
  });

  it('answers the same after a stranger has invented more names than it remembers', () => {
    for (let n = 0; n < 3000; n++) assert.equal(router.route(request(`n${n}.example.org`, '/'))?.id, 'subdomains');
    assert.equal(router.route(request('example.org', '/api'))?.id, 'api');
  });

  it('a wildcard is for subdomains, not for the name itself', () => {
    assert.deepEqual(
      ['a.x.org', 'x.org', 'ax.org'].map((host) => matchesHost(['*.x.org'], host)),
      [true, false, false],
    );
  });

  it('a prefix ends at a slash, a question mark or the end', () => {
    const matching = ['/a', '/a/', '/a?b', '/ab', '/A', '/'].filter((target) => matchesPath('/a', target));
    assert.deepEqual(matching, ['/a', '/a/', '/a?b']);
  });
});

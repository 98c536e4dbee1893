import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { PathMatch } from '../core/path-match.ts';
import type { RouteMatch } from '../core/route-spec.ts';
import { variableSource } from '../exchange/variable-source.test-support.ts';
import { hasDotSegment, hidesDotSegment } from './plain-path.ts';
import { targetRewrite } from './target-rewrite.ts';

const rewrites: readonly [matched: string, replacement: string | null, target: string, rewritten: string][] = [
  ['/api', null, '/api/x', '/api/x'],
  ['/api', '/v1', '/api/x?y=/api', '/v1/x?y=/api'],
  ['/api', '/v1', '/api', '/v1'],
  ['/api', '/v1', '/api?x', '/v1?x'],
  ['/api', '/', '/api', '/'],
  ['/api', '/', '/api/x', '/x'],
  ['/api', '/', '/api?x', '/?x'],
  ['/api/', '/v1/', '/api/x', '/v1/x'],
  ['/', '/base', '/x', '/base/x'],
  ['/', '/base/', '/', '/base/'],
  ['/', '/base', '*', '*'],
  ['/api', '/v1', '/api//x/%7e', '/v1//x/%7e'],
  ['/api', '/', '/api//evil.example/', '/evil.example/'],
  ['/api', '/', '/api///evil.example', '/evil.example'],
  ['/api', '/v1', '/%61pi/x/%7e', '/v1/x/~'],
  ['/api', '/v1', '//api/x', '/v1/x'],
  ['/api', '/own/part', '/api/../../api/x', '/own/part/x'],
  ['/api', '/own/part', '/x/../api?y=..', '/own/part?y=..'],
  ['/~a', '/v1', '/%7Ea/x', '/v1/x'],
  ['/%7ea', '/v1', '/~a/x', '/v1/x'],
  ['/docs', '/v2/docs', '/docs/..%2f..%2Fadmin?a=..%2fb', '/v2/docs/%252E%252E%2f%252E%252E%2Fadmin?a=..%2fb'],
  ['/docs', '/v2', '/docs/a%5C%2e.%5C/..;x/.%2f%2E', '/v2/a%5C%252E%252E%5C/%252E%252E;x/%252E%2f%252E'],
  ['/docs', '/v2', '/docs/a..%2Fb/..a/...%2F.well-known', '/v2/a..%2Fb/..a/...%2F.well-known'],
  ['/docs', null, '/docs/..%2Fadmin', '/docs/..%2Fadmin'],
];

describe('a rewritten target', () => {
  for (const [matched, replacement, target, rewritten] of rewrites) {
    it(`${target} is ${rewritten} when ${matched} becomes ${replacement ?? 'nothing else'}`, () => {
      assert.equal(rewritten1(matched, replacement, target), rewritten);
    });
  }
});

const any: RouteMatch = { hosts: [], pathPrefix: '/', methods: [] };

function rewritten1(pathPrefix: string, replacement: string | null, target: string): string {
  const rewrite = targetRewrite({ ...any, pathPrefix }, { pathPrefix: replacement, host: 'client' });
  return rewrite.target(target, variableSource({ target }));
}

const glob: PathMatch = { kind: 'glob', text: '/**.php' };

const filled: readonly (readonly [
  paths: readonly PathMatch[] | string,
  text: string,
  target: string,
  rewritten: string,
])[] = [
  ['/', '/sites/{host}{path}', '/a/b?c', '/sites/example.org/a/b?c'],
  [
    '/',
    '/tenants/{header.None}a{path}',
    '/..%2Fb/%2e.%2Fc?x=..%2F',
    '/tenants/a/%252E%252E%2Fb/%252E%252E%2Fc?x=..%2F',
  ],
  ['/', '/sites/{host}', '/a/b?c', '/sites/example.org/a/b?c'],
  ['/shop', '/tenants/{header.X-Tenant}', '/shop/cart?x', '/tenants/%252E%252E%2Fone%3F%25/cart?x'],
  ['/shop', '/tenants/{cookie.dots}/x', '/shop/cart', '/tenants/%252E%252E/x/cart'],
  ['/shop', '/tenants/{query.id}', '/shop/cart?id=%2E.', '/tenants/%252E%252E/cart?id=%2E.'],
  ['/shop', '/tenants/{query.id}', '/shop?id=a%2Fb+c', '/tenants/a%2Fb%20c?id=a%2Fb+c'],
  ['/shop', '/{client_address}', '/shop', '/203.0.113.7'],
  [[glob], '/index.php', '/a/b.php?x', '/index.php?x'],
  [[glob], '/index.php{path}', '/a/b.php?x', '/index.php/a/b.php?x'],
  [[glob], '/n/{capture.1}/x', '/b.php', '/n/a%20b/c/x'],
  [[glob], '/n/{capture.dots}/x', '/b.php', '/n/%252E%252E/x'],
  [[glob], '/{capture.slash}', '/b.php', '/evil.test'],
  [[glob], '/index.php', '*', '*'],
  ['/', '/{header.None}', '/x', '/x'],
];

const seen = {
  headers: { 'x-tenant': '../one?%' },
  cookies: { dots: '..' },
  captures: { '1': 'a b/c', dots: '..', slash: '/evil.test' },
};

describe('a rewritten target with variables', () => {
  for (const [match, text, target, expected] of filled)
    it(`${target} is ${expected} by ${text}`, () => {
      const paths = typeof match === 'string' ? { pathPrefix: match } : { pathPrefix: '/', paths: match };
      const rewrite = targetRewrite({ ...any, ...paths }, { pathPrefix: text, host: 'client' });
      assert.equal(rewrite.target(target, variableSource({ target, ...seen })), expected);
    });

  it('is a target within the folder that the text names, whatever the values are', () => {
    const value = fc.array(fc.constantFrom('.', '..', '/', '%2e', '%2F', '\r\n', '?', '#', 'é', '\\', ' ', 'a'), {
      maxLength: 6,
    });
    const texts = ['/in/{header.X}/x', '/in/{capture.x}/x', '/in/{cookie.x}', '/in/a{query.x}b/{capture.x}'];
    fc.assert(
      fc.property(value, fc.constantFrom(...texts), (pieces, text) => {
        const x = pieces.join('');
        const target = `/b.php?x=${encodeURIComponent(x)}`;
        const source = variableSource({ target, headers: { x }, cookies: { x }, captures: { x } });
        const result = targetRewrite({ ...any, paths: [glob] }, { pathPrefix: text, host: 'client' }).target(
          target,
          source,
        );
        assert.match(result, /^\/in\/[\x21-\x7e]*$/);
        assert.ok(!hasDotSegment(result) && !hidesDotSegment(result), result);
        assert.equal(result.slice(result.indexOf('?')), target.slice(target.indexOf('?')));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a rewritten query', () => {
  const edits = {
    remove: ['utm_*', 'session'],
    set: [
      ['lang', '{header.Lang}'],
      ['v', '2 & 3'],
    ],
    add: [['tag', 'a']],
  } as const;
  for (const [target, expected] of [
    ['/x', '/x?lang=de%26x%3D1&v=2%20%26%203&tag=a'],
    ['/x?', '/x?lang=de%26x%3D1&v=2%20%26%203&tag=a'],
    ['/x?a=%7e&b&&c=+', '/x?a=%7e&b&&c=+&lang=de%26x%3D1&v=2%20%26%203&tag=a'],
    ['/x?utm_a=1&a=1&%75tm_b&utm=2&session=x&Session=y', '/x?a=1&utm=2&Session=y&lang=de%26x%3D1&v=2%20%26%203&tag=a'],
    ['/x?v=1&a&lang=x&v=3&tag=b', '/x?v=2%20%26%203&a&lang=de%26x%3D1&tag=b&tag=a'],
    ['/x?__proto__=1&%zz=2', '/x?__proto__=1&%zz=2&lang=de%26x%3D1&v=2%20%26%203&tag=a'],
    ['*', '*'],
  ] as const)
    it(`of ${target} gives ${expected}`, () => {
      const { target: rewrite } = targetRewrite(any, { pathPrefix: null, host: 'client', query: edits });
      assert.equal(rewrite(target, variableSource({ target, headers: { lang: 'de&x=1' } })), expected);
    });

  it('without a parameter is none', () => {
    const query = { remove: ['a'], set: [], add: [] };
    const { target } = targetRewrite(any, { pathPrefix: '/new', host: 'client', query });
    assert.equal(target('/x?a=1&a', variableSource({})), '/new/x');
  });
});

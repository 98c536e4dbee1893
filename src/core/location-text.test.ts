import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { variableSource } from '../exchange/variable-source.test-support.ts';
import { locationOf } from './location-text.ts';

const cases: readonly (readonly [template: string, authority: string, target: string, location: string | null])[] = [
  ['/new', 'a.test', '/x?y', '/new'],
  ['https://new.test{path}{query}', 'a.test', '/x/y?z=1&w', 'https://new.test/x/y?z=1&w'],
  ['https://new.test{path}{query}', 'a.test', '/', 'https://new.test/'],
  ['https://new.test{path}{query}', 'a.test', '/?', 'https://new.test/?'],
  ['https://new.test{path}', 'a.test', '/x?y', 'https://new.test/x'],
  ['https://new.test{query}', 'a.test', '/x?y', 'https://new.test?y'],
  ['https://{host}{path}{query}', 'a.test:8080', '/x?y', 'https://a.test/x?y'],
  ['https://www.{host}{path}', 'a.test', '/x', 'https://www.a.test/x'],
  ['https://{host}{path}', '[2001:db8::1]:80', '/x', 'https://[2001:db8::1]/x'],
  ['https://{host}{path}', '', '/x', null],
  ['https://new.test{path}', '', '/x', 'https://new.test/x'],
  ['/v2{path}#top', 'a.test', '/x', '/v2/x#top'],
  ['https://new.test{path}', 'a.test', '*', 'https://new.test/'],
  // Slashes, dot segments and escapes as routes see them.
  ['{path}{query}', 'a.test', '//evil.test/x?y', '/evil.test/x?y'],
  ['{path}', 'a.test', '///evil.test', '/evil.test'],
  ['{path}', 'a.test', '/.//evil.test', '/evil.test'],
  ['{path}', 'a.test', '/a/..//evil.test', '/evil.test'],
  ['{path}', 'a.test', '/%2e%2e//evil.test', '/evil.test'],
  ['{path}', 'a.test', '/\\evil.test', '/%5Cevil.test'],
  ['{path}', 'a.test', '/%5Cevil.test', '/%5Cevil.test'],
  ['{path}', 'a.test', '/%2Fevil.test', '/%2Fevil.test'],
  ['{path}', 'a.test', '/%2f%2Fevil.test', '/%2F%2Fevil.test'],
  ['{path}/evil.test', 'a.test', '/', '/evil.test'],
  ['/{path}', 'a.test', '/evil.test', '/evil.test'],
  ['{path}', 'a.test', '/%0d%0aSet-Cookie:%20a', '/%0D%0ASet-Cookie:%20a'],
  ['{path}', 'a.test', '/a\r\nb\t\x00\xe9', '/a%0D%0Ab%09%00%E9'],
  ['{path}{query}', 'a.test', '/a?b\r\n#"<\\', '/a?b%0D%0A%23%22%3C%5C'],
  ['{path}', 'a.test', '/a/../../../b/', '/b/'],
  ['{path}', 'a.test', '/a[|^]b', '/a%5B%7C%5E%5Db'],
  ['/in/{query.a}/{query.b}{query}', 'a.test', '/x?a=..&b=1.2', '/in/%252E%252E/1%252E2?a=..&b=1.2'],
  ['/in/{query.a}?b={query.b}', 'a.test', '/x?a=%2e.&b=..', '/in/%252E%252E?b=..'],
];

describe('the location of a redirect', () => {
  for (const [template, authority, target, location] of cases)
    it(`${template} for ${JSON.stringify(target)} at "${authority}" is ${location}`, () =>
      assert.equal(locationOf(template)(variableSource({ authority, target })), location));

  it('leads to the configured host, whatever the path', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '.',
      '%2e',
      '%2F',
      '%5c',
      'evil.test',
      '@',
      ':',
      '?',
      ';',
      '%',
      '\t',
      '\r\n',
      '#',
      'a',
    );
    const base = 'https://own.test/here';
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const target = `/${pieces.join('')}`;
        for (const [template, origin] of [
          ['{path}{query}', 'https://own.test'],
          ['/{path}{query}', 'https://own.test'],
          ['{path}/x', 'https://own.test'],
          ['/v2{path}{query}', 'https://own.test'],
          ['https://new.test{path}{query}', 'https://new.test'],
          ['https://new.test:8443{path}{query}', 'https://new.test:8443'],
        ] as const) {
          const location = locationOf(template)(variableSource({ authority: 'own.test', target })) ?? '';
          assert.match(location, /^[\x21-\x7e]+$/);
          assert.equal(new URL(location, base).origin, origin, `${template} for ${JSON.stringify(target)}`);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFromOtherSite, pathToReturnTo } from './worker-request.ts';

const origin = 'https://tools.test';

describe('where people come back to', () => {
  const cases: readonly (readonly [written: string, path: string])[] = [
    ['/', '/'],
    ['/a/b?c=%2F&d=//evil.test', '/a/b?c=%2F&d=//evil.test'],
    ['/ä', '/%C3%A4'],
    ['//evil.test', '//evil.test'],
    ['/a#b', '/a'],
    ['', '/'],
    ['a', '/'],
    ['https://evil.test/', '/'],
    ['javascript:alert(1)', '/'],
    ['/\\evil.test', '/'],
    ['\\\\evil.test', '/'],
    ['/\t/evil.test', '/'],
    ['/a\r\nSet-Cookie: b=c', '/'],
    ['@evil.test', '/'],
    ['.evil.test', '/'],
    [':443@evil.test', '/'],
    ['/login', '/'],
    ['/login/logout?x', '/'],
    ['/a/../login/logout', '/'],
    ['/%6cogin/logout', '/%6cogin/logout'],
    ['/logins', '/logins'],
    [`/${'a'.repeat(3000)}`, '/'],
    ['*', '/'],
  ];
  for (const [written, path] of cases)
    it(`of ${JSON.stringify(written).slice(0, 60)} is ${path}`, () => {
      assert.equal(pathToReturnTo(written, origin, '/login'), path);
    });

  it('is of the same origin and one line, whatever is asked for', () => {
    const part = fc.constantFrom(
      '/',
      '\\',
      '.',
      '@',
      ':',
      'evil.test',
      '%2f',
      '?',
      '#',
      '\t',
      '\r\n',
      'ä',
      ' ',
      'https:',
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const location = `${origin}${pathToReturnTo(parts.join(''), origin, '/login')}`;
        assert.match(location, /^[\x21-\x7e]+$/);
        assert.equal(new URL(location).origin, origin);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a request', () => {
  for (const [headers, isFromOther] of [
    [{}, false],
    [{ 'sec-fetch-site': 'none' }, false],
    [{ 'sec-fetch-site': 'same-site', referer: 'https://other.test/' }, false],
    [{ 'sec-fetch-site': 'cross-site', origin }, true],
    [{ origin }, false],
    [{ referer: `${origin}/a` }, false],
    [{ origin: 'https://evil.test' }, true],
    [{ origin: 'null', referer: `${origin}/` }, true],
    [{ referer: 'https://evil.test/' }, true],
    [{ referer: `${origin}.evil.test/` }, true],
    [{ referer: 'http://tools.test/' }, true],
  ] as readonly (readonly [Record<string, string>, boolean])[])
    it(`with ${JSON.stringify(headers)} is ${isFromOther ? '' : 'not '}of another site`, () => {
      const variables = { authority: 'tools.test', header: (name: string) => headers[name] ?? null };
      const asked = { client: { scheme: 'https' }, variables } as unknown as Parameters<typeof isFromOtherSite>[0];
      assert.equal(isFromOtherSite(asked), isFromOther);
    });
});

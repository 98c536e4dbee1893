import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readRedirectMap } from './keys-map.ts';

describe('a line of a redirect map', () => {
  for (const [line, expected] of [
    ['/old /new', ['/old', '/new', null]],
    ['  /old\t\thttps://new.test/x  301 ', ['/old', 'https://new.test/x', 301]],
    ['/old /new # moved in May', ['/old', '/new', null]],
    ['/old /new 308 # moved', ['/old', '/new', 308]],
    ['/old?id=3&x=%5B /new{query}', ['/old?id=3&x=%5B', '/new{query}', null]],
    ['/%c3%bc%41 /new', ['/%C3%BCA', '/new', null]],
    ['/old/ /new', ['/old/', '/new', null]],
    ['/__proto__ /constructor', ['/__proto__', '/constructor', null]],
    ['/old /new\r', ['/old', '/new', null]],
    ['\uFEFF/old /new', ['/old', '/new', null]],
    ['/old%2A /new?$filter=x', ['/old%2A', '/new?$filter=x', null]],
    ['/old?a=*&b=$1 /new', ['/old?a=*&b=$1', '/new', null]],
  ] as const)
    it(`${JSON.stringify(line)} is read`, () => {
      const { lines, errors, warnings } = readRedirectMap(line);
      assert.deepEqual([errors, warnings], [[], []]);
      assert.deepEqual(lines.map(({ from, to, status }) => [from, to, status])[0], expected);
    });

  for (const [line, message, suggestion] of [
    ['/old', /a line is the old path/, /\/old \/new 301/],
    ['/old /new 301 302', /a line is the old path/, null],
    ['/old /new;', /no ";"/, /write \/old \/new$/],
    ['Redirect 301 /old /new', /a line is the old path/, null],
    ['/old /new 200', /"200" is no status/, /307/],
    ['old /new', /does not begin with "\/"/, /"\/old"/],
    ['https://a.test/old /new', /the old address is a path/, /"\/old"/],
    ['/ü /new', /percent-encode/, /"\/%C3%BC"/],
    ['/old new', /neither a path nor a URL/, null],
    ['/old //evil.test', /leads to another host/, null],
    ['/a/../old /new', /resolved/, /without/],
    ['/a//old /new', /resolved/, null],
    ['/blog/* /news/:splat 301', /is for this path alone/, /make a route of it/],
    ['~^/old/(.*)$ /new/$1;', /no ";"/, null],
    ['^/old$ /new', /is for this path alone/, null],
    ['/users/:id /people', /is for this path alone/, null],
    ['/old /new/$1', /"\$1" is how other gateways/, /\{capture\.1\}/],
    ['/old https://$host/x', /"\$host" is a variable of another gateway/, /\{host\}/],
    ['/old /new/{capture.1}', /has no captures/, null],
    ['"/old" "/new"', /no quotes/, /write \/old \/new$/],
    ['/old,/new,301', /a line is the old path/, null],
    ['Redirect /old /new', /a line is the old path/, null],
    ['/old /new{nothing}', /no variable "nothing"/, null],
  ] as const)
    it(`${JSON.stringify(line)} is told with its number and what to write`, () => {
      const { lines, errors } = readRedirectMap(`# first\n\n${line}\n`);
      assert.equal(lines.length, 0);
      const [error] = errors;
      assert.equal(error?.line, 3);
      assert.match(error.message, message);
      if (suggestion !== null) assert.match(error.suggestion ?? '', suggestion);
    });
});

describe('a redirect map', () => {
  const told = (text: string) => readRedirectMap(text).warnings.map(({ line, message }) => [line, message] as const);

  it('keeps the first of two lines for the same path, and tells the second', () => {
    const { lines, warnings } = readRedirectMap('/a /1\n/%61 /2\n/a?x /3');
    assert.deepEqual(
      lines.map(({ to }) => to),
      ['/1', '/3'],
    );
    assert.deepEqual(
      warnings.map(({ line }) => line),
      [2],
    );
  });

  it('tells that a client names the host, where the route is for every host', () => {
    const text = '/a /b\n/c https://{host}/d';
    assert.deepEqual(
      readRedirectMap(text, true).warnings.map(({ line }) => line),
      [2],
    );
    assert.deepEqual(told(text), []);
  });

  it('tells a loop once, whatever leads into it', () => {
    const found = told('/in /a\n/a /b\n/b /c#x\n/c /a\n/self /self?x\n/end /else');
    assert.deepEqual(
      found.map(([line]) => line),
      [2, 5],
    );
    assert.match(found[0]?.[1] ?? '', /loop/);
  });

  it('of 100,000 lines that lead from one to the next is read line by line', () => {
    const text = Array.from({ length: 100_000 }, (_, n) => `/p/${n} /p/${n + 1}`).join('\n');
    const { lines, errors, warnings } = readRedirectMap(text);
    assert.deepEqual([lines.length, errors.length, warnings.length], [100_000, 0, 0]);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchesGlob } from './worker-glob.ts';
import { contentTypeOf, etagOf, modifiedSOf } from './worker-headers.ts';
import { filePathOf } from './worker-path.ts';

describe('the headers of a file', () => {
  for (const [path, type] of [
    ['a.html', 'text/html; charset=utf-8'],
    ['a/b.min.JS', 'text/javascript; charset=utf-8'],
    ['a.json', 'application/json'],
    ['a.svg', 'image/svg+xml'],
    ['a.woff2', 'font/woff2'],
    ['a.wasm', 'application/wasm'],
    ['a.mp4', 'video/mp4'],
    ['a.b/c', 'application/octet-stream'],
    ['a.__proto__', 'application/octet-stream'],
    ['constructor', 'application/octet-stream'],
  ] as const)
    it(`say that ${path} is ${type}`, () => assert.equal(contentTypeOf(path), type));

  const now = Date.UTC(2026, 0, 1);
  const ns = (ms: number): bigint => BigInt(ms) * 1_000_000n;
  const facts = { size: 10, mtimeNs: ns(now - 5000), ctimeNs: ns(now - 4000) };

  it('have a tag that changes with time and size, and one for each coding', () => {
    const tags = [
      etagOf(facts, null, now),
      etagOf(facts, 'br', now),
      etagOf({ ...facts, size: 11 }, null, now),
      etagOf({ ...facts, mtimeNs: facts.mtimeNs + 1n }, null, now),
    ];
    assert.equal(new Set(tags).size, tags.length);
    for (const tag of tags) assert.match(tag, /^"[a-z0-9-]+"$/);
    assert.equal(etagOf({ ...facts, ctimeNs: 0n }, null, now), tags[0], 'a copy with its time has the same');
  });

  it('have a weak tag while the file may still change within the same tick', () => {
    assert.match(etagOf({ ...facts, mtimeNs: ns(now - 100) }, null, now), /^W\//);
  });

  it('go by the time of the inode where a build has set none', () => {
    const built = { ...facts, mtimeNs: ns(Date.UTC(1985, 9, 26)) };
    assert.equal(modifiedSOf(built, now), null);
    assert.notEqual(etagOf(built, null, now), etagOf({ ...built, ctimeNs: built.ctimeNs + 1n }, null, now));
  });

  it('name no time in the future', () => assert.equal(modifiedSOf({ mtimeNs: ns(now + 60_000) }, now), now / 1000));
});

describe('a glob', () => {
  for (const [glob, path, expected] of [
    ['*.js', 'a/b/c.js', true],
    ['*.js', 'a/b/c.json', false],
    ['index.html', 'a/index.html', true],
    ['/index.html', 'a/index.html', false],
    ['/assets/*', 'assets/a.js', true],
    ['/assets/*', 'assets/b/a.js', false],
    ['/assets/**', 'assets/b/a.js', true],
    ['/**/x/*.css', 'a/b/x/y.css', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*', 'a/.b', true],
    ['**', 'a', true],
    ['', 'a', false],
    ['a.js', 'axjs', false],
  ] as const)
    it(`${glob} ${expected ? 'matches' : 'does not match'} ${path}`, () =>
      assert.equal(matchesGlob(glob, path), expected));

  it('takes time in proportion to both lengths', () =>
    assert.equal(matchesGlob('*a'.repeat(100), 'a'.repeat(4000)), true));
});

describe('the path of a file', () => {
  for (const [path, expected] of [
    ['/', { path: '', isFolder: true }],
    ['/a', { path: 'a', isFolder: false }],
    ['/a/b/', { path: 'a/b', isFolder: true }],
    ['/a%20b', { path: 'a b', isFolder: false }],
    ['/%C3%BC', { path: 'ü', isFolder: false }],
    ['/\xc3\xbc', { path: 'ü', isFolder: false }],
    ['/a+b', { path: 'a+b', isFolder: false }],
    ['/.well-known/x', { path: '.well-known/x', isFolder: false }],
    ['/%FF', 'missing'],
    ['/\xff', 'missing'],
    ['/a%2Fb', 'missing'],
    ['/a%5Cb', 'missing'],
    ['/a\\b', 'missing'],
    ['/a%00', 'missing'],
    ['/%', 'missing'],
    ['*', 'missing'],
    ['/.env', 'hidden'],
    ['/a/.well-known', 'hidden'],
    ['/.well-known/.x', 'hidden'],
    ['/%252e%252e/x', { path: '%2e%2e/x', isFolder: false }],
    ['/..;/x', 'hidden'],
    ['/../x', 'hidden'],
  ] as const)
    it(`${JSON.stringify(path)} is ${JSON.stringify(expected)}`, () => assert.deepEqual(filePathOf(path), expected));
});

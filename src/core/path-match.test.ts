import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { coversPath, literalPrefix, type PathMatch, pathTest } from './path-match.ts';

const prefix = (text: string): PathMatch => ({ kind: 'prefix', text });
const exact = (text: string): PathMatch => ({ kind: 'exact', text });
const glob = (text: string): PathMatch => ({ kind: 'glob', text });

describe('a path', () => {
  for (const [match, matched, others] of [
    [prefix('/'), ['/', '/a', '/?x'], []],
    [prefix('/api'), ['/api', '/api/', '/api/x', '/api?x'], ['/', '/apiary', '/x/api']],
    [exact('/'), ['/', '/?x=/y'], ['/a', '*']],
    [exact('/login'), ['/login', '/login?x'], ['/login/', '/login/x', '/logins', '/']],
    [glob('**.php'), ['/a.php', '/a/b.php?x=1', '/.php'], ['/a.php/x', '/a.phps', '/?x=.php']],
    [glob('/files/*'), ['/files/a', '/files/'], ['/files', '/files/a/b', '/file/a']],
    [glob('/files/**'), ['/files/a', '/files/a/b', '/files/'], ['/files', '/other/files/a']],
    [glob('/*/edit'), ['/a/edit', '//edit'], ['/a/b/edit', '/edit', '/a/edit/x']],
    [glob('/u/*/p/*'), ['/u/1/p/2', '/u//p/'], ['/u/1/2/p/3', '/u/1/p/2/3', '/u/1/p']],
    [glob('/**/edit/*.png'), ['/a/edit/x.png', '/a/b/edit/.png'], ['/edit/x.png', '/a/edit/b/x.png']],
    [glob('health*'), ['/health', '/a/b/healthz?x', '/health-1'], ['/xhealth', '/a/xhealth', '/health/x', '/?/health']],
    [glob('docs/*.pdf'), ['/docs/a.pdf', '/a/docs/b.pdf'], ['/xdocs/a.pdf', '/docs/a/b.pdf', '/docs/a.pdfs']],
    [glob('/a**b**c'), ['/abc', '/a/b/c', '/axbxc?d'], ['/ab', '/acb', '/abcd']],
  ] as const)
    test(`${match.kind} ${match.text} matches ${matched.join(' ')}${others.length === 0 ? '' : `, not ${others.join(' ')}`}`, () => {
      const matches = pathTest(match);
      assert.deepEqual([matched.filter(matches), others.filter(matches)], [matched, []]);
    });
});

const word = fc.constantFrom('a', 'b', '/', '.');
const target = fc.array(word, { maxLength: 8 }).map((words) => `/${words.join('')}`);
const globs = fc
  .array(fc.oneof(word, fc.constantFrom('*', '**')), { minLength: 1, maxLength: 7 })
  .map((words) => words.join('').replace(/\*{3,}/g, '**'))
  .chain((text) => fc.constantFrom(...(/^[ab]/.test(text) ? [text, `/${text}`] : [`/${text}`])))
  .filter((text) => text.includes('*'));

test('a glob matches what a regular expression of the same meaning matches', () => {
  fc.assert(
    fc.property(globs, target, (text, path) => {
      const source = `${text.startsWith('/') ? '' : '(?:/|/.*/)'}${text}`
        .replaceAll('.', '\\.')
        .replaceAll('**', '§')
        .replaceAll('*', '[^/]*')
        .replaceAll('§', '.*');
      assert.equal(pathTest(glob(text))(path), new RegExp(`^${source}$`).test(path));
    }),
  );
});

test('what a match covers it matches, and it lies below the literal part', () => {
  const matches = fc.oneof(globs.map(glob), target.map(exact), target.map(prefix));
  fc.assert(
    fc.property(matches, matches, target, (one, other, path) => {
      if (!pathTest(other)(path)) return;
      assert.ok(pathTest(prefix(literalPrefix(other)))(path), `${path} below ${literalPrefix(other)}`);
      if (coversPath(one, other)) assert.ok(pathTest(one)(path));
    }),
  );
});

test('no target makes a glob slow: 8,000 characters and ten stars take some milliseconds', () => {
  const matches = pathTest(glob(`/${'**a*'.repeat(10)}b`));
  const began = process.hrtime.bigint();
  assert.equal(matches(`/${'a'.repeat(8000)}`), false);
  assert.ok(process.hrtime.bigint() - began < 500_000_000n);
});

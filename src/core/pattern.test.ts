import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { checkedPattern, compilePattern, literalBeginning, loadPatterns } from './pattern.ts';

test('without its engine no pattern is compiled, and that one was wanted is known', async () => {
  // A module of its own: another test in this process may have loaded the engine.
  const { href } = new URL('./pattern.ts?fresh', import.meta.url);
  const fresh = (await import(href)) as typeof import('./pattern.ts');
  assert.equal(fresh.patternsAreWanted(), false);
  assert.equal(fresh.compilePattern('a').ok, false);
  assert.equal(fresh.patternsAreWanted(), true);
});

describe('a pattern', () => {
  before(loadPatterns);

  for (const [text, found, others] of [
    ['^/users/[0-9]+$', ['/users/12'], ['/users/', '/users/12/', '/x/users/12']],
    ['\\.php$', ['/a.php', '/a/b.php'], ['/a.php/x', '/a.phps']],
    ['(?i)^/Shop', ['/SHOP/1', '/shop'], ['/x/shop']],
  ] as const)
    test(`${text} is found in ${found.join(' and ')}, not in ${others.join(' and ')}`, () => {
      const pattern = checkedPattern(text);
      assert.deepEqual(
        [found.filter((one) => pattern.test(one)), others.filter((one) => pattern.test(one))],
        [found, []],
      );
    });

  test('gives its groups by number and by name', () => {
    const pattern = checkedPattern('^/(?<user>[a-z]+)(/(?P<id>[0-9]+))?');
    assert.deepEqual(pattern.captures('/ann/12?x'), ['/ann/12', 'ann', '/12', '12']);
    assert.deepEqual(pattern.captures('/ann'), ['/ann', 'ann', null, null]);
    assert.equal(pattern.captures('ann'), null);
    assert.deepEqual(
      [...pattern.names],
      [
        ['user', 1],
        ['id', 3],
      ],
    );
  });

  for (const [text, why] of [
    ['(a', /missing closing \)/],
    ['[z-a]', /invalid character class range/],
    ['(?=x)', /unsupported/],
    ['a'.repeat(1001), /1001 characters/],
    ['(.{1,100}){1,10}(.{1,100}){1,10}', /repeats too much/],
  ] as const)
    test(`${text.slice(0, 20)} is refused`, () => {
      const compiled = compilePattern(text);
      assert.match(compiled.ok ? '' : compiled.failure, why);
    });

  test('what makes others slow takes it no longer than its text', () => {
    const began = process.hrtime.bigint();
    assert.equal(checkedPattern('^(a+)+$').test(`${'a'.repeat(50_000)}!`), false);
    assert.ok(Number(process.hrtime.bigint() - began) < 1e9);
  });
});

describe('every text that a pattern is found in begins with its literal beginning', () => {
  before(loadPatterns);

  for (const [text, beginning] of [
    ['^/users/[0-9]+$', '/users/'],
    ['^/users?', '/user'],
    ['^/a\\.b\\.*', '/a.b'],
    ['^/a{2}', '/'],
    ['^/a+', '/a'],
    ['^/a/(b|c)', '/a/'],
    ['^/a[|]b', '/a'],
    ['^/a|^/b', ''],
    ['^/a(b)|c', ''],
    ['^/a\\d', '/a'],
    ['^(?i)/a', ''],
    ['/users', ''],
    ['^\\Q/a|b\\E', ''],
  ] as const)
    test(`${text}: ${beginning === '' ? 'none' : beginning}`, () => assert.equal(literalBeginning(text), beginning));

  test('whatever the pattern', () => {
    const part = fc.constantFrom('a', 'b', '/', '\\.', '|', '(', ')', '[', ']', '?', '*', '+', '{2}', '\\d', '^', '$');
    const patterns = fc.array(part, { maxLength: 8 }).map((parts) => `^${parts.join('')}`);
    const texts = fc.array(fc.constantFrom('a', 'b', '/', '.', '1'), { maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(patterns, texts, (text, sought) => {
        const compiled = compilePattern(text);
        if (compiled.ok && compiled.value.test(sought)) assert.ok(sought.startsWith(literalBeginning(text)), text);
      }),
    );
  });
});

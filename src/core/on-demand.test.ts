import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOnDemandName } from './on-demand.ts';

const all = { routes: null, allow: [], ask: 'http://127.0.0.1/' };
const listed = { routes: null, allow: ['a.test', '*.b.test'], ask: null };
const routed = { routes: ['*.shop.test'], allow: ['x.shop.test'], ask: 'http://127.0.0.1/' };

const rows = [
  [listed, 'a.test', true],
  [listed, 'x.b.test', true],
  [listed, 'b.test', false],
  [listed, 'x.y.b.test', false],
  [listed, '.b.test', false],
  [listed, 'x.a.test', false],
  [listed, 'other.test', false],
  [routed, 'x.shop.test', true],
  [routed, 'x.y.shop.test', true],
  [routed, 'shop.test', false],
  [routed, 'xshop.test', false],
  [routed, 'other.test', false],
  [all, 'other.test', true],
  [all, 'xn--bcher-kva.example', true],
  [all, '9.test', true],
  [all, 'localhost', false],
  [all, '127.0.0.1', false],
  [all, '[::1]', false],
  [all, '::1', false],
  [all, '', false],
  [all, '.', false],
  [all, 'a..test', false],
  [all, 'a.test.', false],
  [all, '-a.test', false],
  [all, 'a-.test', false],
  [all, 'a_b.test', false],
  [all, '*.a.test', false],
  [all, 'a.test/../b', false],
  [all, 'a.test\n', false],
  [all, 'b\u00fccher.test', false],
  [all, `${'a'.repeat(63)}.test`, true],
  [all, `${'a'.repeat(64)}.test`, false],
  [all, `${'a.'.repeat(9)}test`, true],
  [all, `${'a.'.repeat(10)}test`, false],
  [all, `${`${'a'.repeat(62)}.`.repeat(4)}test`, false],
] as const;

for (const [settings, name, expected] of rows)
  test(`${JSON.stringify(name.slice(0, 40))} ${expected ? 'may be' : 'is never'} obtained with ${JSON.stringify(settings)}`, () =>
    assert.equal(isOnDemandName(settings, name), expected));

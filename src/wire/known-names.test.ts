import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { headerId, knownHeaderNames } from '../core/header-names.ts';
import { knownNameId } from './known-names.ts';

function idOf(name: string): number {
  const bytes = Buffer.from(`ab${name}cd`, 'latin1');
  return knownNameId(bytes, 2, 2 + name.length);
}

test('every known name is recognised in any case', () => {
  knownHeaderNames.forEach((name, id) => {
    if (id === 0) return;
    assert.equal(idOf(name), id, name);
    assert.equal(idOf(name.toUpperCase()), id, name);
  });
});

test('a name that differs in one character, or is longer or shorter, is not recognised', () => {
  for (const name of knownHeaderNames.slice(1)) {
    for (let at = 0; at < name.length; at++) {
      const other = `${name.slice(0, at)}!${name.slice(at + 1)}`;
      assert.equal(idOf(other), 0, other);
    }
    assert.equal(idOf(`${name}x`), 0);
    assert.equal(idOf(name.slice(1)), headerId(name.slice(1)));
  }
});

test('any token has the number that core gives it', () => {
  const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/);
  fc.assert(fc.property(token, (name) => assert.equal(idOf(name), headerId(name.toLowerCase()))));
});

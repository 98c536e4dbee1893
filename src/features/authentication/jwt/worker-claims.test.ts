import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimHeaders, userOf } from './worker-claims.ts';

for (const [what, claim, value] of [
  ['a text', 'Ada, of B', 'Ada, of B'],
  ['a list, whose values have no commas', ['a,b', 'c', 7, true], 'a%2Cb,c,7,true'],
  ['a number', 7, '7'],
  ['line ends', 'a\r\nX-User: root', 'a%0D%0AX-User: root'],
  ['nothing, of an object', { a: 1 }, undefined],
  ['nothing, of an empty list', [], undefined],
] as const)
  test(`a header of a claim has ${what}`, () =>
    assert.equal(Object.fromEntries(claimHeaders({ own: { of: claim } }, [['X-Own', 'own.of']]))['X-Own'], value));

test('a token whose user is no text that others could tell apart has none', () => {
  const names = { userClaim: 'sub', groupsClaim: 'groups' };
  for (const sub of ['', 'a'.repeat(257), '\ud800', true, null, ['ada']]) assert.equal(userOf({ sub }, names), null);
  assert.equal(userOf({ sub: 'Ødegård' }, names)?.name, 'Ødegård');
});

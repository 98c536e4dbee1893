import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonBesideState } from './reason-beside-state.ts';

test('a reason beside its state does not say the state again', () => {
  assert.equal(reasonBesideState('starting', 'starting: nothing listens yet'), 'nothing listens yet');
  assert.equal(reasonBesideState('circuit_open', 'circuit open: 5 failures'), '5 failures');
  assert.equal(reasonBesideState('unhealthy', 'answered 500'), 'answered 500');
});

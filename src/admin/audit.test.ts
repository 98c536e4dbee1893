import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewEvent } from '../core/event.ts';
import { audited, doneAction, rejectedAction } from './audit.ts';

const requester = { actor: 'admin:token:oncall', remote: '10.0.0.1:5' };

/** The event of an operation that this has come of. */
async function eventOf(...[operation, outcome]: [Parameters<typeof audited>[1], ReturnType<Outcome>]) {
  const emitted: NewEvent[] = [];
  const events = { emit: (event: NewEvent) => void emitted.push(event) };
  await audited(
    events as Parameters<typeof audited>[0],
    operation,
    requester,
    async () => {},
    () => outcome,
  );
  assert.equal(emitted.length, 1);
  return emitted[0] as NewEvent<'admin_action'>;
}
type Outcome = NonNullable<Parameters<typeof audited>[4]>;

test('an action that changed nothing says what it was requested for, and why it was rejected', async () => {
  const why = 'There is no route checkout.';
  const { reason, evidence } = await eventOf({ id: 'maintenance', target: 'checkout' }, { ...rejectedAction, why });
  assert.deepEqual(evidence, {
    ...{ operation: 'maintenance', outcome: 'rejected', remote: '10.0.0.1:5', target: 'checkout', why },
  });
  assert.equal(
    reason,
    `The holder of the token oncall at 10.0.0.1:5 asked for maintenance (checkout); nothing was changed: ${why}`,
  );
});

test('an action without a target that was done has neither', async () => {
  const { reason, evidence } = await eventOf({ id: 'reload', target: null }, doneAction);
  assert.deepEqual(evidence, { operation: 'reload', outcome: 'done', remote: '10.0.0.1:5' });
  assert.equal(reason, 'The holder of the token oncall at 10.0.0.1:5 asked for reload; it was done.');
});

test('an action that changed the overlay names the entries and the revision with them', async () => {
  const overlay = { revision: 7, entries: [{ id: 'weight:shop/10.0.0.1:3000', after: { weight: 2 } }] };
  const { evidence } = await eventOf({ id: 'weight', target: '10.0.0.1:3000' }, { ...doneAction, overlay });
  assert.deepEqual(evidence.overlay, overlay);
});

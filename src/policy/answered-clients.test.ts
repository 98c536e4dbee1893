import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnsweredClients } from './answered-clients.ts';

test('a client is known at the routes that have answered it', () => {
  const clients = new AnsweredClients();
  clients.add(1, 7);
  assert.deepEqual([clients.has(1, 7), clients.has(2, 7), clients.has(1, 8)], [true, false, false]);
});

test('a client is known until 10,000 others have come after it, and forgotten after 20,000', () => {
  const clients = new AnsweredClients();
  clients.add(1, 0);
  for (let client = 1; client <= 10_000; client++) clients.add(1, client);
  assert.ok(clients.has(1, 0));
  for (let client = 10_001; client <= 20_000; client++) clients.add(1, client);
  assert.ok(!clients.has(1, 0));
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { askAdmin } from './admin-client.ts';
import { unreachable } from './ask-gateway.ts';

test('a gateway that closes connections at once, as one without descriptors does, is not said to be no gateway alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-ask-'));
  const path = join(folder, 's');
  const server = createServer((socket) => socket.destroy()).listen(path);
  try {
    await once(server, 'listening');
    const answer = await askAdmin({ kind: 'socket', path }, 'GET', '/v1/status', new SimulatedClock());
    assert.ok(!answer.ok);
    assert.match(unreachable(path, answer).message, /closed the connection .* or it has no descriptor left/);
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

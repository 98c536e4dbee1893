import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { RawClient } from './raw-client.ts';
import { refusingAddress, unansweringAddress } from './unreachable-address.ts';

test('a refusing address refuses every time, and no listener can be given its port', async () => {
  const address = await refusingAddress();
  for (let i = 0; i < 3; i++) {
    const client = new RawClient(address);
    await client.waitFor(() => client.state !== 'open', 5000);
    assert.equal(client.errno, 'ECONNREFUSED');
  }
  const server = createServer();
  const refused = once(server, 'error') as Promise<[NodeJS.ErrnoException]>;
  server.listen(address.port, address.host, () => server.close(() => server.emit('error', new Error('it listens'))));
  const [error] = await refused;
  assert.equal(error.code, 'EADDRINUSE');
  await address.close();
});

test('an unanswering address neither accepts nor refuses', async () => {
  const address = await unansweringAddress();
  const client = new RawClient(address);
  client.write('anybody there?');
  assert.equal(await client.waitFor(() => client.state !== 'open', 400), false);
  assert.equal(client.bytes.length, 0);
  client.close();
  await address.close();
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { ListenerSpec } from '../core/configuration.ts';
import { claimPorts } from './port-claims.ts';

const spec = (id: string, host: string, port: number): ListenerSpec => ({
  id,
  host,
  port,
  proxyProtocol: false,
  http2: false,
  tls: null,
});

describe('a port is claimed', () => {
  let somebody: Server;
  let port = 0;
  before(async () => {
    somebody = createServer();
    // With SO_REUSEPORT, like another gateway.
    somebody.listen({ host: '127.0.0.1', port: 0, reusePort: true });
    await once(somebody, 'listening');
    ({ port } = somebody.address() as { port: number });
  });
  after(() => void somebody.close());

  test('if no program listens there, and is free again at once', async () => {
    const listeners = [spec('http', '127.0.0.1', 0), spec('other', '127.0.0.2', port)];
    assert.deepEqual(await claimPorts(listeners, []), []);
    assert.deepEqual(await claimPorts(listeners, []), []);
  });

  test('not if another program listens there, even with SO_REUSEPORT', async () => {
    const problems = await claimPorts([spec('http', '127.0.0.1', port)], []);
    assert.deepEqual(problems, [{ listener: 'http', host: '127.0.0.1', port, errno: 'EADDRINUSE' }]);
  });

  test('without a test if this gateway or its predecessor listens there', async () => {
    const listeners = [spec('http', '127.0.0.1', port)];
    assert.deepEqual(await claimPorts(listeners, [{ host: '127.0.0.1', port }]), []);
    assert.equal((await claimPorts(listeners, [{ host: '127.0.0.2', port }])).length, 1, 'the other address is tested');
  });

  test('only once: two listeners of a configuration cannot share it', async () => {
    const problems = await claimPorts([spec('a', '127.0.0.3', port), spec('b', '127.0.0.3', port)], []);
    assert.deepEqual(
      problems.map(({ listener, errno }) => [listener, errno]),
      [['b', 'EADDRINUSE']],
    );
  });
});

import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { ListenerSpec } from '../core/listener-spec.ts';
import { freePort } from '../../test/free-port.ts';
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
  let free = 0;
  before(async () => {
    free = await freePort();
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

  test('without listening: a client or a health check that comes meanwhile is refused', async () => {
    let listens = 0;
    const listening = channel('tracing:net.server.listen:asyncStart');
    const note = (): void => void listens++;
    listening.subscribe(note);
    assert.deepEqual(await claimPorts([spec('http', '127.0.0.2', port)], []), []);
    assert.equal(listens, 0);
    listening.unsubscribe(note);
  });

  const refused: [host: string, errno: string, why: string][] = [
    ['0.0.0.0', 'EADDRINUSE', 'a program listens at one of the addresses'],
    ['192.0.2.123', 'EADDRNOTAVAIL', 'the machine does not have the address'],
  ];
  for (const [host, errno, why] of refused)
    test(`not at ${host} if ${why}`, async () => {
      const problems = await claimPorts([spec('http', host, port)], []);
      assert.deepEqual(problems, [{ listener: 'http', host, port, errno }]);
    });

  test('without a test if this gateway or its predecessor listens there', async () => {
    const listeners = [spec('http', '127.0.0.1', port)];
    assert.deepEqual(await claimPorts(listeners, [{ host: '127.0.0.1', port }]), []);
    assert.equal((await claimPorts(listeners, [{ host: '127.0.0.2', port }])).length, 1, 'the other address is tested');
  });

  const pairs: [first: string, second: string, refused: readonly string[]][] = [
    ['127.0.0.3', '127.0.0.3', ['second']],
    ['localhost', 'localhost', ['second']],
    ['0.0.0.0', '127.0.0.3', ['second']],
    ['127.0.0.3', '0.0.0.0', ['second']],
    ['127.0.0.3', '127.0.0.4', []],
  ];
  for (const [first, second, refused] of pairs)
    test(`for listeners of one configuration at ${first} and ${second}${refused.length > 0 ? ', but not for the second' : ''}`, async () => {
      const problems = await claimPorts([spec('first', first, free), spec('second', second, free)], []);
      assert.deepEqual(
        problems.map(({ listener, errno }) => [listener, errno]),
        refused.map((listener) => [listener, 'EADDRINUSE']),
      );
    });
});

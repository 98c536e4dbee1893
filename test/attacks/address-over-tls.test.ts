import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { startFromYaml } from '../gateway/start-from-yaml.ts';

describe('an application at https:// with an IP address', () => {
  for (const check of ['none', '{ path: /, interval: 1s }']) {
    it(`that speaks no TLS fails one connection at a time, and never a worker (check: ${check})`, async () => {
      // The origin speaks no TLS. The gateway notices it in the handshake, after everything before it has succeeded.
      const origin = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
      });
      origin.listen(0, '127.0.0.1');
      await once(origin, 'listening');
      const { port } = origin.address() as AddressInfo;
      const gateway = await startFromYaml(
        `upstreams: { app: { endpoints: "https://127.0.0.1:${port}", check: ${check} } }`,
      );
      try {
        const record = await gateway.record(await gateway.get('/'));
        assert.equal(record.cause, check === 'none' ? 'tls_plaintext_peer' : 'no_endpoint_ready');
        assert.equal(gateway.counts().unclassified, 0);
        assert.deepEqual(gateway.eventsOf('worker_lost'), []);
      } finally {
        await gateway.stop();
        origin.close();
      }
    });
  }
});

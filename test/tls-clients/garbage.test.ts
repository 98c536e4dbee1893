import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SeededRandom } from '../../src/testing/testing.ts';
import { EngineListener } from '../gateway/engine-listener.ts';
import { responseOn, timeoutMs, until } from '../gateway/start-from-yaml.ts';
import { SecureClient } from './secure-client.ts';
import { edgeTls, trusting } from './tls-edge.ts';

// Bytes that are no records of the session, once the handshake is complete: they cost the client its connection, and nothing
// of them is taken for a request.

const random = new SeededRandom('garbage within TLS');
const randomBytes = Buffer.alloc(4096);
random.fill(randomBytes);

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: edge.test\r\n\r\n`;

/** A record as it goes over the wire. */
function record(type: number, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(type, 3, 3, body.length >> 8, body.length & 0xff), body]);
}

const garbage: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['a request in clear text', Buffer.from(request('/injected'))],
  ['a record that was encrypted with another key', record(23, randomBytes.subarray(0, 64))],
  ['a record that is too short to be encrypted', record(23, Buffer.of(0))],
  ['a record that is too long', Buffer.concat([Buffer.of(23, 3, 3, 0xff, 0xff), randomBytes])],
  ['a record of an unknown type', record(99, randomBytes.subarray(0, 32))],
  ['a handshake message in clear text', record(22, Buffer.of(1, 0, 0, 2, 3, 3))],
  ['an alert in clear text', record(21, Buffer.of(2, 40))],
  ['zeros', Buffer.alloc(4096)],
  ['random bytes', randomBytes],
];

let listener: EngineListener;

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  describe(`within a session of ${version}`, () => {
    before(async () => {
      listener = new EngineListener({ stages: [], engines: [], tls: edgeTls });
      await listener.open();
    });
    after(() => listener.close());

    const client = (): SecureClient =>
      new SecureClient(listener.address, trusting({ minVersion: version, maxVersion: version }));

    for (const [name, bytes] of garbage) {
      test(`${name} closes an idle connection`, async () => {
        const attacker = client();
        attacker.write(request('/'));
        assert.equal((await responseOn(attacker)).status, 200);
        const served = listener.handlers.length;
        attacker.writeBelow(bytes);
        assert.ok(await attacker.waitFor(() => attacker.state !== 'open', timeoutMs), 'the client notices');
        attacker.close();
        await until('the connection is forgotten', () => listener.counts.clientConnections === 0);
        assert.equal(listener.handlers.length, served, 'no further request');
      });

      test(`${name} fails a request that waits for its response`, async () => {
        const attacker = client();
        const served = listener.handlers.length;
        attacker.write(request('/wait'));
        await until('the request has come', () => listener.handlers.length === served + 1);
        attacker.writeBelow(bytes);
        await until('the connection is forgotten', () => listener.counts.clientConnections === 0);
        assert.equal(listener.handlers.length, served + 1, 'no further request');
        assert.deepEqual(
          listener.handlers[served]?.failures.map(({ cause }) => cause),
          ['client_gone'],
        );
        attacker.close();
      });
    }

    test('other clients are served meanwhile, and no handshake has failed', async () => {
      const attacker = client();
      const other = client();
      // Garbage right after `handshake` could overtake the client's last message of it.
      for (const one of [attacker, other]) {
        one.write(request('/'));
        await responseOn(one);
      }
      attacker.writeBelow(randomBytes);
      other.write(request('/'));
      assert.equal((await responseOn(other)).status, 200);
      for (const one of [attacker, other]) one.close();
      await until('both are forgotten', () => listener.counts.clientConnections === 0);
      assert.deepEqual(listener.failedHandshakes, []);
    });
  });
}

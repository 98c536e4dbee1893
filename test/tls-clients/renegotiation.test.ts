import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { EngineListener } from '../gateway/engine-listener.ts';
import { responseOn, until } from '../gateway/start-from-yaml.ts';
import { SecureClient } from './secure-client.ts';
import { edgeTls, trusting } from './tls-edge.ts';

// A client may ask for another handshake within a session of TLS 1.2. It costs the server a signature and the client next to
// nothing, and no client needs it.

describe('a renegotiation', () => {
  let listener: EngineListener;
  before(async () => {
    listener = new EngineListener({ stages: [], engines: [], tls: edgeTls });
    await listener.open();
  });
  after(() => listener.close());

  for (const [when, path] of [
    ['before a request', null],
    ['between two requests', '/'],
    ['while a request waits', '/wait'],
  ] as const)
    test(`${when} is refused`, async () => {
      const client = new SecureClient(listener.address, trusting({ maxVersion: 'TLSv1.2' }));
      await client.handshake;
      const handled = listener.handlers.length;
      if (path !== null) client.write(`GET ${path} HTTP/1.1\r\nHost: edge.test\r\n\r\n`);
      if (path === '/') assert.equal((await responseOn(client)).status, 200);
      if (path === '/wait') await until('the request has come', () => listener.handlers.length === handled + 1);
      assert.notEqual(await renegotiate(client.secure), 'done');
      client.close();
      await until('the connection is forgotten', () => listener.counts.clientConnections === 0);
      assert.deepEqual(listener.failedHandshakes, [], 'the handshake itself had been completed');
    });

  test('does not keep other clients from being served', async () => {
    const [attacker, other] = [0, 1].map(
      () => new SecureClient(listener.address, trusting({ maxVersion: 'TLSv1.2' })),
    ) as [SecureClient, SecureClient];
    await Promise.all([attacker.handshake, other.handshake]);
    const outcome = renegotiate(attacker.secure);
    other.write('GET / HTTP/1.1\r\nHost: edge.test\r\n\r\n');
    assert.equal((await responseOn(other)).status, 200);
    assert.notEqual(await outcome, 'done');
    for (const one of [attacker, other]) one.close();
    await until('both are forgotten', () => listener.counts.clientConnections === 0);
  });
});

/** What becomes of another handshake that this client asks for: 'done', or the error or end that it meets. */
function renegotiate(secure: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    secure.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'failed'));
    secure.once('close', () => resolve('closed'));
    secure.renegotiate({}, (error) => resolve(error === null ? 'done' : error.message));
  });
}

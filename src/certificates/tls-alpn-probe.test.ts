import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createServer } from 'node:tls';
import { prepareChallenge } from './challenges.ts';
import { probeTlsAlpn } from './tls-alpn-probe.ts';

function challenge(token: string) {
  const prepared = prepareChallenge('tls-alpn-01', 'localhost', token, `${token}.thumbprint`, Date.now());
  assert.ok(prepared.kind === 'tls-alpn-01');
  return prepared;
}

const ours = challenge('ours');
const other = challenge('other');

async function portOf(context: TestContext, server: Server): Promise<number> {
  await once(server.listen(0), 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const never = new AbortController().signal;
const rows = [
  ['ours', ours, ['acme-tls/1'], 'ours', /^answers as it should$/],
  ['another certificate', other, ['acme-tls/1'], 'foreign', /^shows another certificate than ours/],
  ['no ALPN', ours, [], 'foreign', /^shows another certificate/],
  ['http/1.1 alone', ours, ['http/1.1'], 'foreign', /^does not speak acme-tls\/1 \(ERR_SSL_/],
] as const;

for (const [what, shown, protocols, kind, text] of rows)
  test(`a server with ${what} on the CA's port is known`, async (t) => {
    const { certificate: cert, key } = shown;
    const server = createServer({ cert, key, ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }) });
    const sight = await probeTlsAlpn(ours, await portOf(t, server), never);
    assert.equal(sight.kind, kind, sight.text);
    assert.match(sight.text, text);
  });

test('a port that nobody has, and one that says nothing, are silent', async (t) => {
  const closing = createTcpServer();
  await once(closing.listen(0), 'listening');
  const { port } = closing.address() as AddressInfo;
  await once(closing.close(), 'close');
  assert.deepEqual(await probeTlsAlpn(ours, port, never), { kind: 'silent', text: 'refuses connections' });
  const abort = new AbortController();
  const mute = createTcpServer((socket) => {
    t.after(() => socket.destroy());
    abort.abort();
  });
  const sight = await probeTlsAlpn(ours, await portOf(t, mute), abort.signal);
  assert.deepEqual(sight, { kind: 'silent', text: 'does not answer (timeout)' });
});

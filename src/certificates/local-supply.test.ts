import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { connect, createServer } from 'node:tls';
import { systemClock } from '../system/system.ts';
import { createLocalAuthority, extendLocalAuthority, isUsable, issueLocally } from './local-supply.ts';

const dayMs = 86_400_000;
const now = systemClock.wallTime();
const authority = createLocalAuthority(['app.internal', '*.shop.internal', 'dev.localhost'], 'this machine', now);
const extended = extendLocalAuthority(authority, ['new.internal'], now);

/** Null: a client that trusts the CA accepts a certificate of it for `host`. */
async function refusal(
  context: TestContext,
  host: string,
  issuer = authority,
  trusted = authority,
): Promise<string | null> {
  const { certificate, key } = issueLocally(issuer, host, now);
  const server = createServer({ cert: certificate, key });
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const name = host.startsWith('*.') ? host.replace('*', 'any') : host;
  return new Promise((resolve) => {
    const sni = /^[\d.]+$/.test(name) ? {} : { servername: name };
    const socket = connect({ host: '127.0.0.1', port, ...sni, ca: trusted.certificate }, () => {
      resolve(null);
      socket.destroy();
    });
    // Node has no code for these reasons.
    socket.once('error', ({ message }) => resolve(message));
  });
}

for (const [host, expected] of [
  ['app.internal', null],
  ['*.shop.internal', null],
  ['dev.localhost', null],
  ['other.localhost', null],
  ['bank.example', 'permitted subtree violation'],
  ['notapp.internal', 'permitted subtree violation'],
  ['127.0.0.1', 'excluded subtree violation'],
] as const)
  test(`clients ${expected === null ? 'accept' : 'refuse'} what the CA signs for ${host}`, async (t) => {
    assert.equal(await refusal(t, host), expected);
  });

test('a certificate for further hosts disturbs no client that trusts the one before', async (t) => {
  assert.equal(await refusal(t, 'app.internal', extended, authority), null);
  assert.equal(await refusal(t, 'app.internal', extended, extended), null);
  assert.equal(await refusal(t, 'new.internal', extended, extended), null);
  assert.equal(await refusal(t, 'new.internal', extended, authority), 'permitted subtree violation');
  assert.equal(await refusal(t, 'bank.example', extended, extended), 'permitted subtree violation');
});

test('a CA is used for its hosts, until a certificate would outlive it', () => {
  assert.ok(isUsable(authority, ['app.internal', 'any.localhost'], now));
  assert.ok(!isUsable(authority, ['app.internal', 'new.internal'], now));
  assert.ok(isUsable(authority, ['app.internal'], now + 1064 * dayMs));
  assert.ok(!isUsable(authority, ['app.internal'], now + 1066 * dayMs));
});

test('certificates are renewed at two thirds of their thirty days', () => {
  const { notAfter, renewAt } = issueLocally(authority, 'app.internal', now);
  assert.deepEqual([notAfter - now, renewAt - now], [30 * dayMs, 20 * dayMs]);
});

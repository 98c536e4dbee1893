import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { needsPebble, startPebble } from '../certificates/pebble-server.test-support.ts';
import { renderStatus } from '../../src/cli/status-table.ts';
import { styleFor } from '../../src/cli/style.ts';
import { freePort } from '../free-port.ts';
import { issueMs, refused, shop, shownTo, startAutomatic } from './automatic-gateway.ts';
import { until } from './start-from-yaml.ts';

// By which account certificates are obtained, and what is said where a CA refuses one.

const hmacKey = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';

test('a CA that wants an external account issues for the one of the file', needsPebble, async (t) => {
  const pebble = await startPebble(t, { externalAccount: { keyId: 'kid-1', hmacKey } });
  const auto = 'external_account: { key_id: kid-1, hmac_key_file: eab.key }';
  const edge = await startAutomatic(t, pebble, { auto, routes: shop, files: { 'eab.key': `${hmacKey}\n` } });
  await until('it is issued', () => edge.eventsOf('certificate_issued').length > 0, issueMs);
  assert.equal(await shownTo('shop.example.org', pebble.tlsPort), 'DNS:shop.example.org');
});

for (const [what, auto, reason, fix] of [
  [
    'with a wrong key',
    'external_account: { key_id: kid-1, hmac_key_file: eab.key }',
    /^the CA does not accept the external account kid-1: /,
    /^compare "key_id" and the content of "hmac_key_file"/,
  ],
  [
    'with an unknown identifier',
    'external_account: { key_id: kid-2, hmac_key_file: eab.key }',
    /^the CA does not accept the external account kid-2: /,
    /^compare "key_id" and the content of "hmac_key_file"/,
  ],
  ['without one', 'challenges: http-01', /wants an external account, and none is configured$/, /"external_account"/],
] as const)
  test(`a CA that wants an external account refuses a gateway ${what}, which says so`, needsPebble, async (t) => {
    const pebble = await startPebble(t, { externalAccount: { keyId: 'kid-1', hmacKey } });
    const files = { 'eab.key': hmacKey.replace('zW', 'Wz') };
    const edge = await startAutomatic(t, pebble, { auto, routes: shop, files });
    await until('it failed', () => edge.eventsOf('certificate_renewal_failed').length > 0, issueMs);
    const { failure } = edge.gateway.status().certificates[0] ?? {};
    assert.match(failure?.reason ?? '', reason);
    assert.match(failure?.nextStep ?? '', fix);
    assert.equal(edge.eventsOf('certificate_renewal_failed')[0]?.evidence.cause, 'account');
  });

test(
  'what the CA said, what this machine sees, what to do and when it is tried again are the same in event, status, terminal and handshake',
  needsPebble,
  async (t) => {
    const pebble = await startPebble(t);
    const other = createServer((_request, response) => response.writeHead(404, { server: 'nginx/1.22' }).end());
    await once(other.listen(pebble.httpPort, '127.0.0.1'), 'listening');
    t.after(() => other.close());
    const http = await freePort();
    const auto = 'challenges: http-01, hosts: localhost';
    const edge = await startAutomatic(t, pebble, { auto, routes: shop, http });
    await until('it failed', () => edge.eventsOf('certificate_renewal_failed').length > 0, issueMs);
    const status = edge.gateway.status();
    assert.equal(await shownTo('localhost', pebble.tlsPort), refused);
    await until('the handshake is reported', () => edge.eventsOf('tls_handshakes_failed').length > 0);
    const { reason = '', nextStep = '' } = status.certificates[0]?.failure ?? {};
    const own = `is answered by nginx/1\\.22, not by us \\(status 404\\)`;
    // The CA runs on this machine, and so it is taken to look where the gateway listens; the other server has the port that it really asks.
    assert.match(
      reason,
      new RegExp(
        `^the CA did not accept the http-01 challenge of localhost: (.+); seen from this machine, port ${http} of localhost \\(.*127\\.0\\.0\\.1.*\\) (${own}|answers as it should)$`,
      ),
    );
    const [failed] = edge.eventsOf('certificate_renewal_failed');
    assert.ok(failed !== undefined);
    assert.ok(reason.includes(`${failed.evidence.detail}; ${failed.evidence.seen}`), reason);
    const next = /next attempt in \d+ \w+$/.exec(failed.reason)?.[0] ?? 'none';
    assert.ok(failed.reason.startsWith(`no certificate for localhost: ${reason}; ${nextStep}; `), failed.reason);
    const said = edge.eventsOf('tls_handshakes_failed')[0]?.reason ?? '';
    assert.ok(said.endsWith(`no certificate yet: ${reason}; ${nextStep}; ${next}`), said);
    const terminal = renderStatus(status, styleFor({ isTTY: false } as never, {})).replace(/\s+/g, ' ');
    assert.ok(terminal.includes(reason) && terminal.includes(`${nextStep}; ${next}`), terminal);
  },
);

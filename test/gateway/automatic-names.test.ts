// Only `npm run test:complete` runs this file: it starts CAs and gateways. `npm test` has `automatic-
// certificates.test.ts` and the tests of `src/certificates`.
// Starts processes: the hook of a DNS provider is a program.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsPebble, startPebble } from '../certificates/pebble-server.test-support.ts';
import { renderStatus } from '../../src/cli/status-table.ts';
import { styleFor } from '../../src/cli/style.ts';
import { freePort } from '../free-port.ts';
import { issueMs, refused, shop, shownTo, startAutomatic, stateFolder } from './automatic-gateway.ts';
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
    const admin = { socket: null, url: null, certificate: null };
    const terminal = renderStatus({ ...status, admin }, styleFor({ isTTY: false } as never, {})).replace(/\s+/g, ' ');
    assert.ok(terminal.includes(reason) && terminal.includes(`${nextStep}; ${next}`), terminal);
  },
);

/** Sets TXT records of the CA's name server; `late`: some time after it has ended. */
const hookScript = `
const [, , url, late, action] = process.argv;
const { CANDOR_ACME_NAME: name, CANDOR_ACME_VALUE: value } = process.env;
const path = action === 'present' ? '/set-txt' : '/clear-txt';
const body = JSON.stringify({ host: name + '.', value });
const { spawn } = await import('node:child_process');
const send = 'fetch(process.argv[1], { method: "POST", body: process.argv[2] })';
if (late === 'never' && action === 'present') process.exit(0);
if (late === 'late' && action === 'present') {
  const script = 'setTimeout(() => ' + send + ', 1500)';
  spawn(process.execPath, ['-e', script, url + path, body], { detached: true, stdio: 'ignore' }).unref();
} else await fetch(url + path, { method: 'POST', body });
`;

for (const [late, seconds] of [
  ['late', '20s'],
  ['never', '1s'],
] as const)
  test(
    `a DNS record that its command sets ${late} is waited for, and what was seen is said`,
    needsPebble,
    async (t) => {
      const pebble = await startPebble(t);
      const folder = stateFolder(t);
      const script = join(folder, 'hook.mjs');
      writeFileSync(script, hookScript);
      const command = JSON.stringify([process.execPath, script, pebble.namesUrl, late]);
      const auto = `dns_hook: ${command}, propagation_timeout: ${seconds}`;
      const routes = '  - { host: "*.example.org", respond: { status: 200, body: "served" } }';
      const more = `dns: { servers: ["${pebble.nameServer}"] }`;
      const edge = await startAutomatic(t, pebble, { auto, routes, more });
      const failures = () => edge.eventsOf('certificate_renewal_failed');
      const isOver = () => edge.eventsOf('certificate_issued').length + failures().length > 0;
      await until('the CA has decided', isOver, issueMs);
      if (late === 'late') {
        assert.deepEqual(failures(), []);
        return assert.equal(await shownTo('any.example.org', pebble.tlsPort), 'DNS:*.example.org');
      }
      const { seen: text, fix } = failures()[0]?.evidence ?? {};
      const seen = "the TXT record _acme-challenge.example.org was not yet at this machine's resolver (it has none)";
      assert.match(text ?? '', /^seen from this machine after \d s, /);
      assert.ok(text?.endsWith(seen) === true, text ?? 'nothing');
      assert.match(fix ?? '', /"dns_hook" sets the TXT record/);
    },
  );

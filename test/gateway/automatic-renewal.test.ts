// Only `npm run test:complete` runs this file: it starts a gateway for each certificate, in a process of its own. `npm test`
// decides renewals in simulated time (`src/certificates`).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthorityFront } from '../certificates/authority-front.test-support.ts';
import { needsPebble, type Pebble, startPebble } from '../certificates/pebble-server.test-support.ts';
import { SecureClient } from '../tls-clients/secure-client.ts';
import { TlsLoad, visitOnce } from '../tls-clients/tls-load.ts';
import { GatewayFolder } from './gateway-folder.ts';
import { requestText, responseOn, until } from './start-from-yaml.ts';

// Renewals by a gateway that serves, in processes of their own. A gateway orders nothing in the first hour after a renewal, so
// that each test has a process that obtains the certificate and one that renews it.

const host = 'edge.test';
const issueMs = 30_000;
const dayMs = 86_400_000;

function yaml({ httpPort, tlsPort }: Pebble, { directoryUrl }: AuthorityFront): string {
  return `
workers: 2
listeners:
  http: "127.0.0.1:${httpPort}"
  https:
    bind: "127.0.0.1:${tlsPort}"
    tls: { auto: { hosts: ${host}, directory: "${directoryUrl}", ca_file: ca.pem } }
routes:
  - { respond: { status: 200, body: "served" } }
`;
}

test(
  'a certificate is renewed in the window that the CA gives, and a moved window is followed; no request fails, and open connections stay',
  needsPebble,
  async (t) => {
    const pebble = await startPebble(t);
    const front = await AuthorityFront.start(t, pebble);
    const folder = new GatewayFolder(t, { 'ca.pem': pebble.root });
    const [start, end] = [20, 21].map((days) => Date.now() + days * dayMs) as [number, number];
    front.window = { start, end };
    const first = await folder.start(yaml(pebble, front));
    await until('it is issued', () => first.eventsOf('certificate_issued').length > 0, issueMs);
    const renewAt = async (): Promise<number> => Date.parse((await first.certificates())[0]?.renew_at ?? '');
    await until('the window is known', async () => (await renewAt()) <= end, issueMs);
    assert.ok((await renewAt()) >= start);
    await first.stop();

    const moved = Promise.withResolvers<null>();
    front.answer = ({ step }) => (step === 'renewal_information' ? moved.promise : Promise.resolve(null));
    const ordersBefore = front.count('new_order');
    const second = await folder.start(yaml(pebble, front));
    const client = { servername: host, ca: await pebble.issuingRoot() };
    const address = { host: '127.0.0.1', port: pebble.tlsPort };
    const old = (await visitOnce(address, client)).serial;
    const load = new TlsLoad(address, client);
    const open = new SecureClient(address, client);
    open.write(requestText('GET', '/', [`Host: ${host}`]));
    assert.equal((await responseOn(open)).status, 200);
    await until('requests are answered', () => load.answered > 100);
    await until('the CA is asked', () => front.count('renewal_information') > 1);
    const now = Date.now();
    front.window = { start: now + 1500, end: now + 3000 };
    moved.resolve(null);
    await until('it is renewed', () => second.eventsOf('certificate_issued').length > 0, issueMs);

    const [issued] = second.eventsOf('certificate_issued');
    assert.deepEqual([issued?.evidence.isRenewal, issued?.evidence.names], [true, [host]]);
    const [order, ...more] = front.requests.filter(({ step }) => step === 'new_order').slice(ordersBefore);
    assert.ok(order !== undefined && more.length === 0);
    // A second is the gateway's shortest pause between two looks; two more are for a busy machine.
    assert.ok(order.at >= front.window.start && order.at <= front.window.end + 3000, String(order.at - now));
    assert.match((order.payload as { replaces: string }).replaces, /^[\w-]+\.[\w-]+$/);
    const shown = (await visitOnce(address, client)).serial;
    assert.notEqual(shown, old);
    // Each visit may meet another worker.
    for (let visits = 0; visits < 16; visits++)
      assert.deepEqual(await visitOnce(address, client).then(({ serial, status }) => [status, serial]), [200, shown]);
    open.write(requestText('GET', '/', [`Host: ${host}`]));
    assert.equal((await responseOn(open)).status, 200);
    assert.equal(open.secure.getPeerCertificate().serialNumber, old);
    open.close();
    const answered = load.answered;
    await until('requests are answered', () => load.answered > answered + 100);
    assert.deepEqual((await load.stop()).failed, []);
    assert.deepEqual(second.eventsOf('tls_handshakes_failed'), []);
  },
);

test(
  'where the CA goes down before a renewal, the valid certificate is shown, and it is said why',
  needsPebble,
  async (t) => {
    const pebble = await startPebble(t);
    const front = await AuthorityFront.start(t, pebble);
    const folder = new GatewayFolder(t, { 'ca.pem': pebble.root });
    const first = await folder.start(yaml(pebble, front));
    await until('it is issued', () => first.eventsOf('certificate_issued').length > 0, issueMs);
    await first.stop();

    front.window = { start: Date.now() - 2 * dayMs, end: Date.now() - dayMs };
    front.answer = async ({ step }) => {
      if (step === 'renewal_information') front.goDown();
      return null;
    };
    const second = await folder.start(yaml(pebble, front));
    await until('the attempt has failed', () => second.eventsOf('certificate_renewal_failed').length > 0, issueMs);
    const [failed] = second.eventsOf('certificate_renewal_failed');
    assert.equal(failed?.evidence.cause, 'unreachable');
    assert.match(failed?.reason ?? '', /refused the connection.*; the present one is valid until /);
    const [state] = await second.certificates();
    assert.equal(state?.state, 'valid');
    assert.match(state?.failure?.reason ?? '', /refused the connection \(ECONNREFUSED\)/);
    const client = { servername: host, ca: await pebble.issuingRoot() };
    assert.equal((await visitOnce({ host: '127.0.0.1', port: pebble.tlsPort }, client)).status, 200);
  },
);

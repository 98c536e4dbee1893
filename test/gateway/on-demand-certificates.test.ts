// Only `npm run test:complete` runs this file: it starts a CA and gateways. `npm test` has `automatic-certificates.test.ts`, and
// the rules for names in `src/certificates`.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { needsPebble, startPebble } from '../certificates/pebble-server.test-support.ts';
import { issueMs, refused, shop, shownTo, startAutomatic, stateFolder } from './automatic-gateway.ts';
import { requestText, until, type YamlGateway } from './start-from-yaml.ts';

// Certificates for names that no route has, obtained when a client asks for one.

const everyHost = `${shop}\n  - { respond: { status: 200, body: "any host" } }`;

/** The operator's endpoint: it knows one name. */
async function askServer(context: TestContext, known: string) {
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    const name = new URL(url, 'http://a').searchParams.get('domain') ?? '';
    asked.push(name);
    // Whoever followed this would find a permission for every name.
    const moved = { location: `/?domain=${known}` };
    response.writeHead(name === known ? 204 : name.startsWith('moved') ? 302 : 404, moved).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  context.after(() => server.close());
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/check?key=1` };
}

test(
  'the first handshake for an allowed name orders its certificate, and the next process has it and goes on',
  needsPebble,
  async (t) => {
    const pebble = await startPebble(t);
    const state = stateFolder(t);
    const auto = 'on_demand: { allow: ["*.customers.example.org", b.example.org] }';
    const first = await startAutomatic(t, pebble, { auto, routes: everyHost, state });
    await until('the host of the route has its own', () => first.eventsOf('certificate_issued').length > 0, issueMs);
    const name = 'one.customers.example.org';
    assert.equal(await shownTo('two.one.customers.example.org', pebble.tlsPort), refused);
    assert.equal(await shownTo(name, pebble.tlsPort), refused);
    const get = async () => (await first.send(requestText('GET', '/', [`Host: ${name}`]))).status;
    assert.equal(await get(), 200, 'no redirect to a port that refuses the host');
    await until('it is issued', () => first.eventsOf('certificate_issued').length > 1, issueMs);
    assert.equal(await shownTo(name, pebble.tlsPort), `DNS:${name}`);
    assert.equal(await get(), 308);
    const reasons = () => first.eventsOf('tls_handshakes_failed').map(({ evidence }) => evidence.reason);
    await until('both handshakes are reported', () => reasons().length > 1);
    assert.deepEqual(reasons().toSorted(), ['no_certificate_yet', 'unknown_name']);
    const names = (edge: YamlGateway) => edge.gateway.status().certificates.map((one) => one.name);
    assert.deepEqual(names(first), ['shop.example.org', name]);
    await first.stop();
    const second = await startAutomatic(t, pebble, { auto, routes: everyHost, state });
    assert.equal(await shownTo(name, pebble.tlsPort), `DNS:${name}`);
    assert.deepEqual([names(second), second.eventsOf('certificate_issued')], [['shop.example.org', name], []]);
    assert.equal(await shownTo('b.example.org', pebble.tlsPort), refused);
    await until('it goes on', () => second.eventsOf('certificate_issued').length > 0, issueMs);
  },
);

test(
  'the operator is asked about other names, a redirect is no permission, and a flood of names orders nothing',
  needsPebble,
  async (t) => {
    const pebble = await startPebble(t);
    const { asked, url } = await askServer(t, 'known.example.org');
    const edge = await startAutomatic(t, pebble, { auto: `on_demand: { ask: "${url}" }`, routes: everyHost });
    await until('the host of the route has its own', () => edge.eventsOf('certificate_issued').length > 0, issueMs);
    assert.equal(await shownTo('moved.example.org', pebble.tlsPort), refused);
    await until('it is asked about', () => asked.length > 0);
    for (let n = 0; n < 300; n++) assert.equal(await shownTo(`${n}.random.example.org`, pebble.tlsPort), refused);
    assert.equal(await shownTo('not_a_name.example.org', pebble.tlsPort), refused);
    assert.equal(await shownTo('known.example.org', pebble.tlsPort), refused);
    const isIssued = async (): Promise<boolean> => (await shownTo('known.example.org', pebble.tlsPort)) !== refused;
    for (let looks = 0; looks < 200 && !(await isIssued()); looks++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(await isIssued());
    const subjects = edge.eventsOf('certificate_issued').map(({ subject }) => subject);
    assert.deepEqual(subjects, ['certificate:shop.example.org', 'certificate:known.example.org']);
    assert.deepEqual(edge.eventsOf('certificate_renewal_failed'), []);
    assert.deepEqual([asked.length, new Set(asked).size], [new Set(asked).size, asked.length]);
    assert.ok(!asked.includes('shop.example.org') && !asked.includes('not_a_name.example.org'));
    assert.equal(edge.gateway.status().certificates.length, 2);
    const failed = edge.eventsOf('tls_handshakes_failed');
    assert.match(failed[0]?.reason ?? '', /no certificate yet: the endpoint of "ask" is being asked$/);
    const unknown = failed.filter(({ evidence }) => evidence.reason === 'unknown_name');
    assert.deepEqual(
      unknown.map(({ evidence }) => evidence.serverName),
      ['not_a_name.example.org'],
    );
  },
);

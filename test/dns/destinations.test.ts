import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, afterEach, before, describe, it } from 'node:test';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dnsAddresses, dnsRcode, type DnsServer, startDnsServer } from '../../src/testing/dns-server.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { ReloadedGateway, startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

// Which addresses of a name the gateway may connect to, after its answer or the configuration has changed.

let dns: DnsServer;
let origin: Server;
let port = 0;
let edge: YamlGateway;

before(async () => {
  dns = await startDnsServer();
  origin = createServer((_request, response) => response.end('the application'));
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  port = (origin.address() as AddressInfo).port;
});
after(async () => {
  await dns.stop();
  origin.closeAllConnections();
  origin.close();
});
/** Of the tests that need no start, and no event that may come during one. */
const shared = new ReloadedGateway();
after(() => shared.stop());
const gateways: YamlGateway[] = [];
afterEach(() => Promise.allSettled(gateways.splice(0).map((gateway) => gateway.stop())));

async function start(text: string): Promise<void> {
  edge = await startFromYaml(text);
  gateways.push(edge);
}

function yaml(endpoint: string, settings: string, more = ''): string {
  return `
dns: { servers: ["${dns.address}"], ${settings} }
disclosure: operator
upstreams: { app: { endpoints: "${endpoint}", check: { interval: 50ms, passes: 1, fails: 1 } } }
${more}`;
}

const endpoints = () => edge.gateway.status().upstreams[0]?.endpoints ?? [];
const states = () => endpoints().map(({ address, state }) => `${address} ${state}`);
const allowed = 'allow: [127.0.0.1/32]';

async function assertProhibited(prohibition: string): Promise<void> {
  const response = await edge.get('/');
  assert.equal(response.status, 502);
  assert.match(headerOf(response, 'proxy-status') ?? '', /error=destination_ip_prohibited/);
  const record = await edge.record(response);
  assert.deepEqual([record.cause, record.delivery, record.attempts.length], ['destination_prohibited', 'not_sent', 0]);
  assert.match(record.detail ?? '', new RegExp(prohibition));
}

describe('a name that resolves to a prohibited address later (DNS rebinding)', () => {
  for (const elsewhere of ['169.254.169.254', '127.0.0.2', '::1', '0.0.0.0']) {
    it(`never connects to ${elsewhere}; the last allowed address stays in use, and its reason says so`, async () => {
      dns.on('rebind.test', dnsAddresses(0, '127.0.0.1'), dnsAddresses(0, elsewhere));
      await start(yaml(`rebind.test:${port}`, allowed));
      assert.equal((await edge.get('/')).status, 200);
      const written = elsewhere.includes(':') ? `[${elsewhere}]` : elsewhere;
      await until('the gateway knows the other address', () => states().includes(`${written}:${port} unhealthy`));
      assert.deepEqual(states(), [`127.0.0.1:${port} healthy`, `${written}:${port} unhealthy`]);
      assert.match(endpoints()[0]?.reason ?? '', /resolves to other addresses now/);
      assert.equal((await edge.get('/')).status, 200);
      const [moved] = edge.eventsOf('name_addresses');
      assert.deepEqual(moved?.evidence.added, [elsewhere]);
    });
  }

  it('in one family keeps the address of the other family', async () => {
    dns.on('half.test', dnsAddresses(30, '127.0.0.1', '::1'));
    edge = await shared.with(yaml(`half.test:${port}`, allowed));
    assert.deepEqual(states(), [`127.0.0.1:${port} healthy`, `[::1]:${port} unhealthy`]);
    assert.equal((await edge.get('/')).status, 200);
  });
});

describe('a reload', () => {
  it('that denies a network drains its addresses at once, even if there are no others', async () => {
    dns.on('closing.test', dnsAddresses(30, '127.0.0.1'));
    edge = await shared.with(yaml(`closing.test:${port}`, allowed));
    assert.equal((await edge.get('/')).status, 200);
    const outcome = await edge.reload(yaml(`closing.test:${port}`, 'deny: [127.0.0.0/8]'));
    assert.ok(outcome.ok);
    await until('it drains', () => states().join() === `127.0.0.1:${port} draining`);
    await assertProhibited('dns.deny');
    assert.ok((await edge.reload(yaml(`closing.test:${port}`, allowed))).ok);
    await until('the listener is open again', () => states().join() === `127.0.0.1:${port} healthy`);
    assert.equal((await edge.get('/')).status, 200);
  });

  it("to an address of the gateway's own listener, whose port the system chose, is reported", async () => {
    dns.on('circle.test', dnsAddresses(30, '127.0.0.1'));
    edge = await shared.with(yaml(`circle.test:${port}`, allowed));
    const own = edge.address().port;
    for (const endpoint of [`circle.test:${own}`, `127.0.0.1:${own}`]) {
      assert.ok((await edge.reload(yaml(endpoint, allowed))).ok);
      await assertProhibited('own listeners');
    }
  });
});

describe("the gateway's own listener on every address", () => {
  const mine = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  const ways = ['127.0.0.1', '127.0.0.77', '::ffff:7f00:1', ...(mine === undefined ? [] : [mine])];
  for (const [place, ip] of ways.entries()) {
    it(`is not reached by a name that resolves to ${ip}`, async () => {
      const name = `everywhere-${place}.test`;
      dns.on(name, dnsAddresses(30, ip));
      const wide = 'allow: [127.0.0.0/8, "::ffff:0:0/96"]';
      const listeners = 'listeners: { http: "0.0.0.0:0" }';
      edge = await shared.with(yaml(`${name}:${port}`, wide, listeners));
      const own = edge.address().port;
      assert.ok((await edge.reload(yaml(`${name}:${own}`, wide, listeners))).ok);
      await assertProhibited('own listeners');
    });
  }

  it('may have the port of an application on another address', async () => {
    dns.on('beside.test', dnsAddresses(30, '127.0.0.1'));
    const other = createServer((_request, response) => response.end('another one'));
    other.unref();
    other.listen(0, '127.0.0.3');
    await once(other, 'listening');
    const own = (other.address() as AddressInfo).port;
    const listeners = `listeners: { http: "127.0.0.1:${own}" }`;
    dns.on('beside.test', dnsAddresses(30, '127.0.0.3'));
    edge = await shared.with(yaml(`beside.test:${own}`, 'allow: [127.0.0.0/8]', listeners));
    assert.equal((await edge.get('/')).body.toString(), 'another one');
    other.closeAllConnections();
    other.close();
  });
});

it('a name that no longer exists (NXDOMAIN) keeps its last addresses', async () => {
  dns.on('gone.test', dnsAddresses(0, '127.0.0.1'), dnsRcode('NXDOMAIN'));
  await start(yaml(`gone.test:${port}`, allowed));
  await until('the lookup has failed', () => edge.eventsOf('name_state').length > 0);
  assert.equal((await edge.get('/')).status, 200);
  assert.match(endpoints()[0]?.reason ?? '', /the last one known: .*NXDOMAIN/);
});

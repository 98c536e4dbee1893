import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, afterEach, before, describe, it } from 'node:test';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { dnsAddresses, dnsRcode, DnsServer, dnsSilence, startDnsServer } from '../../src/testing/dns-server.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { ReloadedGateway, startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

/** Servers on the same port of several loopback addresses. Each answers with its address. */
class Origin {
  readonly servers = new Map<string, Server>();
  port = 0;
  hosts: string[] = [];

  async listen(...addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      const server = createServer((request, response) => {
        this.hosts.push(request.headers.host ?? '');
        response.end(address);
      });
      server.listen(this.port, address);
      await once(server, 'listening');
      this.port = (server.address() as AddressInfo).port;
      this.servers.set(address, server);
    }
  }

  async close(address: string): Promise<void> {
    const server = this.servers.get(address);
    this.servers.delete(address);
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  }
}

let dns: DnsServer;
let origin: Origin;
let edge: YamlGateway;
before(async () => {
  dns = await startDnsServer();
});
after(() => dns.stop());
after(() => shared.stop());
afterEach(async () => {
  // A failed test may have left handles that keep the process alive.
  const left = gateways.splice(0);
  await Promise.allSettled(left.map((gateway) => gateway.stop()));
  for (const address of [...(origin?.servers.keys() ?? [])]) await origin.close(address);
});

/** Of the tests that need no start, and no event that may come during one. */
const shared = new ReloadedGateway();

const gateways: YamlGateway[] = [];

async function start(text: string): Promise<YamlGateway> {
  const gateway = await startFromYaml(text);
  gateways.push(gateway);
  return gateway;
}

const allowLoopback = '127.0.0.0/8, "::1"';

const check = 'check: { interval: 50ms, passes: 1, fails: 1 }';

function yaml(endpoints: string, more: { upstream?: string; dns?: string; rest?: string } = {}): string {
  const settings = more.dns ?? `allow: [${allowLoopback}]`;
  return `
dns: { servers: ["${dns.address}"], ${settings} }
timeouts: { dns: 400ms }
disclosure: operator
upstreams:
  app: { endpoints: ${endpoints}, ${check}${more.upstream ?? ''} }
${more.rest ?? ''}`;
}

/** An upstream for each of them, at the path of its index. */
function eachApart(endpoints: readonly string[], settings = `allow: [${allowLoopback}]`): string {
  const upstreams = endpoints.map((one, place) => `  app${place}: { endpoints: "${one}", ${check} }`);
  const routes = endpoints.map((_, place) => `  - { path: /${place}, to: app${place} }`);
  return `
dns: { servers: ["${dns.address}"], ${settings} }
timeouts: { dns: 400ms }
disclosure: operator
upstreams:
${upstreams.join('\n')}
routes:
${routes.join('\n')}`;
}

const endpoints = () => edge.gateway.status().upstreams[0]?.endpoints ?? [];
const states = () => endpoints().map(({ address, state }) => `${address} ${state}`);

describe('a name that cannot be looked up', () => {
  const table: [what: string, script: Parameters<DnsServer['on']>[1], status: number, proxyStatus: RegExp][] = [
    ['does not exist', dnsRcode('NXDOMAIN'), 502, /error=dns_error; ?rcode="NXDOMAIN"/],
    ['has no address', dnsRcode('NOERROR'), 502, /error=dns_error; ?rcode="NODATA"/],
    ['gets a server failure (SERVFAIL)', dnsRcode('SERVFAIL'), 502, /error=dns_error; ?rcode="SERVFAIL"/],
    ['is refused', dnsRcode('REFUSED'), 502, /error=dns_error; ?rcode="REFUSED"/],
    ['gets FORMERR', dnsRcode('FORMERR'), 502, /error=dns_error; ?rcode="FORMERR"/],
    ['gets NOTIMP', dnsRcode('NOTIMP'), 502, /error=dns_error; ?rcode="NOTIMP"/],
    ['gets garbage', { kind: 'garbage' }, 502, /error=dns_error/],
    ['gets no answer', dnsSilence, 504, /error=dns_timeout/],
  ];
  // Each has a name of its own.
  before(async () => {
    for (const [place, [, script]] of table.entries()) dns.on(`bad-${place}.test`, script);
    edge = await shared.with(eachApart(table.map((_, place) => `bad-${place}.test:80`)));
  });

  for (const [place, [what, , status, proxyStatus]] of table.entries()) {
    it(`${what}: the exchange fails with ${status} and the reason`, async () => {
      const response = await edge.get(`/${place}`);
      assert.equal(response.status, status);
      assert.match(headerOf(response, 'proxy-status') ?? '', proxyStatus);
      const record = await edge.record(response);
      assert.deepEqual([record.shape, record.stage, record.delivery], ['unreachable', 'dns', 'not_sent']);
      assert.equal(edge.counts().unclassified, 0);
    });
  }

  it('is found soon after it is created', async () => {
    origin = new Origin();
    await origin.listen('127.0.0.1');
    dns.on('late.test', dnsRcode('NXDOMAIN'));
    edge = await start(yaml(`"late.test:${origin.port}"`));
    assert.equal((await edge.get('/')).status, 502);
    dns.on('late.test', dnsAddresses(30, '127.0.0.1'));
    await until('the name is found', () => states().join() === `127.0.0.1:${origin.port} healthy`);
    assert.equal((await edge.get('/')).status, 200);
    assert.deepEqual(
      edge.eventsOf('name_state').map(({ from, to }) => `${from} ${to}`),
      ['resolving failed', 'failed resolved'],
    );
  });
});

describe('a name', () => {
  before(() => {
    origin = new Origin();
  });

  it('with several addresses is several endpoints, each with its own check', async () => {
    origin = new Origin();
    await origin.listen('127.0.0.1', '127.0.0.2');
    dns.on('many.test', dnsAddresses(30, '127.0.0.1', '127.0.0.2', '127.0.0.3'));
    edge = await shared.with(yaml(`"many.test:${origin.port}"`));
    const { port } = origin;
    assert.deepEqual(states(), [
      `127.0.0.1:${port} healthy`,
      `127.0.0.2:${port} healthy`,
      `127.0.0.3:${port} unhealthy`,
    ]);
    assert.deepEqual(
      endpoints().map(({ id }) => id),
      ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((ip) => `app/many.test/${ip}:${port}`),
    );
    const seen = new Set<string>();
    for (let time = 0; time < 40; time++) seen.add((await edge.get('/')).body.toString());
    assert.deepEqual([...seen].toSorted(), ['127.0.0.1', '127.0.0.2']);
  });

  it('is the Host of its checks, and of requests that should have the host of the endpoint', async () => {
    origin = new Origin();
    await origin.listen('127.0.0.1');
    dns.on('host.test', dnsAddresses(30, '127.0.0.1'));
    const rest = 'routes: [{ to: app, rewrite: { host: endpoint } }]';
    edge = await shared.with(yaml(`"host.test:${origin.port}"`, { rest }).replace('interval', 'path: /up, interval'));
    const response = await edge.get('/');
    assert.equal(response.status, 200);
    assert.deepEqual([...new Set(origin.hosts)], [`host.test:${origin.port}`]);
    const [attempt] = (await edge.record(response)).attempts;
    assert.equal(attempt?.address, `127.0.0.1:${origin.port}`);
  });

  it('with both families is one endpoint, reached by the other family if the preferred one refuses', async () => {
    origin = new Origin();
    await origin.listen('127.0.0.1');
    dns.on('dual.test', dnsAddresses(30, '127.0.0.1', '::1'));
    edge = await shared.with(yaml(`"dual.test:${origin.port}"`, { upstream: ', family: prefer_ipv6' }));
    assert.deepEqual(states(), [`[::1]:${origin.port} healthy`]);
    const response = await edge.get('/');
    assert.equal(response.body.toString(), '127.0.0.1');
    assert.match(endpoints()[0]?.reason ?? '', new RegExp(`at 127\\.0\\.0\\.1:${origin.port}`));
  });

  it('that resolves to another address: the new one is checked first, and then the old one drains', async () => {
    origin = new Origin();
    await origin.listen('127.0.0.1');
    const { port } = origin;
    dns.on('move.test', dnsAddresses(1, '127.0.0.1'), dnsAddresses(1, '127.0.0.2'));
    edge = await start(yaml(`"move.test:${port}"`));
    assert.equal((await edge.get('/')).body.toString(), '127.0.0.1');
    await until('the gateway knows the new address', () => states().includes(`127.0.0.2:${port} unhealthy`));
    assert.ok(states().includes(`127.0.0.1:${port} healthy`), 'the old address stays while the new one is not ready');
    assert.equal((await edge.get('/')).body.toString(), '127.0.0.1');
    assert.match(
      endpoints().find(({ address }) => address.startsWith('127.0.0.1'))?.reason ?? '',
      /resolves to other addresses/,
    );
    await origin.listen('127.0.0.2');
    await until('the old address drains', () => states().includes(`127.0.0.1:${port} draining`));
    assert.equal((await edge.get('/')).body.toString(), '127.0.0.2');
    const [moved] = edge.eventsOf('name_addresses');
    assert.deepEqual(moved?.evidence, { name: 'move.test', added: ['127.0.0.2'], removed: ['127.0.0.1'] });
  });

  it('whose lookup fails later keeps its last good addresses, marked', async () => {
    origin = new Origin();
    await origin.listen('127.0.0.1');
    dns.on('stale.test', dnsAddresses(1, '127.0.0.1'), dnsRcode('SERVFAIL'));
    edge = await start(yaml(`"stale.test:${origin.port}"`));
    await until('the lookup has failed', () => edge.eventsOf('name_state').length > 0);
    await until('the record says so too', async () => {
      const response = await edge.get('/');
      assert.equal(response.status, 200);
      return (await edge.record(response)).attempts[0]?.address_stale === true;
    });
    assert.match(endpoints()[0]?.reason ?? '', /accepts connections; the address is the last one known: .*SERVFAIL/);
    const [event] = edge.eventsOf('name_state');
    assert.deepEqual([event?.from, event?.to, event?.subject], ['resolved', 'stale', 'name:stale.test']);
    assert.deepEqual(event?.evidence, {
      name: 'stale.test',
      addresses: ['127.0.0.1'],
      cause: 'dns_failed',
      rcode: 'SERVFAIL',
    });
  });

  it('whose lookup gets no answer does not delay the start: listeners open after 1 s, and the answer is 504 until it resolves', async () => {
    dns.on('slow.test', dnsSilence);
    const started = performance.now();
    edge = await start(yaml('"slow.test:80"').replace('400ms', '20s'));
    const tookMs = performance.now() - started;
    assert.ok(tookMs > 900 && tookMs < 5000, `${tookMs} ms`);
    const response = await edge.get('/');
    assert.equal(response.status, 504);
    assert.match(headerOf(response, 'proxy-status') ?? '', /dns_timeout/);
    assert.deepEqual(states(), ['slow.test:80 unknown']);
  });

  it('localhost is found without a name server', async () => {
    origin = new Origin();
    await origin.listen('127.0.0.1');
    edge = await shared.with(yaml(`"localhost:${origin.port}"`, { dns: 'allow: []' }));
    assert.deepEqual(states(), [`127.0.0.1:${origin.port} healthy`]);
    assert.equal((await edge.get('/')).status, 200);
    assert.equal(dns.countOf('localhost', 'A'), 0);
  });
});

describe('a prohibited address', () => {
  const prohibited = ['127.0.0.1', '169.254.169.254', '169.254.7.7', '224.0.0.5', '0.0.0.0', '::1', '::ffff:127.0.0.1'];
  before(async () => {
    for (const [place, ip] of prohibited.entries()) {
      dns.on(`evil-${place}.test`, dnsAddresses(30, ip.replace('::ffff:127.0.0.1', '::ffff:7f00:1')));
    }
    const names = prohibited.map((_, place) => `evil-${place}.test:80`);
    edge = await shared.with(eachApart(names, 'deny: []'));
  });

  for (const [place, ip] of prohibited.entries()) {
    it(`${ip} in an answer of a name server`, async () => {
      const response = await edge.get(`/${place}`);
      assert.equal(response.status, 502);
      assert.match(headerOf(response, 'proxy-status') ?? '', /error=destination_ip_prohibited/);
      const record = await edge.record(response);
      assert.deepEqual(
        [record.shape, record.cause, record.delivery],
        ['refused_by_gateway', 'destination_prohibited', 'not_sent'],
      );
    });
  }

  it('beside an allowed one: the allowed one is used', async () => {
    origin = new Origin();
    await origin.listen('127.0.0.1');
    dns.on('mixed.test', dnsAddresses(30, '127.0.0.1', '169.254.169.254'));
    edge = await shared.with(yaml(`"mixed.test:${origin.port}"`));
    assert.deepEqual(states(), [`127.0.0.1:${origin.port} healthy`, `169.254.169.254:${origin.port} unhealthy`]);
    assert.equal((await edge.get('/')).status, 200);
  });

  it('of a network in dns.deny', async () => {
    dns.on('private.test', dnsAddresses(30, '10.1.2.3'));
    edge = await shared.with(yaml('"private.test:80"', { dns: 'deny: [10.0.0.0/8]' }));
    assert.match(headerOf(await edge.get('/'), 'proxy-status') ?? '', /destination_ip_prohibited/);
  });

  it("the gateway's own listener, whatever name leads there", async () => {
    dns.on('self.test', dnsAddresses(30, '127.0.0.1'));
    const probe = new Origin();
    await probe.listen('127.0.0.1');
    const { port } = probe;
    await probe.close('127.0.0.1');
    edge = await start(`listeners: { http: "127.0.0.1:${port}" }\n${yaml(`"self.test:${port}"`)}`);
    const response = await edge.get('/');
    assert.equal(response.status, 502);
    const record = await edge.record(response);
    assert.equal(record.cause, 'destination_prohibited');
    assert.match(record.detail ?? '', /own listeners/);
  });
});

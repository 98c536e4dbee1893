import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { dnsAddresses, dnsRcode, type DnsServer, dnsSilence, startDnsServer } from '../../src/testing/dns-server.ts';
import { type UnreachableAddress, unansweringAddress } from '../../src/testing/unreachable-address.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

// A name with addresses in two families, one of which does not answer: SYNs to 127.0.0.1 are not answered, and ::1 has the same port.

let dns: DnsServer;
let dead: UnreachableAddress;
let alive: Server;
before(async () => {
  dns = await startDnsServer();
  dead = await unansweringAddress();
  alive = createServer((_request, response) => response.end('by IPv6')).listen(dead.port, '::1');
  await once(alive, 'listening');
  dns.on('dual.test', dnsAddresses(30, '127.0.0.1', '::1'));
});
after(async () => {
  alive.closeAllConnections();
  alive.close();
  await Promise.all([dns.stop(), dead.close()]);
});

async function withGateway(settings: string, play: (edge: YamlGateway) => Promise<void>, name = 'dual'): Promise<void> {
  const edge = await startFromYaml(`
dns: { servers: ["${dns.address}"], allow: [127.0.0.0/8, "::1"] }
timeouts: { dns: 400ms, connect: 2s }
disclosure: operator
upstreams: { app: { endpoints: "${name}.test:${dead.port}", ${settings} } }
`);
  try {
    await play(edge);
  } finally {
    await edge.stop();
  }
}

const states = (edge: YamlGateway) => edge.gateway.status().upstreams[0]?.endpoints.map(({ address }) => address);

describe('a name whose preferred family does not answer', () => {
  it('is reached by the other family, tried in parallel after 250 ms; the connection is kept', async () => {
    await withGateway('family: prefer_ipv4, check: none', async (edge) => {
      assert.deepEqual(states(edge), [`127.0.0.1:${dead.port}`]);
      const response = await edge.get('/');
      assert.equal(response.body.toString(), 'by IPv6');
      const [attempt, ...more] = (await edge.record(response)).attempts;
      assert.deepEqual([more.length, attempt?.reused], [0, false], 'no byte had been sent: there is one attempt');
      assert.equal(attempt?.address, `[::1]:${dead.port}`, 'the record has the address that answered');
      const connectedMs = attempt?.connected_ms ?? 0;
      assert.ok(connectedMs >= 245 && connectedMs < 1900, `${connectedMs} ms`);
      const [second] = (await edge.record(await edge.get('/'))).attempts;
      assert.equal(second?.reused, true);
    });
  });

  it('passes its checks by the other family, and the reason names the address', async () => {
    await withGateway('family: prefer_ipv4, check: { interval: 100ms, passes: 1 }', async (edge) => {
      const endpoint = () => edge.gateway.status().upstreams[0]?.endpoints[0];
      await until('the endpoint is healthy', () => endpoint()?.state === 'healthy');
      assert.match(endpoint()?.reason ?? '', new RegExp(`accepts connections at \\[::1\\]:${dead.port}`));
    });
  });

  it('is reached without delay where the other family is preferred', async () => {
    await withGateway('family: prefer_ipv6, check: none', async (edge) => {
      const response = await edge.get('/');
      assert.equal(response.body.toString(), 'by IPv6');
      const [attempt] = (await edge.record(response)).attempts;
      assert.equal(attempt?.address, `[::1]:${dead.port}`);
      // Not measured by its duration, which depends on the machine: no address of another family was tried first.
      assert.deepEqual(states(edge), [`[::1]:${dead.port}`]);
    });
  });

  it('fails after the time limit where only that family is allowed', async () => {
    await withGateway('family: ipv4, check: none, attempts: 1', async (edge) => {
      const response = await edge.get('/');
      assert.equal(response.status, 504);
      assert.match(headerOf(response, 'proxy-status') ?? '', /error=connection_timeout/);
    });
  });
});

describe('a name whose other family', () => {
  for (const [what, reply] of [
    ['fails with SERVFAIL', dnsRcode('SERVFAIL')],
    ['does not exist', dnsRcode('NXDOMAIN')],
    ['gets no answer', dnsSilence],
  ] as const) {
    it(`${what} is reached by the family that was found`, async () => {
      dns.onType('lame.test', 'A', reply);
      dns.onType('lame.test', 'AAAA', dnsAddresses(30, '::1'));
      const play = async (edge: YamlGateway): Promise<void> => {
        assert.equal((await edge.get('/')).body.toString(), 'by IPv6');
        assert.equal(edge.eventsOf('name_state').length, 0, 'the name is found: there is no event');
      };
      await withGateway('check: none', play, 'lame');
    });
  }
});

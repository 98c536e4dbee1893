import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import {
  dnsAddresses,
  dnsRcode,
  type DnsServer,
  dnsSilence,
  startDnsServer,
  type UnreachableAddress,
  unansweringAddress,
} from '../../src/testing/testing.ts';
import { limits, probeUrl } from './probe-options.ts';

let dns: DnsServer;
let dead: UnreachableAddress;
let byIpv6: Server;
let byIpv4: Server;
before(async () => {
  dns = await startDnsServer();
  dead = await unansweringAddress();
  const answer = (_request: unknown, response: { end(text: string): void }): void => response.end('here');
  byIpv6 = createServer(answer).listen(dead.port, '::1');
  byIpv4 = createServer(answer).listen(0, '127.0.0.1');
  await Promise.all([once(byIpv6, 'listening'), once(byIpv4, 'listening')]);
});
after(async () => {
  for (const server of [byIpv4, byIpv6]) {
    server.closeAllConnections();
    server.close();
  }
  await Promise.all([dns.stop(), dead.close()]);
});

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const probeName = (name: string, port = portOf(byIpv4)) =>
  probeUrl(`http://${name}:${port}/`, { nameServers: [dns.address], limits: { ...limits, dnsMs: 400 } });

describe('a name', () => {
  const failures: readonly (readonly [name: string, cause: string, prepare: () => void])[] = [
    ['absent.test', 'dns_not_found', () => dns.on('absent.test', dnsRcode('NXDOMAIN'))],
    ['empty.test', 'dns_not_found', () => dns.on('empty.test', dnsAddresses(5))],
    ['broken.test', 'dns_failed', () => dns.on('broken.test', dnsRcode('SERVFAIL'))],
    ['refused.test', 'dns_failed', () => dns.on('refused.test', dnsRcode('REFUSED'))],
    ['silent.test', 'dns_timeout', () => dns.on('silent.test', dnsSilence)],
  ];
  for (const [name, cause, prepare] of failures) {
    test(`${name} fails at stage dns: ${cause}`, async () => {
      prepare();
      const { verdict, direct } = await probeName(name);
      assert.deepEqual([verdict.stage, verdict.shape, verdict.cause], ['dns', 'unreachable', cause]);
      assert.deepEqual([direct.addresses, direct.get], [[], null]);
    });
  }

  test('that resolves has its addresses, its source and its TTL', async () => {
    dns.on('good.test', dnsAddresses(30, '127.0.0.1'));
    const { verdict, direct } = await probeName('good.test');
    assert.equal(verdict.works, true);
    assert.deepEqual([direct.dns?.source, direct.dns?.ttlS, direct.dns?.failure], ['dns', 30, null]);
    assert.equal(direct.addresses[0]?.address, `127.0.0.1:${portOf(byIpv4)}`);
    assert.equal(direct.host, `good.test:${portOf(byIpv4)}`);
  });

  test('with one dead address of two names that address, although the other works', async () => {
    dns.on('dual.test', dnsAddresses(30, '127.0.0.1', '::1'));
    const { verdict, direct } = await probeName('dual.test', dead.port);
    assert.deepEqual([verdict.works, verdict.stage, verdict.shape], [false, 'connect', 'unreachable']);
    assert.equal(verdict.cause, 'connect_timeout');
    assert.match(verdict.sentence, /^1 of 2 addresses does not work\. .*127\.0\.0\.1:/);
    assert.deepEqual(
      direct.addresses.map(({ status }) => status),
      [null, 200],
    );
    assert.equal(direct.get?.status, 200, 'the requests go to the address that works');
  });

  test('of this machine may have a family without a listener: a note, and no failure', async () => {
    const { verdict } = await probeName('localhost');
    assert.equal(verdict.works, true);
    assert.ok(verdict.notes.some((note) => note.includes('[::1]') && note.includes('another address')));
  });

  test('whose other family has a failing answer works, with a note', async () => {
    dns.onType('half.test', 'A', dnsAddresses(5, '127.0.0.1'));
    dns.onType('half.test', 'AAAA', dnsRcode('SERVFAIL'));
    const { verdict } = await probeName('half.test');
    assert.equal(verdict.works, true);
    assert.ok(verdict.notes.some((note) => note.startsWith('One address family has no answer.')));
  });
});

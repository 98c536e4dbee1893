import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { FamilyAnswer, NameAnswer, NameQuestion } from '../core/name-resolver.ts';
import { systemClock } from '../testing/system.ts';
import { dnsAddresses, dnsRcode, DnsServer, dnsSilence, startDnsServer } from '../testing/dns-server.ts';
import { createNameResolver } from './resolve.ts';
import type { SystemNames } from './system-names.ts';
import { parseHosts } from './system-names.ts';

let server: DnsServer;
let second: DnsServer;
before(async () => {
  server = await startDnsServer();
  second = await startDnsServer();
});
after(async () => {
  await server.stop();
  await second.stop();
});

type Asked = Partial<NameQuestion> & { readonly system?: Partial<SystemNames> };

function lookUp(name: string, { system, ...question }: Asked = {}): Promise<NameAnswer> {
  const names = { hosts: new Map(), search: { domains: [], dotsMin: 1 }, servers: [], ...system };
  const resolver = createNameResolver(systemClock, () => Promise.resolve(names));
  const asked = { name, families: ['ipv4', 'ipv6'] as const, servers: [server.address], limitMs: 1000, ...question };
  return new Promise((resolve) => void resolver.lookUp(asked, { onLookedUp: resolve }));
}

/** `10.0.0.1 10.0.0.2 ttl 30`, or the code of the failure. */
function said(answer: FamilyAnswer | null): string | null {
  if (answer === null) return null;
  return answer.found ? `${answer.addresses.join(' ')} ttl ${answer.ttlS}` : answer.fault.code;
}

describe('a name server', () => {
  it('gives addresses of both families with the shortest TTL of each', async () => {
    server.onType('app.test', 'A', dnsAddresses(30, '10.0.0.1', '10.0.0.2'));
    server.onType('app.test', 'AAAA', dnsAddresses(60, 'fd00::1'));
    const { source, ipv4, ipv6 } = await lookUp('app.test');
    assert.deepEqual([source, said(ipv4), said(ipv6)], ['dns', '10.0.0.1 10.0.0.2 ttl 30', 'fd00::1 ttl 60']);
  });

  it('is asked for the requested family only', async () => {
    server.on('one.test', dnsAddresses(30, '10.0.0.1', 'fd00::1'));
    const { ipv4, ipv6 } = await lookUp('one.test', { families: ['ipv6'] });
    assert.deepEqual([said(ipv4), said(ipv6), server.countOf('one.test', 'A')], [null, 'fd00::1 ttl 30', 0]);
  });

  for (const [rcode, code] of [
    ['NXDOMAIN', 'ENOTFOUND'],
    ['NOERROR', 'ENODATA'],
    ['SERVFAIL', 'ESERVFAIL'],
    ['REFUSED', 'EREFUSED'],
    ['FORMERR', 'EFORMERR'],
    ['NOTIMP', 'ENOTIMP'],
  ] as const) {
    it(`that answers ${rcode} is reported as ${code}`, async () => {
      server.on('bad.test', dnsRcode(rcode));
      const { ipv4, ipv6 } = await lookUp('bad.test');
      assert.deepEqual([said(ipv4), said(ipv6)], [code, code]);
    });
  }

  it('that does not answer is asked again, and then reported as silent', async () => {
    server.on('silent.test', dnsSilence);
    const { ipv4 } = await lookUp('silent.test', { limitMs: 200 });
    assert.equal(said(ipv4), 'ETIMEOUT');
    assert.ok(server.countOf('silent.test', 'A') >= 2);
  });

  it('whose datagram was lost is asked again', async () => {
    server.on('lossy.test', dnsSilence, dnsAddresses(30, '10.0.0.1'));
    assert.equal(said((await lookUp('lossy.test', { limitMs: 400 })).ipv4), '10.0.0.1 ttl 30');
  });

  it('that never answers for one family does not delay the other', async () => {
    server.onType('half.test', 'A', dnsAddresses(30, '10.0.0.1'));
    server.onType('half.test', 'AAAA', dnsSilence);
    const { ipv4, ipv6 } = await lookUp('half.test', { limitMs: 60_000 });
    assert.deepEqual([said(ipv4), said(ipv6)], ['10.0.0.1 ttl 30', 'ETIMEOUT']);
    const asked = server.countOf('half.test', 'AAAA');
    await lookUp('silent.test', { limitMs: 1500 });
    assert.equal(server.countOf('half.test', 'AAAA'), asked, 'what nobody waits for is not asked again');
  });

  it('that truncates its answer is asked by TCP', async () => {
    server.on('long.test', { kind: 'truncated', whole: dnsAddresses(30, '10.0.0.7') });
    assert.equal(said((await lookUp('long.test', { families: ['ipv4'] })).ipv4), '10.0.0.7 ttl 30');
    assert.deepEqual(
      server.questions.filter(({ name }) => name === 'long.test').map(({ over }) => over),
      ['udp', 'tcp'],
    );
  });

  it('that sends garbage fails with a known code', async () => {
    server.on('garbage.test', { kind: 'garbage' });
    const code = said((await lookUp('garbage.test', { limitMs: 200 })).ipv4);
    assert.ok(code === 'EBADRESP' || code === 'ETIMEOUT', String(code));
  });

  it('gives the shorter TTL of an alias and its target', async () => {
    const end = dnsAddresses(300, '10.0.0.1');
    server.onType('alias.test', 'A', { kind: 'aliases', names: ['real.test'], aliasTtlS: 5, end });
    assert.equal(said((await lookUp('alias.test', { families: ['ipv4'] })).ipv4), '10.0.0.1 ttl 5');
  });

  it('that sends a TTL with the highest bit set has sent 0 (RFC 2181 §8)', async () => {
    for (const [ttlS, means] of [
      [0, 0],
      [2 ** 31 - 1, 2 ** 31 - 1],
      [2 ** 31, 0],
      [2 ** 32 - 1, 0],
    ] as const) {
      server.onType('ttl.test', 'A', dnsAddresses(ttlS, '10.0.0.1'));
      assert.equal(said((await lookUp('ttl.test', { families: ['ipv4'] })).ipv4), `10.0.0.1 ttl ${means}`);
    }
  });

  it('that does not exist is reported as unreachable', async () => {
    const closed = createSocket('udp4').bind(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address();
    closed.close();
    const { ipv4 } = await lookUp('app.test', { servers: [`127.0.0.1:${port}`], limitMs: 300 });
    assert.equal(said(ipv4), 'ECONNREFUSED');
  });

  it('is asked after a first one that declines, is silent or does not exist, and not after one that has no such name', async () => {
    const servers = [server.address, second.address];
    for (const reply of [dnsRcode('SERVFAIL'), dnsRcode('REFUSED'), dnsSilence]) {
      server.on('two.test', reply);
      second.on('two.test', dnsAddresses(30, '10.0.0.9'));
      assert.equal(said((await lookUp('two.test', { servers, limitMs: 400 })).ipv4), '10.0.0.9 ttl 30');
    }
    server.on('two.test', dnsRcode('NXDOMAIN'));
    assert.equal(said((await lookUp('two.test', { servers })).ipv4), 'ENOTFOUND');
    server.on('two.test', dnsRcode('REFUSED'));
    second.on('two.test', dnsSilence);
    assert.equal(
      said((await lookUp('two.test', { servers, limitMs: 300 })).ipv4),
      'EREFUSED',
      'an answer outweighs none',
    );
  });
});

describe('this machine', () => {
  const nowhere = { servers: ['127.0.0.1:1'] };
  it('has localhost and all names below it on loopback, whatever a name server says', async () => {
    for (const name of ['localhost', 'LocalHost.', 'app.localhost']) {
      const { source, ipv4, ipv6 } = await lookUp(name, nowhere);
      assert.deepEqual([source, said(ipv4), said(ipv6)], ['machine', '127.0.0.1 ttl null', '::1 ttl null']);
    }
  });

  it('has the names of the hosts file, before any name server', async () => {
    const hosts = parseHosts('10.1.1.1 app\n');
    const { source, ipv4, ipv6 } = await lookUp('App', { ...nowhere, system: { hosts } });
    assert.deepEqual([source, said(ipv4), said(ipv6)], ['machine', '10.1.1.1 ttl null', 'ENODATA']);
  });

  it('completes a name without its domain, both families under the same one', async () => {
    server.on('api.shop.test', dnsRcode('NXDOMAIN'));
    server.on('api.svc.test', dnsAddresses(30, '10.0.0.5'));
    server.on('api', dnsAddresses(30, 'fd00::bad'));
    const search = { domains: ['shop.test', 'svc.test'], dotsMin: 5 };
    const { ipv4, ipv6 } = await lookUp('api', { system: { search } });
    assert.deepEqual([said(ipv4), said(ipv6)], ['10.0.0.5 ttl 30', 'ENODATA']);
  });

  it("is asked through its own servers where the configuration has none, and then by the system's own lookup", async () => {
    server.on('system.test', dnsAddresses(30, '10.0.0.6'));
    const system = { servers: [server.address] };
    assert.equal(said((await lookUp('system.test', { servers: [], system })).ipv4), '10.0.0.6 ttl 30');
    const { source, ipv4 } = await lookUp('no-such-name.invalid', { servers: [], system });
    assert.deepEqual([source, said(ipv4)], ['dns', 'ENOTFOUND']);
  });
});

it('many names at once are asked for 128 at a time', async () => {
  const released = Promise.withResolvers<void>();
  const names = Array.from({ length: 300 }, (_, at) => `many-${at}.test`);
  const reply = { kind: 'late', when: released.promise, reply: dnsAddresses(30, '10.0.0.1') } as const;
  for (const name of names) server.onType(name, 'A', reply);
  const resolver = createNameResolver(systemClock);
  const asked = { families: ['ipv4'], servers: [server.address], limitMs: 20_000 } as const;
  const answers = Promise.all(
    names.map(
      (name) => new Promise<NameAnswer>((resolve) => void resolver.lookUp({ ...asked, name }, { onLookedUp: resolve })),
    ),
  );
  const seen = () => new Set(server.questions.map(({ name }) => name).filter((name) => name.startsWith('many-'))).size;
  while (seen() < 128) await new Promise((resolve) => setImmediate(resolve));
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(seen(), 128);
  released.resolve();
  assert.ok((await answers).every(({ ipv4 }) => said(ipv4) === '10.0.0.1 ttl 30'));
});

it('a cancelled lookup calls nothing back', async () => {
  server.on('cancelled.test', dnsSilence);
  const resolver = createNameResolver(systemClock);
  const question = { name: 'cancelled.test', families: ['ipv4'], servers: [server.address], limitMs: 100 } as const;
  const lookup = resolver.lookUp(question, { onLookedUp: () => assert.fail('it was cancelled') });
  while (server.countOf('cancelled.test', 'A') === 0) await new Promise((resolve) => setImmediate(resolve));
  lookup.cancel();
  await lookUp('app.test');
});

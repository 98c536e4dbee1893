import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { dnsAddresses, dnsRcode, type DnsReply, type DnsServer, startDnsServer } from '../../src/testing/dns-server.ts';
import { headerOf, type RawResponse } from '../../src/testing/testing.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

// A broken or malicious name server: each case ends in time, with a cause, at a bounded cost.

interface Case {
  readonly name: string;
  readonly reply: DnsReply;
  /** 200, or the status of the failure and the error of its Proxy-Status. */
  readonly comes: 200 | readonly [status: 502 | 504, says: RegExp];
  /** Queries for one family that one lookup may cost; default 1. */
  readonly questionsMax?: number;
}

const good = dnsAddresses(30, '127.0.0.1');
const truncated = (whole: DnsReply): DnsReply => ({ kind: 'truncated', whole });
const aliases = (end: DnsReply, ...names: readonly string[]): DnsReply => ({
  kind: 'aliases',
  names,
  aliasTtlS: 5,
  end,
});
const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `10.${64 + (at >> 14)}.${(at >> 7) & 127}.${at & 127}`);

const timedOut = [504, /error=dns_timeout/] as const;
const nodata = [502, /error=dns_error; ?rcode="NODATA"/] as const;
const broken = [502, /error=dns_error/] as const;
/** The retries of a lost datagram within the time limit, and one more for each connection. */
const repeated = 4;
let answerLate = (): void => undefined;
const late = new Promise<void>((resolve) => {
  answerLate = resolve;
});

const table: readonly Case[] = [
  { name: 'truncated', reply: truncated(good), comes: 200, questionsMax: 2 },
  { name: 'truncated-for-good', reply: truncated(dnsRcode('NOERROR')), comes: nodata, questionsMax: 2 },
  {
    name: 'truncated-then-fails',
    reply: truncated(dnsRcode('SERVFAIL')),
    comes: [502, /rcode="SERVFAIL"/],
    questionsMax: 2,
  },
  { name: 'truncated-then-silent', reply: truncated({ kind: 'silence' }), comes: timedOut, questionsMax: repeated },
  {
    name: 'truncated-then-closed',
    reply: truncated({ kind: 'cut', how: 'closed' }),
    comes: broken,
    questionsMax: 1 + repeated,
  },
  {
    name: 'truncated-then-unfinished',
    reply: truncated({ kind: 'cut', how: 'unfinished' }),
    comes: timedOut,
    questionsMax: 1 + repeated,
  },
  { name: 'alias', reply: aliases(good, 'real.test'), comes: 200 },
  { name: 'alias-of-nothing', reply: aliases(dnsRcode('NOERROR'), 'gone.test'), comes: nodata },
  { name: 'alias-of-itself', reply: aliases(dnsRcode('NOERROR'), 'alias-of-itself.test'), comes: nodata },
  {
    name: 'aliases-in-a-circle',
    reply: aliases(dnsRcode('NOERROR'), 'round.test', 'and-round.test', 'aliases-in-a-circle.test'),
    comes: nodata,
  },
  {
    name: 'hundred-aliases',
    reply: truncated(aliases(good, ...Array.from({ length: 100 }, (_, at) => `alias-${at}.test`))),
    comes: 200,
    questionsMax: 2,
  },
  { name: 'wrong-id', reply: { kind: 'astray', by: 'id', reply: good }, comes: timedOut, questionsMax: repeated },
  { name: 'wrong-name', reply: { kind: 'astray', by: 'name', reply: good }, comes: timedOut, questionsMax: repeated },
  { name: 'garbage', reply: { kind: 'garbage' }, comes: broken, questionsMax: repeated },
  { name: 'silent', reply: { kind: 'silence' }, comes: timedOut, questionsMax: repeated },
  { name: 'late', reply: { kind: 'late', when: late, reply: good }, comes: timedOut, questionsMax: repeated },
  { name: 'no-such-name', reply: dnsRcode('NXDOMAIN'), comes: [502, /rcode="NXDOMAIN"/] },
  { name: 'in-trouble', reply: dnsRcode('SERVFAIL'), comes: [502, /rcode="SERVFAIL"/] },
  { name: 'empty', reply: dnsRcode('NOERROR'), comes: nodata },
  { name: 'forever', reply: dnsAddresses(2 ** 31 - 1, '127.0.0.1'), comes: 200 },
  { name: 'negative-ttl', reply: dnsAddresses(2 ** 31, '127.0.0.1'), comes: 200 },
  { name: 'no-ttl', reply: dnsAddresses(0, '127.0.0.1'), comes: 200 },
  { name: 'twice-the-same', reply: dnsAddresses(30, '127.0.0.1', '127.0.0.1'), comes: 200 },
];

let dns: DnsServer;
let origin: Server;
let edge: YamlGateway;
const asked = new Map<string, RawResponse>();

before(async () => {
  dns = await startDnsServer();
  origin = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const { port } = origin.address() as AddressInfo;
  for (const { name, reply } of table) dns.on(`${name}.test`, reply);
  dns.on('huge.test', truncated(dnsAddresses(30, ...many(4000))));
  const names = [...table.map(({ name }) => name), 'huge'];
  edge = await startFromYaml(`
dns: { servers: ["${dns.address}"], allow: [127.0.0.1/32] }
timeouts: { dns: 1500ms, connect: 1s }
disclosure: operator
upstreams:
${names.map((name) => `  ${name}: { endpoints: "${name}.test:${port}", check: none, family: ipv4 }`).join('\n')}
routes:
${names.map((name) => `  - { path: /${name}, to: ${name}, rewrite: { path: / } }`).join('\n')}
`);
  // Every first lookup has ended when the listeners open. The next ones of failed names are a second away.
  await Promise.all(table.map(async ({ name }) => asked.set(name, await edge.get(`/${name}`))));
});
after(async () => {
  await edge.stop();
  await dns.stop();
  origin.closeAllConnections();
  origin.close();
});

describe('a name server whose answer is', () => {
  for (const { name, comes, questionsMax = 1 } of table) {
    it(`${name}: ${comes === 200 ? 'the name is found' : `${comes[0]} ${comes[1].source}`}`, async () => {
      const response = asked.get(name);
      assert.ok(response !== undefined);
      assert.equal(response.status, comes === 200 ? 200 : comes[0]);
      const lookups = edge.eventsOf('name_state').filter(({ subject }) => subject === `name:${name}.test`).length + 1;
      const questions = dns.countOf(`${name}.test`, 'A');
      // By now some names have been looked up again, none more often than once a second.
      const again = Math.ceil(edge.gateway.status().uptimeS + 1);
      assert.ok(questions <= questionsMax * (lookups + again), `${questions} questions`);
      assert.equal(dns.countOf(`${name}.test`, 'AAAA'), 0, 'no query for the other family');
      if (comes === 200) return;
      assert.match(headerOf(response, 'proxy-status') ?? '', comes[1]);
      const record = await edge.record(response);
      assert.deepEqual([record.shape, record.stage, record.delivery], ['unreachable', 'dns', 'not_sent']);
    });
  }

  it('huge: 256 of its 4,000 addresses are endpoints', async () => {
    const upstream = () => edge.gateway.status().upstreams.find(({ id }) => id === 'huge')?.endpoints ?? [];
    await until('the name is looked up', () => upstream().length > 1);
    assert.equal(upstream().length, 256);
    assert.equal(new Set(upstream().map(({ address }) => address)).size, 256);
  });

  it('too late for one lookup: a later lookup whose answer comes in time finds the name', async () => {
    answerLate();
    await until('the name is found', async () => (await edge.get('/late')).status === 200);
  });

  it('of any kind: no error code is unclassified', () => {
    assert.equal(edge.counts().unclassified, 0);
  });
});

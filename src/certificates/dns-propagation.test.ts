import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { DnsPropagation } from './dns-propagation.ts';
import type { NameQueries, TxtAnswer } from './name-queries.ts';
import { pass } from './simulated-authority.test-support.ts';

interface Zone {
  readonly aliases?: Readonly<Record<string, string>>;
  readonly servers?: Readonly<Record<string, readonly string[]>>;
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  /** The answers of a server, by its address, '' for the resolver: each for one question, the last for all others. */
  readonly answers: Readonly<Record<string, readonly TxtAnswer[]>>;
}

const record = '_acme-challenge.shop.example.org';

async function waited(zone: Zone, timeoutMs = 120_000) {
  const clock = new SimulatedClock();
  const asked: string[] = [];
  const queries: NameQueries = {
    alias: async (name) => zone.aliases?.[name] ?? null,
    zoneServers: async (name) => zone.servers?.[name] ?? null,
    addresses: async (server) => zone.addresses?.[server] ?? [],
    async txt(name, server) {
      asked.push(`${name} ${server ?? ''}`);
      const all = zone.answers[server ?? ''] ?? [];
      const count = asked.filter((one) => one === `${name} ${server ?? ''}`).length;
      return all[Math.min(count, all.length) - 1] ?? 'ENOTFOUND';
    },
  };
  let text: string | null = null;
  void new DnsPropagation(queries, clock).wait(record, 'value', timeoutMs).then((seen) => (text = seen));
  for (let turn = 0; turn < 200 && text === null; turn++) await pass(clock, 1000);
  assert.equal(clock.timersLive, 0);
  return { text, asked };
}

const two = {
  servers: { 'example.org': ['ns1.test', 'ns2.test'] },
  addresses: { 'ns1.test': ['192.0.2.1'], 'ns2.test': ['192.0.2.2', '2001:db8::2'] },
};

test('all name servers of the zone are asked, each until it has the record', async () => {
  const answers = {
    '192.0.2.1': [['value']],
    '192.0.2.2': ['ENOTFOUND', ['older'], ['older', 'value']],
    '2001:db8::2': ['ENODATA', ['value']],
  };
  const { text, asked } = await waited({ ...two, answers });
  assert.equal(text, `seen from this machine after 3 s, ns1.test, ns2.test had the TXT record ${record}`);
  assert.deepEqual(
    ['192.0.2.1', '192.0.2.2', '2001:db8::2'].map((server) => asked.filter((one) => one.endsWith(server)).length),
    [1, 3, 2],
  );
});

test('after the time is over it is said which servers did not have it, and what they said', async () => {
  const answers = { '192.0.2.1': [['value']], '192.0.2.2': [['older']], '2001:db8::2': ['ETIMEOUT'] };
  const { text } = await waited({ ...two, answers }, 20_000);
  assert.match(
    text ?? '',
    /^seen from this machine after 1\d s, the TXT record _acme-challenge\.shop\.example\.org was not yet at ns2\.test \(it has another value\), ns2\.test \(no answer: ETIMEOUT\)$/,
  );
});

test('an alias is followed into the zone that it leads to, and one in a circle ends', async () => {
  const aliases = { [record]: 'shop.acme.test.' };
  const servers = { 'acme.test': ['ns.acme.test'] };
  const addresses = { 'ns.acme.test': ['192.0.2.3'] };
  const { text } = await waited({ aliases, servers, addresses, answers: { '192.0.2.3': [['value']] } });
  assert.equal(text, 'seen from this machine after 0 s, ns.acme.test had the TXT record shop.acme.test');
  const circle = await waited({ aliases: { [record]: record }, answers: { '': [['value']] } });
  assert.match(circle.text ?? '', /had the TXT record _acme-challenge/);
});

for (const [what, zone] of [
  ['no name servers can be found out', {}],
  ['they have no address', { servers: two.servers }],
] as const)
  test(`where ${what}, the resolver is asked`, async () => {
    const { text } = await waited({ ...zone, answers: { '': ['ENODATA', ['value']] } });
    assert.equal(text, `seen from this machine after 1 s, this machine's resolver had the TXT record ${record}`);
  });

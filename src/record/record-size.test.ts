import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import type { Instant } from '../core/time.ts';
import { sampleAttempt, sampleClient, sampleExchange } from './sample-exchange.test-support.ts';
import { RecordWriter } from './write-record.ts';
import { TestRing } from './test-ring.test-support.ts';

/** What an ordinary line may have, if its host, path and query have at most `targetCharactersMax` characters. */
const lineBytesMax = 450;
const targetCharactersMax = 80;

const hosts = ['shop.example.org', 'a.io', 'api.eu-central-1.shop.example.org', '[2001:db8::17]:8080'];
const targets = [
  '/',
  '/products/42',
  '/api/v2/orders/019aa5d2-5f1c-7c3e',
  '/search?q=shoes&page=2',
  '/a?token=c2VjcmV0&x=1',
];
const ids = ['019aa5d2-5f1c-7c3e-9f0a-3d5b7c9e1f20', '4bf92f3577b34da6a3ce929d0e0e4736', 'lb-17'];
const clients = ['192.0.2.17', '203.0.113.199', '2001:db8:85a3::8a2e:370:7334', '2001:db8:85a3:8d3:1319:8a2e:370:7348'];
const applications: readonly Partial<EndedExchange>[] = [{}, { application: 'shop' }];
const connections: readonly Partial<AttemptFacts>[] = [
  { idleMs: 812 },
  { idleMs: 41_200 },
  { reused: false, idleMs: -1, connectedMs: 0.4 },
];
const durations = [
  [1.234, 1.1],
  [12.345, 11.9],
  [48.1, 20.04],
  [913.7, 410.2],
] as const;

const target80 = `/${'p'.repeat(40)}?q=${'v'.repeat(20)}`;

function* ordinaryExchanges(): Generator<EndedExchange> {
  for (const authority of hosts)
    for (const target of [...targets, target80])
      for (const id of ids)
        for (const address of clients)
          for (const application of applications)
            for (const connection of connections)
              for (const [durationMs, headMs] of durations)
                yield sampleExchange({
                  ...{ id, traceId: '', revision: 1, authority, target, ...application },
                  client: sampleClient({ address, peerAddress: address }),
                  attempts: [
                    sampleAttempt({ ...placeOf(application), ...connection, headMs, endedMs: durationMs - 0.2 }),
                  ],
                  endedAt: (5000 + durationMs) as Instant,
                });
}

function placeOf({ application = '' }: Partial<EndedExchange>): Partial<AttemptFacts> {
  if (application !== '') return { endpoint: 'shop/1', address: '127.0.0.1:40123' };
  return { endpoint: 'shop/10.20.30.40:8080', address: '10.20.30.40:8080' };
}

function writerOf(ring: TestRing): RecordWriter {
  const context = { deployment: 'shop', member: 'gw-1', processStartedUnixMs: 0, processKey: 'k3f9xa', worker: 1 };
  return new RecordWriter({ ...context, queryAllowed: ['q', 'page'], ring });
}

test('an ordinary line whose host, path and query have at most 80 characters has at most 450 bytes', () => {
  const writer = writerOf(new TestRing());
  const sizes: number[] = [];
  let longest = '';
  for (const exchange of ordinaryExchanges()) {
    const line = writer.line(exchange);
    const { host, path, query = '' } = JSON.parse(line) as { host: string; path: string; query?: string };
    if (host.length + path.length + query.length > targetCharactersMax) continue;
    sizes.push(line.length);
    if (line.length > longest.length) longest = line;
  }
  assert.ok(sizes.length > 2000);
  assert.ok(longest.length <= lineBytesMax, `${longest.length} bytes: ${longest}`);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  assert.ok(mean < 370, `${mean} bytes on average`);
});

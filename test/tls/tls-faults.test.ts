import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Item, parseList } from 'structured-headers';
import { snakeKey } from '#failures/json-case.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import {
  headerOf,
  type RawOutcome,
  startTlsFaultOrigin,
  type TlsFaultOrigin,
  tlsFaults,
} from '../../src/testing/testing.ts';
import { timeoutMs, requestText, startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { type ExpectedOutcome, expectedOutcomes } from './expected-outcomes.ts';

// A TLS origin that misbehaves, behind the real gateway, over real sockets.

function configurationFor(origin: TlsFaultOrigin): string {
  const upstreams = tlsFaults.map(({ name }) => {
    const { host, port } = origin.addressOf(name);
    const tls = `{ server_name: ${origin.serverName}, ca_file: authority.pem }`;
    return `  ${name}: { endpoints: "https://${host}:${port}", tls: ${tls}, check: none }`;
  });
  const routes = tlsFaults.flatMap(({ name }) => [
    `  - { path: /${name}, methods: [POST], to: ${name}, rewrite: { path: / }, disclosure: operator }`,
    `  - { path: /${name}, to: ${name}, rewrite: { path: / } }`,
  ]);
  // Sixty handshakes at once take a second on a busy machine.
  const timeouts = 'timeouts: { connect: 2s, tls: 2s, response_head: 2s, idle: 2s }';
  return `upstreams:\n${upstreams.join('\n')}\nroutes:\n${routes.join('\n')}\n${timeouts}\n`;
}

const plays = Object.entries(expectedOutcomes).flatMap(([name, expected]) =>
  ['GET', 'POST'].map((method) => ({ name, method, expected })),
);

async function play(gateway: YamlGateway, name: string, method: string): Promise<RawOutcome> {
  const client = gateway.connect();
  const [headers, body] = method === 'POST' ? [['Content-Length: 5'], 'hello'] : [[], ''];
  client.write(requestText(method, `/${name}/ok`, headers, body));
  const outcome = await client.response(method, timeoutMs);
  client.close();
  return outcome;
}

describe('every misbehaviour of a TLS origin has its outcome', () => {
  let origin: TlsFaultOrigin;
  let gateway: YamlGateway;
  let played: readonly RawOutcome[];

  before(async () => {
    origin = await startTlsFaultOrigin();
    gateway = await startFromYaml(configurationFor(origin), {
      files: { 'authority.pem': origin.authority.certificate },
    });
    // All at once, and all before any is checked: records come in batches.
    played = await Promise.all(plays.map(({ name, method }) => play(gateway, name, method)));
  });
  after(async () => {
    await gateway.stop();
    await origin.close();
  });

  test('the table has every misbehaviour there is, and no other', () => {
    assert.deepEqual(
      Object.keys(expectedOutcomes),
      tlsFaults.map(({ name }) => name),
    );
    for (const { name, faulty } of tlsFaults) {
      assert.equal(expectedOutcomes[name]?.type !== null, faulty, name);
    }
  });

  plays.forEach(({ name, method, expected }, index) => {
    test(`${name}: ${method} is ${expected.status} ${expected.cause ?? 'whole'}`, async () => {
      const outcome = played[index]!;
      checkClient(expected, outcome, method === 'POST');
      checkRecord(expected, await gateway.record(outcome.response!));
    });
  });

  test('no failure was left unclassified, and nothing is left running', async () => {
    await gateway.gateway.refreshCounts();
    const { unclassified, active } = gateway.counts();
    assert.deepEqual({ unclassified, active }, { unclassified: 0, active: 0 });
  });
});

function checkClient(expected: ExpectedOutcome, { response, bytes, state }: RawOutcome, forOperators: boolean): void {
  assert.ok(response !== null, `no response; the connection is ${state}: ${bytes.toString('latin1', 0, 200)}`);
  assert.deepEqual([response.status, response.complete], [expected.status, expected.complete]);
  if (expected.end !== 'generated') return;
  const members = parseList(headerOf(response, 'proxy-status') ?? '') as Item[];
  assert.equal(members.length, 1);
  const parameters = members[0]![1];
  assert.equal(String(parameters.get('error')), expected.type);
  if (forOperators) checkDetails(expected, parameters);
  // A stranger reads the class of the failure, and nothing of what stands behind it.
  else assert.doesNotMatch(bytes.toString('latin1'), /127\.0\.0\.1|origin\.test|CN=|Nobody Knows/);
}

function checkDetails({ cause, evidence = {} }: ExpectedOutcome, parameters: Item[1]): void {
  assert.ok(String(parameters.get('details')).startsWith(`${cause}: `));
  if (cause !== 'tls_alert') return;
  assert.equal(parameters.get('alert-id'), evidence['alertId']);
  assert.equal(String(parameters.get('alert-message')), evidence['alertMessage']);
}

function checkRecord(expected: ExpectedOutcome, record: ExchangeRecord): void {
  const { status, type, cause, shape, delivery, end } = record;
  assert.deepEqual(
    { status, type, cause, shape, delivery, end },
    {
      status: expected.status,
      type: expected.type,
      cause: expected.cause,
      shape: expected.shape,
      delivery: expected.delivery,
      end: expected.end,
    },
  );
  const evidence: Readonly<Record<string, unknown>> = { ...record.attempts.at(-1)?.evidence };
  for (const [header, value] of Object.entries(expected.evidence ?? {}))
    assert.deepEqual(evidence[snakeKey(header)], value, header);
}

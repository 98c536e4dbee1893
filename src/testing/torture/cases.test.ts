import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { faults } from '../all-faults.ts';
import { RawClient } from '../raw-client.ts';
import { parseRawResponse } from '../raw-response.ts';
import { systemClock } from '../system.ts';
import { tortureCases } from './cases.ts';
import { tortureFaults } from './faults.ts';
import { startStage, type TortureStage } from './stage.ts';

describe('the cases', () => {
  test('are more than a hundred, each with its own name', () => {
    assert.ok(tortureCases.length > 100, `${tortureCases.length}`);
    assert.equal(new Set(tortureCases.map(({ id }) => id)).size, tortureCases.length);
  });

  test('use every fault of the origin', () => {
    const tried = new Set(tortureCases.map(({ id }) => id));
    assert.deepEqual(
      tortureFaults.map(({ name }) => name).filter((name) => !tried.has(name)),
      ['good'],
    );
  });

  test('have at least one right outcome each', () => {
    for (const { id, expects } of tortureCases) {
      const passes = expects.answers.length > 0 && expects.passed.verdict === 'right';
      assert.ok(expects.right.length > 0 || passes, id);
    }
  });

  test('accept the valid responses, and describe the origin in one sentence', () => {
    const faulty = new Map(tortureFaults.map((fault) => [fault.name, fault.faulty]));
    for (const { id, does, expects } of tortureCases) {
      if (faulty.get(id) === false) assert.equal(expects.passed.verdict, 'right', id);
      assert.match(does, /^[a-z].*[^.]$/);
    }
  });
});

describe('valid responses', () => {
  let stage: TortureStage;
  before(async () => {
    stage = await startStage({ host: '127.0.0.1', port: 0, tls: true, clock: systemClock });
  });
  after(() => stage.close());

  /** Connects directly to the part of the torture origin that a gateway would use. */
  function clientOf(group: string): RawClient {
    const url = new URL(stage.groups.find(({ name }) => name === group)?.url ?? '');
    const address = { host: url.hostname, port: Number(url.port) };
    const { tls } = stage;
    if (url.protocol === 'http:' || tls === null) return new RawClient(address);
    const session = { ...address, servername: tls.serverName, ca: tls.authority.certificate };
    return new RawClient({ ...address, open: () => connectTls(session) });
  }

  // The expectation and the script are written separately. A client without a gateway checks that they agree.
  const lawful = tortureCases.filter(({ expects }) => expects.right.length === 0 && expects.answers.length > 0);
  for (const { id, group, asks, expects, requests } of lawful) {
    const [request] = requests;
    test(`${id} comes from the origin as expected`, async () => {
      const client = clientOf(group);
      const method = request?.method ?? 'GET';
      const length = request?.bodyBytes ?? 0;
      client.write(`${method} /${group}/fault/${asks} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
      client.write('x'.repeat(length));
      const { bytes, state } = await client.response(method, 3000);
      client.close();
      const response = parseRawResponse(bytes, method, state === 'fin' ? 'fin' : 'no');
      const body = response?.body.toString('latin1');
      assert.ok(response?.complete, state);
      const expected = expects.answers.some((answer) => answer.status === response.status && answer.body === body);
      assert.ok(expected, `${response.status} ${body?.slice(0, 80)}`);
    });
  }
});

describe('an additional fault', () => {
  test('has a name of its own', () => {
    assert.equal(new Set(tortureFaults.map(({ name }) => name)).size, tortureFaults.length);
    assert.ok(tortureFaults.length >= faults.length + 60);
  });
});

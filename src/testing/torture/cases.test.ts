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
  test('are more than a hundred, and no two have one name', () => {
    assert.ok(tortureCases.length > 100, `${tortureCases.length}`);
    assert.equal(new Set(tortureCases.map(({ id }) => id)).size, tortureCases.length);
  });

  test('try everything that the origin can do', () => {
    const tried = new Set(tortureCases.map(({ id }) => id));
    assert.deepEqual(
      tortureFaults.map(({ name }) => name).filter((name) => !tried.has(name)),
      ['good'],
    );
  });

  test('give something that is right, for each', () => {
    for (const { id, expects } of tortureCases) {
      const passes = expects.answers.length > 0 && expects.passed.verdict === 'right';
      assert.ok(expects.right.length > 0 || passes, id);
    }
  });

  test('blame nobody for a lawful answer, and say in one sentence what the origin does', () => {
    const faulty = new Map(tortureFaults.map((fault) => [fault.name, fault.faulty]));
    for (const { id, does, expects } of tortureCases) {
      if (faulty.get(id) === false) assert.equal(expects.passed.verdict, 'right', id);
      assert.match(does, /^[a-z].*[^.]$/);
    }
  });
});

describe('what is lawful', () => {
  let stage: TortureStage;
  before(async () => {
    stage = await startStage({ host: '127.0.0.1', port: 0, tls: true, clock: systemClock });
  });
  after(() => stage.close());

  /** Straight to the part of the torture origin that a gateway would be asked for. */
  function clientOf(group: string): RawClient {
    const url = new URL(stage.groups.find(({ name }) => name === group)?.url ?? '');
    const address = { host: url.hostname, port: Number(url.port) };
    const { tls } = stage;
    if (url.protocol === 'http:' || tls === null) return new RawClient(address);
    const session = { ...address, servername: tls.serverName, ca: tls.authority.certificate };
    return new RawClient({ ...address, open: () => connectTls(session) });
  }

  // The expectation and the script are written apart; a client without a gateway must see them agree.
  const lawful = tortureCases.filter(({ expects }) => expects.right.length === 0 && expects.answers.length > 0);
  for (const { id, group, asks, expects, requests } of lawful) {
    const [request] = requests;
    test(`${id} comes from the origin as it is expected`, async () => {
      const client = clientOf(group);
      const method = request?.method ?? 'GET';
      const length = request?.contentBytes ?? 0;
      client.write(`${method} /${group}/fault/${asks} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
      client.write('x'.repeat(length));
      const { bytes, state } = await client.response(method, 3000);
      client.close();
      const response = parseRawResponse(bytes, method, state === 'fin' ? 'fin' : 'no');
      const content = response?.content.toString('latin1');
      assert.ok(response?.complete, state);
      const expected = expects.answers.some(
        (answer) => answer.status === response.status && answer.content === content,
      );
      assert.ok(expected, `${response.status} ${content?.slice(0, 80)}`);
    });
  }
});

describe('a further misbehaviour', () => {
  test('has a name of its own', () => {
    assert.equal(new Set(tortureFaults.map(({ name }) => name)).size, tortureFaults.length);
    assert.ok(tortureFaults.length >= faults.length + 60);
  });
});

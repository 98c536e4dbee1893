import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type FaultOrigin, startFaultOrigin } from '../fault-origin.ts';
import { faults } from '../fault.ts';
import { RawClient } from '../raw-client.ts';
import { parseRawResponse } from '../raw-response.ts';
import { tortureCases } from './cases.ts';
import { tortureFaults } from './faults.ts';

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
  let origin: FaultOrigin;
  before(async () => {
    origin = await startFaultOrigin({ faults: tortureFaults });
  });
  after(() => origin.close());

  // The expectation and the script are written apart; a client without a gateway must see them agree.
  const lawful = tortureCases.filter(({ expects }) => expects.right.length === 0 && expects.answers.length > 0);
  for (const { id, expects, requests } of lawful) {
    const [request] = requests;
    test(`${id} comes from the origin as it is expected`, async () => {
      const client = new RawClient(origin.address);
      const method = request?.method ?? 'GET';
      const length = request?.contentOctets ?? 0;
      client.write(`${method} /plain/fault/${id} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
      client.write('x'.repeat(length));
      const { octets, state } = await client.response(method, 3000);
      client.close();
      const response = parseRawResponse(octets, method, state === 'fin' ? 'fin' : 'no');
      const content = response?.content.toString('latin1');
      assert.ok(response?.complete);
      assert.ok(expects.answers.some((answer) => answer.status === response.status && answer.content === content));
    });
  }
});

describe('a further misbehaviour', () => {
  test('has a name of its own', () => {
    assert.equal(new Set(tortureFaults.map(({ name }) => name)).size, tortureFaults.length);
    assert.ok(tortureFaults.length >= faults.length + 60);
  });
});

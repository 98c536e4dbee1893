import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { originForTests } from './origin-for-tests.ts';
import { ok } from './raw-origin.ts';
import { runInWorker } from './run-in-workers.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// A limit holds for all workers together, whichever of them has accepted a client.

const origin = originForTests('ok');
let edge: YamlGateway;
afterEach(() => edge.stop());

const upstream = (connections: string): string =>
  `workers: 3\nupstreams: { app: { endpoints: "${origin.address}", check: none, connections: ${connections} } }`;

const request = requestText('GET', '/', ['Connection: close']);

describe('connections to an endpoint, from several workers', () => {
  test('never exceed the limit, and requests in any worker wait for them', async () => {
    edge = await startFromYaml(upstream('{ max: 2, queue_max: 100, queue_timeout: 60s }'));
    let underWay = 0;
    let most = 0;
    origin.answer = () => (socket) => {
      underWay += 1;
      most = Math.max(most, underWay);
      // A moment later, so that other requests come meanwhile.
      setTimeout(() => {
        underWay -= 1;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }, 2);
    };
    const answers = await Promise.all(Array.from({ length: 60 }, () => edge.send(request)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(most, 2, 'exactly as many connections as the limit allows');
    const records = await Promise.all(answers.map((answer) => edge.record(answer)));
    assert.ok(new Set(records.map(({ worker }) => worker)).size > 1, 'more than one worker has served');
  });

  test('are refused in any worker when the queue is full', async () => {
    edge = await startFromYaml(upstream('{ max: 1, queue_max: 4, queue_timeout: 60s }'));
    const held: Socket[] = [];
    origin.answer = () => (socket) => void held.push(socket);
    const answers = Array.from({ length: 12 }, () => edge.send(request));
    const settled: number[] = [];
    for (const answer of answers) void answer.then(({ status }) => settled.push(status));
    await until('seven requests are refused', () => settled.length === 7);
    assert.deepEqual([...new Set(settled)], [503]);
    origin.answer = () => ok('late');
    held[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, 5);
  });

  test('of a lost worker become available to waiters of other workers', async () => {
    edge = await startFromYaml(upstream('{ max: 1, queue_max: 10, queue_timeout: 60s }'));
    origin.answer = () => () => {};
    const first = edge.connect();
    first.write(request);
    await until('the request is in flight', () => origin.requests.length === 1);
    origin.answer = () => ok('next');
    const loser = edge.gateway.status().workers.find(({ exchangesActive }) => exchangesActive === 1);
    assert.ok(loser !== undefined);
    const waiting = Array.from({ length: 8 }, () => edge.connect());
    for (const client of waiting) client.write(request);
    await until('they wait', () => {
      const { workers } = edge.gateway.status();
      return workers.reduce((sum, { exchangesActive }) => sum + exchangesActive, 0) === 9;
    });
    const others = edge.gateway.status().workers.filter(({ id }) => id !== loser.id);
    const expected = others.reduce((sum, { exchangesActive }) => sum + exchangesActive, 0);
    await runInWorker(loser.id, 'setTimeout(() => { throw new RangeError("on purpose") }, 0)');
    const outcomes = await Promise.allSettled(waiting.map((client) => responseOn(client)));
    const served = outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value.status === 200);
    assert.equal(served.length, expected, 'all but those that the lost worker had accepted');
    for (const client of [first, ...waiting]) client.close();
  });
});

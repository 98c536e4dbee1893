// Starts processes: the kernel's choice of a listener is that of a process.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { text } from 'node:stream/consumers';
import type { LostRecord } from '../../src/core/record.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import type { RawClient } from '../../src/testing/testing.ts';
import { mayHaveOwnNetwork } from '../soak/may-have-own-network.ts';
import { ListenFailure } from './gateway-modules.ts';
import { originForTests } from './origin-for-tests.ts';
import { ok } from './raw-origin.ts';
import { hangs, runInWorker } from './run-in-workers.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Several workers serve on the same ports: the end of one does not affect the others.

const origin = originForTests('ok');
let edge: YamlGateway;
afterEach(() => edge.stop());

/** An origin that holds back its answers until the test releases them. */
function holdBack(): (answer: string) => void {
  const held: Socket[] = [];
  origin.answer = () => (socket) => void held.push(socket);
  return (answer) => {
    for (const socket of held.splice(0)) socket.write(answer);
  };
}

const upstream = (): string => `upstreams: { app: { endpoints: "${origin.address}", check: none } }`;
const crash = 'setTimeout(() => { throw new RangeError("on purpose") }, 0)';

const serving = (): number => edge.gateway.status().workers.filter(({ state }) => state === 'serving').length;

/** Keeps connections open until each worker has accepted at least `each`; returns them by worker. */
async function connectionsByWorker(workers: readonly number[], each: number): Promise<Map<number, RawClient[]>> {
  const found = new Map<number, RawClient[]>(workers.map((worker) => [worker, []]));
  await until('each worker has its share', async () => {
    const client = edge.connect();
    client.write(requestText('GET', '/which'));
    const { worker } = await edge.record(await responseOn(client));
    const clients = found.get(worker);
    assert.ok(clients !== undefined, `worker ${worker}`);
    clients.push(client);
    return [...found.values()].every(({ length }) => length >= each);
  });
  return found;
}

function closeAll(found: ReadonlyMap<number, readonly RawClient[]>): void {
  for (const client of [...found.values()].flat()) client.close();
}

async function lostRecords(): Promise<LostRecord[]> {
  const lines = (await readFile(join(edge.folder, 'exchange.log'), 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as LostRecord).filter(({ kind }) => kind === 'lost');
}

describe('of several workers', () => {
  test('each accepts on every port, including ports that the system chose', async () => {
    edge = await startFromYaml(`workers: 3\nlisteners: { http: "127.0.0.1:0", more: "127.0.0.1:0" }\n${upstream()}`);
    assert.equal(serving(), 3);
    assert.notEqual(edge.address('http').port, edge.address('more').port);
    for (const listener of ['http', 'more']) {
      const seen = new Set<number>();
      await until(`all have accepted on ${listener}`, async () => {
        const response = await edge.send(requestText('GET', '/', ['Connection: close']), listener);
        seen.add((await edge.record(response)).worker);
        return seen.size === 3;
      });
    }
  });

  test('the loss of one affects only its own exchanges: they are counted, and the others continue', async () => {
    edge = await startFromYaml(`workers: 2\n${upstream()}\nlog: { path: ./exchange.log }`);
    const found = await connectionsByWorker([1, 2], 3);
    const [lost = [], kept = []] = [found.get(1)?.slice(0, 3), found.get(2)?.slice(0, 3)];
    const asked = origin.requests.length;
    const give = holdBack();
    for (const client of [...lost, ...kept]) client.write(requestText('GET', '/held'));
    await until('the requests are in flight', () => origin.requests.length === asked + 6);

    await runInWorker(1, crash);
    await until('the loss is reported', () => edge.eventsOf('worker_lost').length === 1);
    for (const client of lost) assert.ok(await client.waitFor(() => client.state !== 'open', 5000));
    const { subject, evidence } = edge.eventsOf('worker_lost')[0] ?? assert.fail();
    assert.deepEqual([subject, evidence.exchangesLost], ['worker:1', 3]);
    for (const client of kept) assert.equal(client.state, 'open');
    // Requests in flight and new ones are served before the lost worker is replaced.
    origin.answer = () => ok('still here');
    give(ok('at last'));
    for (const client of kept) assert.equal((await responseOn(client)).body.toString(), 'at last');
    assert.equal((await edge.get('/')).body.toString(), 'still here');

    await until('the loss is in the log', async () => (await lostRecords()).length > 0);
    const records = await lostRecords();
    assert.deepEqual(
      records.map(({ worker, exchanges, revision }) => [worker, exchanges, revision]),
      [[1, 3, 1]],
    );
    await until('another worker serves', () => serving() === 2);
    assert.deepEqual(
      edge.gateway.status().workers.map(({ id, revision }) => [id, revision]),
      [
        [3, 1],
        [2, 1],
      ],
    );
    assert.equal(edge.gateway.counts().workersLost, 1);
    await until('no exchange is in flight', () => edge.counts().active === 0);
    closeAll(found);
  });

  test('a hanging one is replaced, and the others answer meanwhile', async () => {
    edge = await startFromYaml(`workers: 2\n${upstream()}`);
    const found = await connectionsByWorker([1, 2], 1);
    const [client] = found.get(2) ?? [];
    assert.ok(client !== undefined);
    await runInWorker(1, hangs);
    await until('the loss is reported', async () => {
      client.write(requestText('GET', '/'));
      assert.equal((await responseOn(client)).status, 200);
      return edge.eventsOf('worker_lost').length === 1;
    });
    const [{ evidence, worker } = assert.fail()] = edge.eventsOf('worker_lost');
    assert.equal(worker, 1);
    assert.match(evidence.reason, /not answered for 3 s/);
    await until('another worker serves', () => serving() === 2);
    closeAll(found);
  });

  test('one that exceeds workers.memory_max is lost, and the event says so', async () => {
    edge = await startFromYaml(`workers: { count: 2, memory_max: 64MiB }\n${upstream()}`);
    // In small steps, so that the worker answers meanwhile.
    const grow = 'for (let i = 0; i < 20; i++) all.push(new Array(10_000).fill({})); setImmediate(grow);';
    await runInWorker(2, `const all = []; const grow = () => { ${grow} }; grow();`);
    await until('the loss is reported', () => edge.eventsOf('worker_lost').length === 1, 60_000);
    const [{ evidence, worker } = assert.fail()] = edge.eventsOf('worker_lost');
    assert.deepEqual([worker, evidence.code], [2, 'ERR_WORKER_OUT_OF_MEMORY']);
    assert.match(evidence.reason, /it ran out of memory \(workers\.memory_max\)/);
    assert.equal((await edge.get('/')).status, 200);
    await until('another worker serves', () => serving() === 2);
  });

  test('all apply a change of one endpoint', async () => {
    edge = await startFromYaml(
      `workers: 2\nupstreams: { app: { endpoints: "127.0.0.1:1", check: { path: /, interval: 100ms } } }`,
    );
    const { upstreams } = edge.gateway.status();
    assert.equal(upstreams[0]?.endpoints[0]?.state, 'unhealthy');
    const seen = new Set<number>();
    await until('each worker has refused a request', async () => {
      const response = await edge.get('/');
      assert.equal(response.status, 503);
      seen.add((await edge.record(response)).worker);
      return seen.size === 2;
    });
  });
});

describe('a removed instance', () => {
  const program = join(import.meta.dirname, 'fixtures', 'mortal-application.mjs');
  const shop = `
drain: { timeout: 60s }
applications:
  shop:
    command: ["${process.execPath}", "${program}"]
    readiness: { path: /healthz, interval: 50ms, passes: 2 }
`;

  test('waits for each worker that has requests on it, and for no worker that never knew it', async () => {
    edge = await startFromYaml(`workers: 2${shop}`);
    await until('the instance is ready', () => edge.eventsOf('instance_ready').length === 1);
    const found = await connectionsByWorker([1, 2], 1);
    const clients = [1, 2].map((worker) => found.get(worker)?.[0] ?? assert.fail());
    for (const client of clients) client.write(requestText('GET', '/slow'));
    await until('the requests are in flight', () => edge.counts().active === 2);
    const reload = await edge.reload(
      'workers: 3\ndrain: { timeout: 60s }\nroutes: [ { path: /, respond: { body: x } } ]',
    );
    assert.equal(reload.ok, true);
    for (const client of clients) assert.match((await responseOn(client)).body.toString(), / slow$/);
    // Long before the drain timeout.
    await until('the instance has ended', () => edge.gateway.status().applications.length === 0);
    closeAll(found);
  });
});

describe('a port that workers share', () => {
  test('is not shared with another gateway', async () => {
    edge = await startFromYaml(upstream());
    const { port } = edge.address();
    const second = startFromYaml(`listeners: { http: "127.0.0.1:${port}" }\n${upstream()}`);
    await assert.rejects(second, (error) => error instanceof ListenFailure && error.errno === 'EADDRINUSE');
    await assert.rejects(startFromYaml(`listeners: { http: "127.0.0.1:${port}", again: "localhost:${port}" }`));
  });

  test('is not shared with another program, and the reload that needs it changes nothing', async (context) => {
    edge = await startFromYaml(`workers: 2\n${upstream()}`);
    const somebody = createServer();
    context.after(() => void somebody.close());
    somebody.listen({ host: '127.0.0.1', port: 0, reusePort: true });
    await once(somebody, 'listening');
    const { port } = somebody.address() as { port: number };
    const outcome = await edge.reload(`workers: 3\nlisteners: { other: "127.0.0.1:${port}" }\n${upstream()}`);
    assert.ok(!outcome.ok);
    assert.match(outcome.errors.join(), /EADDRINUSE/);
    assert.equal(serving(), 2);
    assert.equal(edge.eventsOf('worker_started').length, 2);
    assert.equal((await edge.get('/')).status, 200);
  });

  test('is refused for two listeners of one configuration', async () => {
    edge = await startFromYaml(upstream());
    const { port } = edge.address();
    await edge.gateway.stop('the port is wanted');
    const both = startFromYaml(`listeners: { one: "127.0.0.1:${port}", two: "localhost:${port}" }\n${upstream()}`);
    await assert.rejects(both, (error) => error instanceof ListenFailure && error.listener === 'two');
  });
});

describe('a reload with another number of workers', () => {
  test('starts the missing workers, and retires the others when their exchanges have finished', async () => {
    edge = await startFromYaml(`workers: 1\n${upstream()}`);
    assert.equal((await edge.reload(`workers: 3\n${upstream()}`)).ok, true);
    assert.equal(serving(), 3);
    const found = await connectionsByWorker([1, 2, 3], 1);
    const give = holdBack();
    const asked = origin.requests.length;
    for (const worker of [2, 3]) found.get(worker)?.[0]?.write(requestText('GET', '/held'));
    await until('the requests are in flight', () => origin.requests.length === asked + 2);

    assert.equal((await edge.reload(`workers: 1\n${upstream()}`)).ok, true);
    const states = (): string[] => edge.gateway.status().workers.map(({ id, state }) => `${id} ${state}`);
    assert.deepEqual(states(), ['1 serving', '2 retiring', '3 retiring']);
    // The workers that retire accept new connections meanwhile, besides their requests in flight.
    assert.equal((await edge.reload(`workers: 1\nroutes: [ { path: /, respond: { body: new } } ]`)).ok, true);
    assert.deepEqual(new Set(edge.gateway.status().workers.map(({ revision }) => revision)), new Set([4]));
    give(ok('finished'));
    for (const worker of [2, 3]) {
      const response = await responseOn(found.get(worker)?.[0] ?? assert.fail());
      assert.deepEqual([response.status, response.body.toString()], [200, 'finished']);
    }
    // An idle connection would get time to send a last request.
    closeAll(found);
    await until('the retired workers have ended', () => edge.eventsOf('worker_retired').length === 2);
    assert.deepEqual(states(), ['1 serving']);
    assert.equal(edge.eventsOf('worker_lost').length, 0);
    assert.equal((await edge.get('/')).body.toString(), 'new');
  });

  test('with another memory limit replaces all workers', async () => {
    edge = await startFromYaml(`workers: 2\n${upstream()}`);
    assert.equal((await edge.reload(`workers: { count: 2, memory_max: 256MiB }\n${upstream()}`)).ok, true);
    assert.deepEqual(
      edge.gateway
        .status()
        .workers.filter(({ state }) => state === 'serving')
        .map(({ id }) => id),
      [3, 4],
    );
    await until('the old workers have ended', () => edge.eventsOf('worker_retired').length === 2);
    assert.equal((await edge.get('/')).status, 200);
  });

  const possible = isWholeSweep && mayHaveOwnNetwork();
  // The kernel does without by default, which is the harder case.
  // The soak of changes does the same with other changes.
  for (const setting of isWholeSweep ? ['without-migration', 'with-migration'] : []) {
    test(`refuses and drops no connection under load, ${setting} by the kernel`, {
      skip: possible ? false : 'this machine does not allow a network namespace',
    }, async () => {
      edge = await startFromYaml(upstream()); // For afterEach alone.
      const program = spawn(
        process.execPath,
        [...process.execArgv, join(import.meta.dirname, 'worker-count-run.ts'), setting],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      const met = JSON.parse(await text(program.stdout)) as Record<string, unknown>;
      assert.ok((met['answered'] as number) > 500, `${String(met['answered'])} answers`);
      assert.deepEqual(met, { answered: met['answered'], failures: {}, dropped: 0, retired: 5, lost: 0, workers: 2 });
    });
  }
});

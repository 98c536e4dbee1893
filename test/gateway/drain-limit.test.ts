import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { thisHost } from '../../src/config/host.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import type { Configuration } from '../../src/core/configuration.ts';
import { drainMs } from '../../src/core/drain.ts';
import type { EndpointId } from '../../src/core/endpoint.ts';
import { InForce } from '../../src/gateway/in-force.ts';
import type { FromWorker } from '../../src/gateway/messages.ts';
import { ServingWorker } from '../../src/gateway/serving-worker.ts';
import { SharedCounts, sharedSizes } from '../../src/places/shared-counts.ts';
import { RawClient, SeededRandom, SimulatedClock } from '../../src/testing/testing.ts';
import { RawOrigin } from './raw-origin.ts';
import { requestText, responseOn, until } from './start-from-yaml.ts';

// One serving worker in this thread: its sockets are real, its time is the test's.

let origin: RawOrigin;
let folder: string;
beforeEach(async () => {
  origin = await RawOrigin.start(() => null);
  folder = await mkdtemp(join(tmpdir(), 'candor-drain-'));
});
afterEach(async () => {
  await origin.close();
  await rm(folder, { recursive: true });
});

async function configurationOf(yaml: string): Promise<Configuration> {
  const path = join(folder, 'candor.yaml');
  await writeFile(path, `${yaml}\nadmin: { socket: none }\nlog: { path: none }\n`);
  const loading = await loadConfiguration(path, {}, thisHost());
  assert.ok(loading.ok);
  return loading.configuration;
}

test('connections of a listener that is gone are cut when the time for draining is over, and not before', async () => {
  const clock = new SimulatedClock();
  const told: FromWorker[] = [];
  const [exchangesActive, recordsUnsent] = [new SharedArrayBuffer(4), new SharedArrayBuffer(4)];
  const { memory: shared } = new SharedCounts(sharedSizes, clock, new SeededRandom(1));
  const birth = {
    worker: 1,
    seat: 0,
    member: 'one',
    processStartedWall: 0,
    inheritedSockets: [],
    passedSockets: [],
    exchangesActive,
    recordsUnsent,
    shared,
  };
  const worker = new ServingWorker(birth, clock, new SeededRandom(1), (message) => void told.push(message));
  const upstreams = `upstreams: { app: { endpoints: "${origin.address}", check: none } }`;
  const both = await configurationOf(`listeners: { http: "127.0.0.1:0", more: "127.0.0.1:0" }\n${upstreams}`);
  const inForce = new InForce(both);
  const apply = async (configuration: Configuration): Promise<void> => {
    const snapshots = configuration.upstreams.map(({ endpoints, check: _check, ...rest }) => ({
      ...rest,
      endpoints: endpoints.map(({ address }) => ({
        id: 'app/one' as EndpointId,
        address,
        state: 'unchecked' as const,
        reason: '',
        sinceInstant: 0,
        checks: null,
        release: null,
        exit: null,
      })),
    }));
    const snapshot = inForce.next(configuration, snapshots);
    await worker.prepare(snapshot);
    const prepared = told.findLast((message) => message.kind === 'prepared');
    assert.ok(prepared !== undefined);
    worker.commit(snapshot.revision);
    assert.equal(told.findLast((message) => message.kind === 'applied')?.revision, snapshot.revision);
    inForce.listeners = prepared.listeners;
    inForce.revision += 1;
    inForce.take(configuration);
  };
  await apply(both);
  const place = inForce.listeners.find(({ id }) => id === 'more');
  const client = new RawClient({ host: '127.0.0.1', port: place?.port ?? 0 });
  client.write(requestText('GET', '/', ['Accept: application/json']));
  await until('it is under way', () => origin.requests.length === 1);
  assert.equal(new Int32Array(exchangesActive)[0], 1);

  await apply(await configurationOf(`listeners: { http: "127.0.0.1:0" }\n${upstreams}`));
  await clock.advance(drainMs - 1);
  assert.equal(new Int32Array(exchangesActive)[0], 1, 'it may take its time');
  await clock.advance(1);
  const response = await responseOn(client);
  assert.equal(response.status, 503);
  assert.equal(JSON.parse(response.content.toString()).cause, 'drained');
  assert.equal(new Int32Array(exchangesActive)[0], 0);
  client.close();

  worker.drain({ why: 'gateway_stopping', tunnels: 'wait', idleMs: 0, hasSuccessor: false });
  await until('it has drained', async () => {
    await clock.advance(250);
    return told.some(({ kind }) => kind === 'drained');
  });
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thisHost } from '../../src/config/host.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import type { Configuration } from '../../src/core/configuration.ts';
import type { EndpointId } from '../../src/core/endpoint.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { ActiveConfiguration } from '../../src/control/active-configuration.ts';
import type { FromWorker } from '../../src/core/worker-messages.ts';
import { createRecordRing, createWakeWord, RecordRingReader } from '../../src/record/record-ring.ts';
import { ServingWorker } from '../../src/worker/serving-worker.ts';
import { SharedCounts, sharedSizes } from '../../src/limits/shared-counts.ts';
import { SeededRandom, SimulatedClock } from '../../src/testing/testing.ts';

const random = new SeededRandom('configurations');

/** One serving worker in this thread: its sockets are real, its time is simulated. */
export class ManagedWorker {
  readonly clock = new SimulatedClock();
  readonly sent: FromWorker[] = [];
  readonly worker: ServingWorker;
  readonly #exchangesActive = new SharedArrayBuffer(4);
  readonly #recordRing = createRecordRing(createWakeWord());
  readonly #folder: string;
  #active: ActiveConfiguration | null = null;

  private constructor(folder: string) {
    this.#folder = folder;
    const { memory: shared } = new SharedCounts(sharedSizes, this.clock, new SeededRandom(1));
    const init = {
      worker: 1,
      workerIndex: 0,
      member: 'one',
      processStartedUnixMs: 0,
      processKey: 'k3f9xa',
      inheritedSockets: [],
      passedSockets: [],
      heldSockets: [],
      exchangesActive: this.#exchangesActive,
      exchangesEnded: new SharedArrayBuffer(4),
      recordRing: this.#recordRing,
      storeRing: createRecordRing(createWakeWord()),
      otlpRing: createRecordRing(createWakeWord()),
      ticketKey: new Uint8Array(48),
      managedTls: { certificates: [], challenges: [] },
      shared,
    };
    this.worker = new ServingWorker(init, this.clock, new SeededRandom(1), (message) => void this.sent.push(message));
  }

  static async start(): Promise<ManagedWorker> {
    return new ManagedWorker(await mkdtemp(join(tmpdir(), 'candor-worker-')));
  }

  /** The counts that the main thread finds in shared memory when a worker has ended. */
  get exchangesActive(): number | undefined {
    return new Int32Array(this.#exchangesActive)[0];
  }

  /** The lines of its records that the logger would find. */
  get recordLines(): string[] {
    const reader = new RecordRingReader(this.#recordRing);
    const text = reader.take().map(({ bytes }) => bytes.toString('latin1'));
    return text.join('').split('\n').slice(0, -1);
  }

  /** Activates a configuration whose endpoints are not checked. */
  async apply(yaml: string): Promise<void> {
    const configuration = await this.#load(yaml);
    this.#active ??= new ActiveConfiguration(configuration, random);
    const active = this.#active;
    const snapshot = active.nextSnapshot(configuration, upstreamsOf(configuration));
    await this.worker.prepare(snapshot);
    const prepared = this.sent.findLast((message) => message.kind === 'prepared');
    assert.ok(prepared !== undefined);
    this.worker.activate(snapshot.revision);
    assert.equal(this.sent.findLast((message) => message.kind === 'applied')?.revision, snapshot.revision);
    active.listeners = prepared.listeners;
    active.revision += 1;
    active.activate(configuration);
  }

  /** The next revision after the active one. */
  async snapshotOf(yaml: string): Promise<Snapshot> {
    const configuration = await this.#load(yaml);
    return (this.#active ?? new ActiveConfiguration(configuration, random)).nextSnapshot(
      configuration,
      upstreamsOf(configuration),
    );
  }

  portOf(listener: string): number {
    return this.#active?.listeners.find(({ id }) => id === listener)?.port ?? assert.fail(`no listener ${listener}`);
  }

  async #load(yaml: string): Promise<Configuration> {
    const path = join(this.#folder, 'candor.yaml');
    await writeFile(path, `${yaml}\nadmin: { socket: none }\n`);
    const loading = await loadConfiguration(path, {}, thisHost());
    assert.ok(loading.ok);
    return loading.configuration;
  }

  async stop(): Promise<void> {
    this.worker.drain({ why: 'gateway_stopping', tunnels: 'wait', idleMs: 0, hasSuccessor: false });
    const limit = performance.now() + 5000;
    while (!this.sent.some(({ kind }) => kind === 'drained')) {
      assert.ok(performance.now() < limit, 'the worker drains within five seconds');
      await this.clock.advance(250);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await rm(this.#folder, { recursive: true });
  }
}

function upstreamsOf({ upstreams }: Configuration): Parameters<ActiveConfiguration['nextSnapshot']>[1] {
  return upstreams.map(({ endpoints, check: _check, ...rest }) => ({
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
}

import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { ApplicationSpec, Configuration } from '../core/configuration.ts';
import type { ApplicationId, ReadinessFinding } from '../core/endpoint.ts';
import type { LiveInstance } from '../core/live-instance.ts';
import type { RolloutStrategy } from '../core/release.ts';
import type { RouteTraffic } from '../core/route-traffic.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { removeTree } from '../deploy/release-files.ts';
import { runJob } from '../deploy/release-job.ts';
import { ReleaseRefused } from '../deploy/release-refusal.ts';
import { ReleaseStore } from '../deploy/release-store.ts';
import { type ReleaseSettings, usualSettings } from '../features/releases/settings.ts';
import { ReleaseJudge } from '../policy/release-judge.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ApplicationReleases } from './application-releases.ts';
import { ReleasedApplication } from './released-application.ts';
import type { KeptRollout } from './running-rollout.ts';

const spec = { id: 'shop', instances: 1, environment: {}, directory: '.', port: null } as unknown as ApplicationSpec;

/** An application whose instances are as the test says. */
async function application(context: TestContext, changed: Partial<ReleaseSettings> = {}) {
  const state = mkdtempSync(join(tmpdir(), 'candor-rollouts-'));
  context.after(() => removeTree(state));
  const clock = new SimulatedClock();
  const opened = await ReleaseStore.open(state, 'shop', { clock, random: new SeededRandom(1) });
  assert.ok(opened.ok);
  const { store } = opened.value;
  const said: string[] = [];
  let instances: readonly LiveInstance[] = [];
  let restarts = 0;
  let reads = 0;
  let endpoints: readonly EndpointSnapshot[] = [];
  const configuration = {
    applications: [spec],
    upstreams: [{ id: 'shop', application: 'shop', features: { releases: { ...usualSettings, ...changed } } }],
    routes: [{ id: 'shop', action: { kind: 'upstream', upstream: 'shop', split: null } }],
  } as unknown as Configuration;
  const application = new ReleasedApplication('shop' as ApplicationId, {
    configuration: () => configuration,
    instances: () => (reads++, instances),
    endpoints: () => endpoints,
    // An endpoint is called like its release.
    endpoint: (_, id) =>
      ({ release: String(id), sinceInstant: clock.now() }) as Partial<EndpointSnapshot> as EndpointSnapshot,
    processes: () => [{ instance: 'shop-2', release: 'two', restarts, bytes: null }],
  });
  const create = (): ApplicationReleases =>
    new ApplicationReleases({
      ...{ clock, store, application, memoryBytes: 1e9 },
      events: { emit: ({ reason }) => void said.push(reason) },
      ...{ runJob: (job, signal) => runJob(job, clock, () => {}, signal), redact: (text) => text, onArms: () => {} },
    });
  let releases = create();
  const wanted = (name: string) => ({
    ...{ name, command: ['node', name], directory: '.', environment: {}, persistent: [], actor: 'ann' },
    configuration: null,
  });
  await releases.begins(wanted('one'));
  const shown = (): readonly [string | undefined, string, readonly (number | null)[]] => [
    releases.status()?.state,
    releases.inForce?.name ?? 'none',
    releases.armsOf(spec).map(({ share }) => share),
  ];
  const is = (state: LiveInstance['state'], more: Partial<LiveInstance> = {}): void => {
    const one = { id: 'shop-2', reason: 'its check fails', finding: null, sinceInstant: clock.now(), ...more };
    instances = [{ ...one, state, release: 'two' } as LiveInstance];
  };
  return {
    ...{ store, said, shown, is },
    get releases() {
      return releases;
    },
    restart: () => void restarts++,
    /** How often instances were read until now. */
    reads: () => reads,
    eject: () => {
      const ejected = { id: 'shop/2', release: 'two', state: 'ejected', reason: '5 of 6 requests failed' };
      endpoints = [ejected as Partial<EndpointSnapshot> as EndpointSnapshot];
    },
    /** Another process goes on. */
    handOver: async () => {
      await releases.pause();
      const kept = JSON.parse(JSON.stringify(releases.kept())) as KeptRollout;
      clock.advanceSync(2000);
      releases = create();
      await releases.takeOver(kept);
    },
    begin: async (strategy: RolloutStrategy = 'blue_green', name = 'two') => {
      const made = await store.make({ kind: 'configuration', path: 'candor.yaml' }, wanted(name));
      assert.ok(made.ok);
      return releases.begin({ to: made.value.release, strategy, rollbackFor: null, actor: 'ann' });
    },
    pass: async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) {
        clock.advanceSync(100);
        await releases.idle;
      }
    },
  };
}

describe('the rollout of an application', () => {
  it('gives a release all requests when it is ready, and keeps the one before warm', async (context) => {
    const { begin, pass, is, shown, releases } = await application(context);
    assert.ok((await begin()).ok);
    assert.deepEqual(shown(), ['starting', 'one', [1, 0]]);
    await pass(5000);
    assert.deepEqual(shown(), ['starting', 'one', [1, 0]], 'nothing has changed for visitors');
    is('healthy');
    await pass(100);
    assert.deepEqual(shown(), ['baking', 'two', [0, 1]]);
    await pass(30_000);
    assert.deepEqual([shown(), releases.warm?.name], [[undefined, 'two', [1, 0]], 'one']);
    await pass(600_000);
    assert.deepEqual(shown(), [undefined, 'two', [1]]);
  });

  it('takes a canary from step to step', async (context) => {
    const steps = [
      { share: 0.05, forMs: 10_000 },
      { share: 0.5, forMs: 5000 },
    ];
    const { begin, pass, is, shown } = await application(context, { steps });
    assert.ok((await begin('canary')).ok);
    is('healthy');
    await pass(100);
    assert.deepEqual(shown(), ['shifting', 'one', [0.95, 0.05]]);
    await pass(10_000);
    assert.deepEqual(shown(), ['shifting', 'one', [0.5, 0.5]]);
    await pass(5000);
    assert.deepEqual(shown(), ['baking', 'two', [0, 1]]);
  });

  it('draws no request for a canary that some are chosen for, also in a process that takes over', async (context) => {
    const canaryFor = { headers: [{ name: 'x-canary', value: null }], cookies: [], clients: [] };
    const steps = [{ share: 0, forMs: 10_000 }];
    const { begin, pass, is, shown, handOver, said } = await application(context, { steps, canaryFor });
    assert.ok((await begin('canary')).ok);
    is('healthy');
    await pass(100);
    assert.deepEqual(shown(), ['shifting', 'one', [1, null]]);
    assert.equal(said.at(-1), 'two gets the requests of canary_for');
    await handOver();
    assert.deepEqual(shown(), ['shifting', 'one', [1, null]]);
    await pass(10_000);
    assert.deepEqual(shown(), ['baking', 'two', [0, 1]]);
    await pass(30_000);
    assert.deepEqual(shown(), [undefined, 'two', [1, 0]]);
    assert.equal(said.at(-1), 'two is in force: 0 of 0 requests seen, chosen for two: nothing is compared');
  });

  it('refuses a release that is not ready in time, and changes nothing', async (context) => {
    const { begin, pass, is, shown, said } = await application(context, { readyMs: 20_000 });
    assert.ok((await begin()).ok);
    is('starting');
    await pass(20_000);
    assert.deepEqual(shown(), [undefined, 'one', [1]]);
    assert.equal(said.at(-1), 'two was refused: it was not ready within 20 s: shop-2: its check fails');
  });

  it('refuses one that cannot become ready after ten seconds of that', async (context) => {
    const { begin, pass, is, shown } = await application(context);
    assert.ok((await begin()).ok);
    is('unhealthy', { finding: { lasting: true } as ReadinessFinding });
    await pass(9900);
    assert.equal(shown()[0], 'starting', 'a slow start may look the same');
    await pass(200);
    assert.equal(shown()[0], undefined);
  });

  it('tries a step that the disk does not take ten times a second', async (context) => {
    const { begin, pass, is, shown, store, releases } = await application(context);
    assert.ok((await begin()).ok);
    const append = store.append.bind(store);
    let tried = 0;
    store.append = () => {
      tried++;
      throw new ReleaseRefused({ kind: 'disk_full', reason: 'The disk is full.', step: 'Make room.' });
    };
    is('healthy');
    await pass(2000);
    assert.deepEqual([tried, shown()], [20, ['starting', 'one', [1, 0]]]);
    assert.equal(releases.status()?.trouble, 'The disk is full. Make room.');
    store.append = append;
    await pass(100);
    assert.deepEqual([shown()[0], releases.status()?.trouble], ['baking', null]);
  });

  it('keeps no release warm that would have the port of the other', async (context) => {
    const { begin, pass, is, releases } = await application(context);
    assert.ok((await begin()).ok);
    is('healthy');
    await pass(31_000);
    assert.equal(releases.armsOf(spec).length, 2);
    assert.equal(releases.armsOf({ ...spec, port: 3000 } as ApplicationSpec).length, 1);
  });

  it('refuses a second deployment while one goes on', async (context) => {
    const { begin } = await application(context);
    assert.ok((await begin()).ok);
    const second = await begin('blue_green', 'three');
    assert.equal(second.ok ? '' : second.failure.reason, 'two is being rolled out.');
  });
});

describe('a process that takes over', () => {
  it('goes on with a rollout, and with the time that it has left', async (context) => {
    const { begin, pass, is, shown, handOver } = await application(context);
    assert.ok((await begin()).ok);
    is('healthy');
    await pass(20_000);
    await handOver();
    assert.deepEqual(shown(), ['baking', 'two', [0, 1]]);
    await pass(9800);
    assert.equal(shown()[0], 'baking');
    await pass(300);
    assert.equal(shown()[0], undefined);
  });

  it('goes on watching a release, and takes it back to the one that is warm', async (context) => {
    const { begin, pass, is, shown, handOver, restart, said } = await application(context);
    assert.ok((await begin()).ok);
    is('healthy');
    await pass(31_000);
    await handOver();
    assert.deepEqual(shown(), [undefined, 'two', [1, 0]]);
    await pass(2000);
    for (let count = 0; count < 3; count++) restart();
    await pass(2000);
    assert.deepEqual(shown(), [undefined, 'one', [1]]);
    assert.equal(said.at(-1), 'two was aborted: two has ended and was restarted 3 times, one not at all');
  });
});

function answered(endpoint: string, answered: number, serverErrors = 0): RouteTraffic {
  const none = { latencies: [], failed: [], slow: [], awaited: [] };
  return { route: 'shop', upstream: 'shop', endpoint, answered, serverErrors, ...none };
}

describe('a canary with half of the requests', () => {
  const steps = [{ share: 0.5, forMs: 600_000 }];
  async function canary(context: TestContext) {
    const made = await application(context, { steps });
    assert.ok((await made.begin('canary')).ok);
    made.is('healthy');
    await made.pass(10_000);
    assert.equal(made.shown()[0], 'shifting');
    return { ...made, releases: made.releases };
  }

  it('is looked at once a second while nothing changes, however many requests are counted', async (context) => {
    const { reads, pass, releases } = await canary(context);
    const before = reads();
    const judge = context.mock.method(ReleaseJudge.prototype, 'judge');
    for (let batch = 0; batch < 40; batch++) {
      releases.onTraffic({ worker: 0, routes: [answered('one', 500), answered('two', 500)] });
      await pass(200);
    }
    assert.deepEqual([reads() - before, judge.mock.callCount()], [8, 8]);
    assert.equal(releases.status()?.judgement?.verdict, 'good');
  });

  it('is taken back with the batch that shows that it is bad', async (context) => {
    const { releases, said } = await canary(context);
    releases.onTraffic({ worker: 0, routes: [answered('one', 15), answered('two', 15, 12)] });
    await releases.idle;
    assert.match(said.at(-1) ?? '', /^two was aborted: 12 of 15 requests/);
  });

  it('is taken back at once when one of its endpoints is ejected, or all of its instances have ended', async (context) => {
    const first = await canary(context);
    first.eject();
    first.releases.look();
    await first.releases.idle;
    assert.equal(first.said.at(-1), 'two was aborted: shop/2 was ejected: 5 of 6 requests failed');
    const second = await canary(context);
    second.is('unhealthy');
    second.releases.look();
    await second.releases.idle;
    assert.match(second.said.at(-1) ?? '', /^two was aborted: none of its instances is ready any more/);
  });

  it('is taken back within a second of the third restart', async (context) => {
    const { pass, restart, said } = await canary(context);
    for (let count = 0; count < 3; count++) restart();
    await pass(1000);
    assert.match(said.at(-1) ?? '', /^two was aborted: two has ended and was restarted 3 times/);
  });

  it('goes on in time with steps of less than a second', async (context) => {
    const short = [
      { share: 0.5, forMs: 300 },
      { share: 0.6, forMs: 500 },
    ];
    const { begin, is, pass, shown } = await application(context, { steps: short });
    assert.ok((await begin('canary')).ok);
    is('healthy');
    await pass(100);
    assert.deepEqual(shown(), ['shifting', 'one', [0.5, 0.5]]);
    await pass(300);
    assert.deepEqual(shown(), ['shifting', 'one', [0.4, 0.6]]);
    await pass(500);
    assert.equal(shown()[0], 'baking');
  });
});

describe('while another process takes over', () => {
  it('counts no more requests than the other process goes on with', async (context) => {
    const steps = [{ share: 0.5, forMs: 60_000 }];
    const made = await application(context, { steps });
    assert.ok((await made.begin('canary')).ok);
    made.is('healthy');
    await made.pass(10_000);
    const counted = (): number | undefined => made.releases.status()?.judgement?.fresh.requests;
    const count = (): void => made.releases.onTraffic({ worker: 0, routes: [answered('one', 7), answered('two', 7)] });
    count();
    await made.releases.pause();
    count();
    assert.equal(counted(), 7);
    await made.handOver();
    assert.equal(counted(), 7);
    count();
    assert.equal(counted(), 14);
  });

  it('nothing begins or goes on until the handoff has failed', async (context) => {
    const { begin, pass, is, shown, releases, store } = await application(context);
    assert.ok((await begin()).ok);
    await releases.pause();
    is('healthy');
    const lines = JSON.stringify(store.history);
    await pass(5000);
    assert.deepEqual([shown()[0], JSON.stringify(store.history) === lines], ['starting', true]);
    releases.resume();
    await pass(100);
    assert.equal(shown()[0], 'baking');
  });

  it('no rollout begins', async (context) => {
    const { begin, releases } = await application(context);
    await releases.pause();
    const begun = await begin();
    assert.equal(begun.ok ? '' : begun.failure.reason, 'Another process takes over, or the gateway stops.');
  });

  // Starts a process: only a real one shows that it was ended.
  it('what runs before a release is ended, and with it a rollout that goes on here after all', async (context) => {
    const before = [process.execPath, '-e', 'setInterval(() => {}, 1000)'];
    const { begin, shown, releases, said } = await application(context, { before });
    assert.ok((await begin()).ok);
    assert.equal(shown()[0], 'preparing');
    await releases.pause();
    releases.resume();
    await releases.idle;
    assert.equal(shown()[0], undefined);
    assert.match(said.at(-1) ?? '', /^two was refused: what runs before it has failed: an upgrade of the gateway/);
  });
});

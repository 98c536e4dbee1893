import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { EventKind, NewEvent } from '../core/event.ts';
import type { OverlayEntry, RouteOverlay } from '../core/overlay.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { Overlay } from './overlay.ts';
import type { OverlayChange } from './overlay-change.ts';
import { type OverlayContent, overlayEntriesMax, readOverlay, writeOverlay } from './overlay-file.ts';
import type { OverlayReading, OverlayStorage } from './overlay-store.ts';

/** A disk that can be full. */
class MemoryStorage implements OverlayStorage {
  readonly folder = '/state';
  content: OverlayContent | null = null;
  failure: string | null = null;

  read(): OverlayReading {
    return this.content === null ? { kind: 'none' } : { kind: 'read', content: this.content };
  }

  peek(): OverlayContent | null {
    return this.content;
  }

  async write(content: OverlayContent): Promise<string | null> {
    if (this.failure === null) this.content = content;
    return this.failure;
  }
}

const clock = new SimulatedClock();
let storage: MemoryStorage;
let sent: RouteOverlay[];
let events: NewEvent[];
let refusal: string | null;
let endpoints: EndpointSnapshot[];

beforeEach(() => {
  [storage, sent, events, refusal] = [new MemoryStorage(), [], [], null];
  endpoints = [1, 2].map((port) => endpointAt(port));
});

function endpointAt(port: number): EndpointSnapshot {
  return {
    id: `app/127.0.0.1:${port}` as EndpointId,
    address: { kind: 'tcp', host: '127.0.0.1', port },
    state: 'healthy',
    reason: 'its checks pass',
    sinceInstant: 0,
    checks: null,
    release: null,
    exit: null,
  };
}

function overlay(
  store: OverlayStorage | null = storage,
  endPause: (endpoint: string) => boolean = () => false,
): Overlay {
  const made: Overlay = new Overlay({
    clock,
    events: { emit: <K extends EventKind>(event: NewEvent<K>) => void events.push(event) },
    store,
    targets: () => ({
      routes: [routeTo('api', 'app'), routeTo('web', 'other'), routeTo('/app', 'app')],
      upstreams: [{ id: 'app' as UpstreamId, endpoints: made.adjust(endpoints) }],
    }),
    refusal: () => refusal,
    sendRoutes: (routes) => void sent.push(routes),
    onEndpointsChanged: () => undefined,
    endPause,
    workers: () => 4,
  });
  made.load();
  return made;
}

const routeTo = (id: string, upstream: string) => ({
  id,
  action: { kind: 'upstream', upstream: upstream as UpstreamId } as const,
});
const maintenance = (route: string): OverlayChange => ({
  kind: 'maintenance',
  route,
  message: null,
  retryAfterS: null,
});
const drain = (endpoint: string): OverlayChange => ({ kind: 'drain', endpoint });
const pause = (target: string): OverlayChange => ({ kind: 'pause', target, waitMs: null, waitersMax: 10 });

describe('Overlay', () => {
  const at = (inMs: number): string => new Date(clock.wallTime() + inMs).toISOString();
  const ofAll = { kind: 'maintenance', route: null, message: null, retryAfterS: null } as const;

  it('ends maintenance and pauses when their time is over', async () => {
    const one = overlay();
    const until = at(60_000);
    assert.ok((await one.change({ ...ofAll, until }, 'admin:socket', null)).ok);
    assert.ok(
      (await one.change({ kind: 'pause', target: 'api', waitMs: null, waitersMax: null, until }, 'a', null)).ok,
    );
    await clock.advance(59_000);
    assert.equal(one.status().entries.length, 2);
    await clock.advance(2000);
    assert.deepEqual(one.status().entries, []);
    assert.deepEqual([sent.at(-1)?.maintenance, sent.at(-1)?.pauses], [[], []]);
    one.close();
  });

  it('says of maintenance for whom it is, from when on and until when, and nothing of its pass', async () => {
    const one = overlay();
    const [since, until] = [at(60_000), at(120_000)];
    const pass = '0f'.repeat(32);
    const change = { ...ofAll, host: 'Shop.example.org', since, until, allow: ['10.0.0.0/8'], pass };
    assert.ok((await one.change(change, 'admin:socket', null)).ok);
    const [entry] = one.status().entries;
    assert.equal(entry?.id, 'maintenance:host:shop.example.org');
    assert.equal(
      entry?.reason,
      `host shop.example.org is in maintenance from ${since.slice(0, 19)}Z until ${until.slice(0, 19)}Z, except for 10.0.0.0/8, requests with the pass`,
    );
    assert.ok(!JSON.stringify([one.status(), events]).includes(pass));
    assert.ok((await one.change({ kind: 'restore', what: 'maintenance:host:shop.example.org' }, 'a', null)).ok);
    assert.deepEqual(one.status().entries, []);
    one.close();
  });

  it('ends the maintenance of an upstream or application by its name, and not its pause', async () => {
    const one = overlay();
    await one.change(maintenance('app'), 'admin:socket', null);
    await one.change({ kind: 'pause', target: 'app', waitMs: null, waitersMax: null }, 'admin:socket', null);
    await one.change({ kind: 'restore', what: 'maintenance:app' }, 'admin:socket', null);
    assert.deepEqual(
      one.status().entries.map(({ id }) => id),
      ['pause:upstream:app'],
    );
  });

  const wrong: readonly [name: string, change: Partial<OverlayChange>, why: RegExp][] = [
    ['that is over', { until: at(-1000) }, /would end .* before it begins/],
    ['that ends before it begins', { since: at(60_000), until: at(30_000) }, /would end .* before it begins/],
    ['that is too far away', { since: at(30 * 86_400_000) }, /within 14 days/],
    ['of a host and a route', { host: 'a', route: 'api' }, /name a host or a route/],
  ];
  for (const [name, change, why] of wrong)
    it(`refuses maintenance ${name}`, async () => {
      const outcome = await overlay().change({ ...ofAll, ...change } as OverlayChange, 'admin:socket', null);
      assert.ok(!outcome.ok);
      assert.match(outcome.why, why);
    });

  it('takes all routes to an upstream or application into maintenance by its name, and restores them by it', async () => {
    const one = overlay();
    for (const name of ['app', 'upstream:app']) {
      const made = await one.change(maintenance(name), 'admin:socket', null);
      assert.ok(made.ok);
      assert.deepEqual(made.affected, ['maintenance:api', 'maintenance:/app']);
      assert.deepEqual(
        sent.at(-1)?.maintenance.map(({ route }) => route),
        ['api', '/app'],
      );
      assert.equal(events.length, 2, 'an event for each route');
      const again = await one.change(maintenance(name), 'admin:socket', null);
      assert.ok(again.ok && !again.changed);
      const restored = await one.change({ kind: 'restore', what: name }, 'admin:socket', null);
      assert.ok(restored.ok);
      assert.deepEqual(restored.overlay.entries, []);
      events = [];
    }
    assert.deepEqual(await one.change(maintenance('ap'), 'admin:socket', null), {
      ...{ ok: false, kind: 'unknown_target', why: 'There is no route or upstream ap: did you mean "api" or "app"?' },
    });
  });

  it('restores an endpoint that is out because of its requests: it is tried again at once', async () => {
    const tried: string[] = [];
    const one = overlay(storage, (endpoint) => tried.push(endpoint) > 0);
    const restored = await one.change({ kind: 'restore', what: '127.0.0.1:1' }, 'admin:socket', null);
    assert.ok(restored.ok && restored.changed);
    assert.deepEqual([restored.affected, tried], [['ejection:127.0.0.1:1'], [endpoints[0]?.id]]);
    const other = await overlay().change({ kind: 'restore', what: '127.0.0.1:1' }, 'admin:socket', null);
    assert.equal(other.ok, false);
  });

  it('applies a change although the disk is full, says that it is in memory only, and writes all entries with the next change', async () => {
    const one = overlay();
    storage.failure = '/state/overlay.json cannot be written (ENOSPC)';
    const made = await one.change(drain('127.0.0.1:1'), 'admin:socket', null);
    assert.ok(made.ok);
    assert.deepEqual(made.warnings, [
      'The change is lost when the process ends: /state/overlay.json cannot be written (ENOSPC).',
    ]);
    assert.equal(one.adjust(endpoints)[0]?.state, 'draining');
    assert.deepEqual([one.status().persisted, storage.content], [false, null]);
    storage.failure = null;
    assert.ok((await one.change({ kind: 'weight', endpoint: '127.0.0.1:2', weight: 9 }, 'admin:socket', null)).ok);
    assert.deepEqual([one.status().persisted, overlay().status().entries.length], [true, 2]);
  });

  it('divides the requests that may wait among the workers', async () => {
    const one = overlay();
    await one.change(pause('api'), 'admin:socket', null);
    assert.deepEqual(
      sent.map(({ revision, pauses }) => [revision, pauses[0]?.waitersMax]),
      [[1, 2]],
    );
  });

  it('shows the health of a drained endpoint, and since when it is drained', async () => {
    const one = overlay();
    await clock.advance(5_000);
    await one.change(drain('app/127.0.0.1:1'), 'admin:token:deploy', null);
    const [drained, other] = one.adjust(endpoints);
    assert.equal(drained?.reason, 'drained by admin:token:deploy; otherwise healthy: its checks pass');
    assert.equal(drained?.sinceInstant, clock.now());
    assert.equal(other, endpoints[1]);
  });

  describe('an endpoint that an operator ejects', () => {
    const eject = (endpoint: string, own: Partial<Extract<OverlayChange, { kind: 'eject' }>> = {}): OverlayChange => ({
      ...{ kind: 'eject', endpoint, durationMs: null, why: '', force: false },
      ...own,
    });

    it('is ejected with who, until when and why, and is back when its time is over', async () => {
      const one = overlay();
      assert.ok(
        (await one.change(eject('127.0.0.1:1', { durationMs: 60_000, why: 'slow disk' }), 'admin:socket', null)).ok,
      );
      const until = new Date(clock.wallTime() + 60_000).toISOString().slice(0, 19);
      const [ejected] = one.adjust(endpoints);
      assert.equal(ejected?.state, 'ejected');
      assert.equal(
        ejected.reason,
        `ejected by admin:socket until ${until}Z: slow disk; otherwise healthy: its checks pass`,
      );
      await clock.advance(59_000);
      assert.equal(one.adjust(endpoints)[0]?.state, 'ejected');
      await clock.advance(2_000);
      assert.equal(one.adjust(endpoints)[0], endpoints[0]);
      assert.deepEqual([one.status().entries, storage.content?.entries, one.status().revision], [[], [], 2]);
      assert.deepEqual(
        events.map(({ kind, actor }) => [kind, actor]),
        [
          ['overlay_changed', 'admin:socket'],
          ['overlay_changed', 'gateway'],
        ],
      );
      one.close();
    });

    it('stays so over a restart, no longer than it was to', async () => {
      await overlay().change(eject('127.0.0.1:1', { durationMs: 60_000 }), 'admin:socket', null);
      await clock.advance(30_000);
      const later = overlay();
      assert.equal(later.adjust(endpoints)[0]?.state, 'ejected');
      await clock.advance(30_000);
      assert.deepEqual(later.status().entries, []);
      const last = overlay();
      assert.equal(last.adjust(endpoints)[0], endpoints[0]);
    });

    it('stays so while nothing may be changed, and is back then', async () => {
      const one = overlay();
      await one.change(eject('127.0.0.1:1', { durationMs: 5_000 }), 'admin:socket', null);
      refusal = 'An upgrade is in progress.';
      await clock.advance(20_000);
      assert.equal(one.status().entries.length, 1);
      refusal = null;
      await clock.advance(2_000);
      assert.equal(one.status().entries.length, 0);
    });

    it('is not the last one that is ready, unless it is said to be', async () => {
      const one = overlay();
      await one.change(eject('127.0.0.1:1'), 'admin:socket', null);
      const last = await one.change(eject('127.0.0.1:2'), 'admin:socket', null);
      assert.ok(!last.ok && last.kind === 'refused');
      assert.match(last.why, /^app\/127\.0\.0\.1:2 is the last endpoint of upstream app that is ready/);
      assert.ok((await one.change(eject('127.0.0.1:2', { force: true }), 'admin:socket', null)).ok);
      endpoints = [1, 2].map((port) => ({ ...endpointAt(port), state: 'unhealthy' }));
      assert.ok((await overlay(null).change(eject('127.0.0.1:2'), 'admin:socket', null)).ok, 'it gets none anyway');
    });

    it('keeps a state that gives it less, and a drain is stricter', async () => {
      const one = overlay();
      await one.change(eject('127.0.0.1:1', { force: true }), 'admin:socket', null);
      for (const state of ['unhealthy', 'starting', 'circuit_open', 'draining', 'gone'] as const)
        assert.equal(one.adjust([{ ...endpointAt(1), state }])[0]?.state, state);
      for (const state of ['unknown', 'unchecked', 'probation', 'ejected'] as const)
        assert.equal(one.adjust([{ ...endpointAt(1), state }])[0]?.state, 'ejected');
      const [halfOpen] = one.adjust([{ ...endpointAt(1), state: 'half_open' }]);
      assert.equal(halfOpen?.state, 'circuit_open', 'it gets nothing, even while no other endpoint is left');
      await one.change(drain('127.0.0.1:1'), 'admin:socket', null);
      await one.change(eject('127.0.0.1:1', { force: true, why: 'again' }), 'admin:socket', null);
      assert.equal(one.adjust(endpoints)[0]?.state, 'draining');
    });
  });

  it('refuses changes while the gateway gives a reason to', async () => {
    const one = overlay();
    refusal = 'Another process has adopted the applications.';
    const outcome = await one.change(drain('127.0.0.1:1'), 'admin:socket', null);
    assert.deepEqual(outcome, { ok: false, kind: 'refused', why: refusal });
    assert.deepEqual([events, storage.content], [[], null]);
  });

  it('accepts no more entries than a file may have', async () => {
    endpoints = Array.from({ length: overlayEntriesMax + 1 }, (_, index) => endpointAt(index + 1));
    const one = overlay();
    for (let port = 1; port <= overlayEntriesMax; port++)
      assert.ok((await one.change(drain(`127.0.0.1:${port}`), 'admin:socket', null)).ok);
    const last = await one.change(drain(`127.0.0.1:${overlayEntriesMax + 1}`), 'admin:socket', null);
    assert.ok(!last.ok && last.kind === 'refused');
    assert.equal(one.status().entries.length, overlayEntriesMax);
  });

  it('follows the changes of a successor and sends them to its workers, until it is closed', async () => {
    const [old, next] = [overlay(), overlay()];
    await old.change(pause('api'), 'admin:socket', null);
    next.load();
    old.follow();
    sent = [];
    await next.change({ kind: 'restore', what: null }, 'admin:socket', null);
    await clock.advance(1_000);
    assert.deepEqual(
      sent.map(({ revision, pauses }) => [revision, pauses.length]),
      [
        [2, 0],
        [2, 0],
      ],
    );
    old.close();
    assert.equal(clock.timersLive, 0);
  });

  it('asks for a prefix if a route and an upstream have the same name', async () => {
    const one = overlay();
    const both = await one.change(pause('app'), 'admin:socket', null);
    assert.ok(both.ok);
    endpoints = [];
    const unknown = await one.change(drain('127.0.0.1:1'), 'admin:socket', null);
    assert.ok(!unknown.ok && unknown.kind === 'unknown_target');
    const wrong = await one.change({ kind: 'restore', what: 'pause:upstream:ap' }, 'admin:socket', null);
    assert.ok(!wrong.ok);
    assert.match(wrong.why, /did you mean "pause:upstream:app"\?/);
  });
});

describe('overlay.json', () => {
  const name = fc.string({ minLength: 1, maxLength: 40 });
  const setting: fc.Arbitrary<OverlayEntry['setting']> = fc.oneof(
    fc.record(
      {
        kind: fc.constant('maintenance' as const),
        route: fc.option(name),
        message: fc.string(),
        retryAfterS: fc.integer({ min: 1, max: 86_400 }),
        host: name,
        since: fc.constant('2026-01-01T00:00:00.000Z'),
        until: fc.constant('2026-01-01T01:00:00.000Z'),
        allow: fc.constant(['10.0.0.0/8', '2001:db8::/32']),
        pass: fc.constant('0f'.repeat(32)),
      },
      { requiredKeys: ['kind', 'route', 'message', 'retryAfterS'] },
    ),
    fc.record({
      kind: fc.constant('pause' as const),
      scope: fc.constantFrom('route' as const, 'upstream' as const),
      target: name,
      waitMs: fc.integer({ min: 1, max: 300_000 }),
      waitersMax: fc.integer({ min: 1, max: 100_000 }),
    }),
    fc.record({
      kind: fc.constant('weight' as const),
      endpoint: name,
      weight: fc.integer({ min: 0, max: 1000 }),
    }),
    fc.record({ kind: fc.constant('drain' as const), endpoint: name }),
  );
  const entry = setting.map((one) => ({
    setting: { ...one },
    revision: 1,
    at: '2026-01-01T00:00:00.000Z',
    actor: 'admin:socket',
  }));

  it('is read with the entries that were written', () => {
    fc.assert(
      fc.property(entry, fc.nat(), (one, revision) => {
        const content = { revision, entries: [one] };
        assert.deepEqual(readOverlay(writeOverlay(content)), content);
      }),
    );
  });

  const origin = { revision: 1, at: '2026-01-01T00:00:00Z', actor: 'a' };
  const maintenance = { kind: 'maintenance', route: null, message: '', retry_after_s: 1, ...origin };
  const pause = { kind: 'pause', scope: 'route', target: 't', wait_ms: 1, waiters_max: 1, ...origin };
  const weight = { kind: 'weight', endpoint: 'e', weight: 0, ...origin };
  const drain = { kind: 'drain', endpoint: 'e', ...origin };
  const damages: readonly (readonly [entry: unknown, wrong: string])[] = [
    [null, 'entries.0.kind'],
    [[], 'entries.0.kind'],
    [{ ...drain, kind: ['drain'] }, 'entries.0.kind'],
    [{ ...drain, kind: 'toString' }, 'entries.0.kind'],
    [{ ...drain, more: 1 }, 'entries.0'],
    [{ ...drain, endpoint: '' }, 'entries.0.endpoint'],
    [{ ...drain, endpoint: 'e'.repeat(1025) }, 'entries.0.endpoint'],
    [{ ...drain, at: '2026-13-01T00:00:00Z' }, 'entries.0.at'],
    [{ ...drain, at: 'yesterday' }, 'entries.0.at'],
    [{ ...drain, actor: null }, 'entries.0.actor'],
    [{ ...drain, revision: 0 }, 'entries.0.revision'],
    [{ ...weight, weight: 1001 }, 'entries.0.weight'],
    [{ ...weight, weight: 0.5 }, 'entries.0.weight'],
    [{ ...pause, scope: 'all' }, 'entries.0.scope'],
    [{ ...pause, waiters_max: '1' }, 'entries.0.waiters_max'],
    [{ ...maintenance, route: undefined }, 'entries.0.route'],
    [{ ...maintenance, message: 'm'.repeat(4097) }, 'entries.0.message'],
    [{ ...maintenance, until: 'noon' }, 'entries.0.until'],
    [{ ...maintenance, allow: ['10.0.0.1/8'] }, 'entries.0.allow'],
    [{ ...maintenance, pass: 'secret' }, 'entries.0.pass'],
  ];
  for (const [damaged, wrong] of damages) {
    it(`is refused with ${JSON.stringify(damaged).slice(0, 100)}`, () => {
      const text = JSON.stringify({ version: 1, revision: 1, entries: [damaged] });
      assert.deepEqual(readOverlay(text), { why: `it is damaged: ${wrong} is wrong` });
    });
  }

  it('is refused as a whole if keys of the file are wrong', () => {
    const entries = [maintenance, pause, weight, drain];
    const file = { version: 1, revision: 1, entries };
    assert.ok('entries' in readOverlay(JSON.stringify(file)));
    const tooMany = Array.from({ length: 1001 }, (_, at) => ({ ...drain, endpoint: `e${at}` }));
    for (const [changed, wrong] of [
      [{ ...file, entries: {} }, 'entries is wrong'],
      [{ ...file, entries: tooMany }, 'entries is wrong'],
      [{ ...file, revision: -1 }, 'revision is wrong'],
      [{ ...file, version: '1' }, 'version is wrong'],
      [{ ...file, more: 1 }, 'its form is wrong'],
      [null, 'its form is wrong'],
    ] as const)
      assert.deepEqual(readOverlay(JSON.stringify(changed)), { why: `it is damaged: ${wrong}` });
  });

  it('is read or refused with a reason, for any content', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const read = readOverlay(text);
        assert.ok('why' in read && read.why.startsWith('it '));
      }),
    );
  });
});

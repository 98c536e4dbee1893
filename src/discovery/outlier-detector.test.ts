import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { EndpointId, EndpointState, UpstreamId } from '../core/endpoint.ts';
import type { NewEvent } from '../core/event.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { firstPauseMs, probationSuccesses } from '../policy/outlier-detection.ts';
import { SeededRandom, SimulatedClock } from '../testing/testing.ts';
import { OutlierDetector } from './outlier-detector.ts';

const upstream = 'app' as UpstreamId;
let clock: SimulatedClock;
let emitted: NewEvent[];
let changes: number;
let checked: Record<string, EndpointState>;
let watch: OutlierDetector;

beforeEach(() => {
  clock = new SimulatedClock();
  emitted = [];
  changes = 0;
  checked = { a: 'healthy', b: 'healthy' };
  watch = new OutlierDetector({
    clock,
    random: new SeededRandom(1),
    events: { emit: (event) => void emitted.push(event) },
    checked: () => new Map(endpoints().map((endpoint) => [endpoint.id, endpoint])),
    checkOf: () => 'tcp',
    onChange: () => {
      changes += 1;
    },
  });
});

function endpoints(): readonly EndpointSnapshot[] {
  return Object.entries(checked).map(([name, state]) => ({
    id: `app/${name}` as EndpointId,
    address: { kind: 'tcp', host: name, port: 80 },
    state,
    reason: 'accepts connections',
    sinceInstant: 0,
    checks: null,
    release: null,
    exit: null,
  }));
}

function seen(name = 'a'): EndpointSnapshot {
  const endpoint = watch.adjust(endpoints()).find(({ id }) => id === `app/${name}`);
  assert.ok(endpoint !== undefined);
  return endpoint;
}

/** What a batch says of `name`, in the state that workers know it in. */
function hear(outcome: Partial<EndpointOutcomes>, name = 'a'): void {
  const { id, state } = seen(name);
  const none = { successes: 0, serverErrors: 0, failures: 0, consecutiveUnreachable: 0, causes: [] };
  watch.onOutcomes([{ upstream, endpoint: id, state, ...none, ...outcome }]);
}

const slow = (count: number): Partial<EndpointOutcomes> => ({
  failures: count,
  causes: [{ cause: 'response_head_timeout', count }],
});

describe('an endpoint whose checks pass while its requests fail', () => {
  test('is ejected, and the disagreement is told with its figures', () => {
    hear({ successes: 4 });
    hear(slow(20));
    const { state, reason, checks } = seen();
    assert.equal(state, 'ejected');
    assert.match(
      reason,
      /^its checks pass, but 20 of 24 requests within 30 s failed \(mostly response_head_timeout\); out for 1\d s$/,
    );
    assert.ok((checks?.nextInstant ?? 0) > clock.now(), 'Retry-After can be computed of it');
    assert.equal(changes, 1);
    const [event] = emitted;
    assert.ok(event?.kind === 'health_disagreement');
    assert.deepEqual([event.from, event.to, event.subject], ['healthy', 'ejected', 'endpoint:app/a']);
    const { pauseMs, ...evidence } = event.evidence as Extract<NewEvent<'health_disagreement'>, object>['evidence'];
    assert.ok(pauseMs !== null && pauseMs >= firstPauseMs);
    assert.deepEqual(evidence, {
      address: 'a:80',
      check: 'tcp',
      requests: 24,
      failures: 20,
      windowMs: 30_000,
      consecutiveUnreachable: 0,
      causes: { response_head_timeout: 20 },
    });
  });

  test('is ejected at once when no connection to it can be made, five times in a row', () => {
    hear({ successes: 500 });
    hear({ failures: 5, consecutiveUnreachable: 5, causes: [{ cause: 'connect_refused', count: 5 }] });
    assert.equal(seen().state, 'ejected');
    assert.match(seen().reason, /5 connections in a row could not be made \(mostly connect_refused\)/);
  });

  test('stays when it is the only one, and that is told, but not with every batch', () => {
    checked = { a: 'healthy', b: 'unhealthy' };
    for (let batch = 0; batch < 10; batch++) hear(slow(10));
    assert.equal(seen().state, 'healthy');
    assert.match(seen().reason, /^its checks pass, but .* failed .*; it stays, since too few others are left$/);
    assert.equal(emitted.length, 1);
    assert.deepEqual([emitted[0]?.from, emitted[0]?.to], ['healthy', 'healthy']);
  });

  test('stays no longer than it is doubted', async () => {
    checked = { a: 'healthy' };
    hear(slow(30));
    assert.match(seen().reason, /but 30 of 30/);
    await clock.advance(40_000);
    hear({ successes: 1 });
    assert.equal(seen().reason, 'accepts connections');
  });

  test('does not take the last of its kind with it: one of two stays', () => {
    hear(slow(30), 'a');
    hear(slow(30), 'b');
    assert.deepEqual([seen('a').state, seen('b').state], ['ejected', 'healthy']);
  });
});

describe('an endpoint that was ejected', () => {
  beforeEach(async () => {
    hear(slow(30));
    assert.equal(seen().state, 'ejected');
    emitted = [];
  });

  test('is put on trial when its pause is over, and trusted again after some successes', async () => {
    await clock.advance(firstPauseMs * 1.2);
    assert.equal(seen().state, 'probation');
    for (let time = 0; time < probationSuccesses; time++) hear({ successes: 1 });
    assert.equal(seen().state, 'healthy');
    assert.equal(seen().reason, 'accepts connections');
    assert.deepEqual(
      emitted.map(({ kind, from, to }) => [kind, from, to]),
      [
        ['endpoint_state', 'ejected', 'probation'],
        ['endpoint_state', 'probation', 'healthy'],
      ],
    );
  });

  test('is out again, for longer, when a request of its trial fails', async () => {
    await clock.advance(firstPauseMs * 1.2);
    hear(slow(1));
    assert.equal(seen().state, 'ejected');
    await clock.advance(firstPauseMs * 1.5);
    assert.equal(seen().state, 'ejected', 'the second pause is twice the first');
    await clock.advance(firstPauseMs);
    assert.equal(seen().state, 'probation');
  });

  test('is not tried while its checks fail, and is when they pass again', async () => {
    checked['a'] = 'unhealthy';
    watch.checksChanged(upstream);
    await clock.advance(firstPauseMs * 1.2);
    assert.equal(seen().state, 'unhealthy');
    checked['a'] = 'healthy';
    watch.checksChanged(upstream);
    assert.equal(seen().state, 'probation');
  });

  test('is not judged by requests that began before', async () => {
    await clock.advance(firstPauseMs * 1.2);
    const late: EndpointOutcomes = {
      upstream,
      endpoint: 'app/a',
      state: 'healthy',
      successes: 0,
      serverErrors: 0,
      failures: 9,
      consecutiveUnreachable: 0,
      causes: [],
    };
    watch.onOutcomes([late]);
    assert.equal(seen().state, 'probation');
  });

  test('is forgotten when it is gone, or its process begins anew', async () => {
    checked['a'] = 'starting';
    watch.checksChanged(upstream);
    checked['a'] = 'healthy';
    assert.equal(seen().state, 'healthy');
    await clock.advance(firstPauseMs * 2);
    assert.equal(emitted.length, 0);
  });
});

test('what is said of an endpoint that nobody has is not kept', () => {
  watch.onOutcomes([
    {
      upstream,
      endpoint: 'app/x',
      state: 'healthy',
      successes: 0,
      serverErrors: 0,
      failures: 99,
      consecutiveUnreachable: 9,
      causes: [],
    },
  ]);
  assert.equal(emitted.length, 0);
});

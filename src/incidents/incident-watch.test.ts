import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExchangeCount, WorkerCounts } from '../core/counters.ts';
import { shapeOfType, specOfCause } from '#failures/failure-texts.ts';
import type { Event, IncidentFacts, NewEvent } from '../core/event.ts';
import type { Cause } from '#failures/failure.ts';
import type { KeptIncident } from '../core/live-incident.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { IncidentStorage } from './earlier-incidents.ts';
import { incidentStatus } from './incident-status.ts';
import { IncidentWatch } from './incident-watch.ts';

// What becomes of an incident when another process goes on: by a restart, a crash or an upgrade.

/** A folder that processes share. */
class SharedStorage implements IncidentStorage {
  readonly #kept = new Map<string, KeptIncident>();

  read(): readonly KeptIncident[] {
    return [...this.#kept.values()];
  }

  async write(incidents: readonly KeptIncident[]): Promise<void> {
    for (const incident of incidents) this.#kept.set(incident.key, incident);
  }
}

class Run {
  readonly clock: SimulatedClock;
  readonly events: NewEvent[] = [];
  readonly watch: IncidentWatch;
  /** A reload has removed all upstreams. */
  isRemoved = false;

  constructor(
    epoch: string,
    storage: IncidentStorage,
    clock = new SimulatedClock(),
    application: string | null = null,
  ) {
    this.clock = clock;
    this.watch = new IncidentWatch({
      ...{ clock, epoch, storage },
      events: { emit: (event) => void this.events.push(event) },
      upstream: () => (this.isRemoved ? null : { application, endpoints: [] }),
      processesOf: () => [],
      adviceOf: () => null,
      storesOutput: () => application === 'web',
      configuration: { route: () => null, upstream: () => null, before: () => null },
      examine: async () => null,
    });
  }

  /** Requests of `seconds` seconds, four in each, of which half fail. */
  fail(seconds: number, cause: Cause = 'connect_refused', upstream = 'shop'): void {
    for (let second = 0; second < seconds; second += 1)
      this.#batch([counted(upstream, 2, cause), counted(upstream, 2)]);
  }

  /** Requests to several upstreams, of which half fail. */
  failAt(upstreams: readonly string[], seconds: number, cause: Cause): void {
    for (let second = 0; second < seconds; second += 1)
      this.#batch(upstreams.flatMap((upstream) => [counted(upstream, 2, cause), counted(upstream, 2)]));
  }

  /** No request comes. */
  pass(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) this.#batch([]);
  }

  serve(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) this.#batch([counted('shop', 4)]);
  }

  #batch(exchanges: ExchangeCount[]): void {
    const counts = { worker: 1, staleReusesFailed: 0 } as WorkerCounts;
    this.watch.onBatch({ exchanges, outcomes: [], counts });
    this.clock.advanceSync(1000);
  }

  /** 'opened 1 open' */
  get reported(): string[] {
    return this.events.map(({ kind, evidence, to = '' }) => {
      const { incident } = evidence as { incident: number };
      return `${kind.replace('incident_', '')} ${incident} ${to}`;
    });
  }
}

function counted(upstream: string, count: number, cause: Cause | 'none' = 'none'): ExchangeCount {
  const isFailed = cause !== 'none';
  return sampleCount({
    upstream,
    count,
    cause,
    statusClass: isFailed ? '5xx' : '2xx',
    shape: cause === 'none' ? 'none' : shapeOfType(specOfCause(cause).type),
    end: isFailed ? 'generated' : 'forwarded',
  });
}

const killed = {
  ...{ kind: 'instance_exited', subject: 'instance:shop/1', from: 'ready', to: 'backing_off', reason: 'was killed' },
  evidence: { pid: 7, code: null, signal: 'SIGKILL', outOfMemory: true, afterMs: 60_000, output: [] },
} as unknown as Event;

/** The process ends, in whatever way, and the next one begins. */
async function next(run: Run, storage: IncidentStorage, way: 'restart' | 'crash', pauseMs = 2000): Promise<Run> {
  if (way === 'restart') await run.watch.close();
  run.clock.advanceSync(pauseMs);
  const successor = new Run('second', storage, run.clock);
  successor.watch.readEarlier();
  return successor;
}

describe('an incident that is open when the process ends', () => {
  for (const way of ['restart', 'crash'] as const)
    test(`goes on with its number and key after a ${way}, and has one end`, async () => {
      const storage = new SharedStorage();
      const first = new Run('first', storage);
      first.fail(10);
      assert.deepEqual(first.reported, ['opened 1 open']);
      const startedAt = first.watch.list()[0]?.startedAt;
      const second = await next(first, storage, way);
      second.fail(10);
      assert.deepEqual(second.reported, ['opened 1 continued']);
      assert.match(second.events[0]?.reason ?? '', /It began before the gateway was restarted\.$/);
      const [incident, ...others] = second.watch.list();
      assert.deepEqual([incident?.key, incident?.resolvedAt, others], ['first-1', null, []]);
      // A crash loses what was counted since the incident was written last.
      assert.ok((incident?.failed ?? 0) > 18, JSON.stringify(incident));
      assert.equal(incident?.startedAt, startedAt);
      for (const counts of [incident?.causes, incident?.routes, incident?.upstreams])
        assert.deepEqual(
          counts?.map(({ failed }) => failed),
          [incident?.failed],
        );
      second.serve(65);
      assert.deepEqual(second.reported, ['opened 1 continued', 'resolved 1 resolved']);
      assert.deepEqual(
        storage.read().map(({ key, interrupted, resolvedAt }) => [key, interrupted, resolvedAt !== null]),
        [['first-1', false, true]],
      );
    });

  for (const cause of ['dns_failed', 'connect_unroutable'] as const)
    for (const [promise, apartS] of [
      ['at once', 0],
      ['one after the other', 15],
    ] as const)
      test(`covers several upstreams, and goes on as one where they fail again ${promise} (${cause})`, async () => {
        const storage = new SharedStorage();
        const first = new Run('first', storage);
        first.failAt(['shop', 'bank'], 12, cause);
        assert.deepEqual(first.reported, ['opened 1 open']);
        const second = await next(first, storage, 'restart');
        second.failAt(['shop'], apartS, cause);
        second.failAt(['shop', 'bank'], 12, cause);
        assert.deepEqual(second.reported, ['opened 1 continued']);
        const [incident, ...others] = second.watch.list();
        const upstreams = incident?.upstreams.map(({ upstream }) => upstream).toSorted();
        assert.deepEqual([incident?.id, upstreams, others], [1, ['bank', 'shop'], []]);
      });

  test('is interrupted, and reported so once, where nothing fails within 30 s', async () => {
    const storage = new SharedStorage();
    const first = new Run('first', storage);
    first.fail(10);
    const second = await next(first, storage, 'restart');
    assert.equal(second.watch.list()[0]?.interrupted, true);
    second.serve(29);
    assert.deepEqual(second.reported, []);
    second.serve(2);
    assert.deepEqual(second.reported, ['resolved 1 interrupted']);
    second.fail(10);
    assert.deepEqual(second.reported.slice(1), ['opened 2 open']);
  });

  test('goes on in the third process, if the second one ended before that was known', async () => {
    const storage = new SharedStorage();
    const first = new Run('first', storage);
    first.fail(10);
    const second = await next(first, storage, 'crash');
    await second.watch.close();
    const third = new Run('third', storage, second.clock);
    third.watch.readEarlier();
    third.fail(10);
    assert.deepEqual([...second.reported, ...third.reported], ['opened 1 continued']);
  });

  test('is another one where its last failure is long ago, or another upstream fails, or in another way', async () => {
    const cases: readonly (readonly [pauseMs: number, cause: Cause, upstream: string, reported: string[]])[] = [
      [3_600_000, 'connect_refused', 'shop', ['resolved 1 interrupted', 'opened 2 open']],
      [2000, 'connect_refused', 'api', ['opened 2 open']],
      [2000, 'response_head_timeout', 'shop', ['opened 2 open']],
      // What follows from the failures of before is no other one.
      [2000, 'no_endpoint_ready', 'shop', ['opened 1 continued']],
    ];
    for (const [pauseMs, cause, upstream, reported] of cases) {
      const storage = new SharedStorage();
      const first = new Run('first', storage);
      first.fail(10);
      const second = await next(first, storage, 'restart', pauseMs);
      second.fail(10, cause, upstream);
      assert.deepEqual(second.reported, reported, `${pauseMs} ${cause} ${upstream}`);
      const [newest] = second.watch.list();
      assert.equal(newest?.cause, cause === 'no_endpoint_ready' ? 'connect_refused' : cause);
    }
  });
});

test('during an upgrade the new process goes on with an incident of the old one, which reports nothing more of it', async () => {
  const storage = new SharedStorage();
  const old = new Run('old', storage);
  old.fail(10);
  const successor = new Run('new', storage, old.clock);
  await old.watch.close();
  successor.fail(10);
  old.serve(65);
  successor.watch.readEarlier();
  successor.fail(5);
  successor.serve(65);
  assert.deepEqual(old.reported, ['opened 1 open']);
  assert.deepEqual(successor.reported, ['opened 1 continued', 'resolved 1 resolved']);
});

test('an application that is killed again and again, in an incident that began otherwise, is an update of the incident, once', () => {
  const run = new Run('first', new SharedStorage(), new SimulatedClock(), 'shop');
  run.fail(40);
  for (const _ of [1, 2, 3]) {
    run.watch.onEvent(killed);
    run.fail(8);
  }
  assert.deepEqual(run.reported, ['opened 1 open', 'grown 1 open', 'grown 1 open']);
  const additions = run.events.map(({ evidence }) => (evidence as IncidentFacts).additions);
  const sentence = /^Since \d\d:\d\d:\d\d UTC also: shop\/1 was killed because it had used too much memory\.$/;
  assert.match(additions.at(-1)?.join() ?? '', sentence);
  assert.match(run.events.at(-1)?.reason ?? '', /UTC also: shop\/1 was killed/);
  assert.equal(run.watch.list()[0]?.suspects[0]?.name, 'nothing_listens');
  assert.equal(additions.filter(({ length }) => length > 0).length, 1);
});

/** An incident, and then another reason for its failures. */
function withAddition(epoch: string, storage: IncidentStorage): Run {
  const run = new Run(epoch, storage, new SimulatedClock(), 'shop');
  run.fail(40);
  run.watch.onEvent(killed);
  run.fail(8);
  assert.equal(run.watch.list()[0]?.additions.length, 1);
  return run;
}

test('what began later is told with its end, and in the past tense, when a reload has removed the upstream', () => {
  const run = withAddition('a', new SharedStorage());
  run.isRemoved = true;
  run.pass(10);
  const told = run.events.at(-1)?.reason ?? '';
  assert.match(told, / From \S+ to \S+ UTC also: shop\/1 was killed because it had used too much memory\.$/);
  assert.doesNotMatch(told, /Since/);
});

test('what began later in an earlier process has ended with that process, since no process follows it any more', async () => {
  const storage = new SharedStorage();
  const first = withAddition('first', storage);
  const lastAt = first.watch.list()[0]?.lastAt;
  const second = await next(first, storage, 'restart');
  assert.deepEqual(
    second.watch.list().map(({ interrupted, additions }) => [interrupted, additions[0]?.until]),
    [[true, lastAt]],
  );
  second.fail(10);
  assert.deepEqual(
    second.watch.list().map(({ resolvedAt, additions }) => [resolvedAt, additions[0]?.until]),
    [[null, lastAt]],
  );
});

test('an incident that goes on for long is kept with its newest failures, for the process after a crash', () => {
  const storage = new SharedStorage();
  const run = new Run('first', storage);
  run.fail(300);
  const [kept] = storage.read();
  assert.ok(run.clock.wallTime() - (kept?.lastAt ?? 0) <= 7000, `${run.clock.wallTime()} ${kept?.lastAt}`);
});

test('an incident that goes on is known by its key as it is now, with the time of its last failure', () => {
  const run = new Run('run-1', new SharedStorage());
  run.serve(60);
  run.fail(40);
  const opened = run.events.find(({ kind }) => kind === 'incident_opened')?.evidence as IncidentFacts;
  const now = run.watch.present(opened.key);
  assert.ok(now !== null && now.lastAt - now.openedAt > 30_000, `${now?.lastAt} ${now?.openedAt}`);
  assert.ok(now.facts.failed > opened.failed);
  assert.match(now.reason, /^Incident 1: /);
  run.serve(400);
  assert.equal(run.watch.present(opened.key), null);
});

test('the next step for an application shows what it printed, where that is stored', () => {
  const stepWith = (application: string): string => {
    const run = new Run('a', new SharedStorage(), new SimulatedClock(), application);
    run.fail(9);
    return run.watch.list()[0]?.suspects[0]?.nextStep ?? '';
  };
  assert.match(stepWith('web'), /`candor logs kind:output application:web since:/);
  assert.match(stepWith('api'), /the gateway's own output what api printed/);
});

test('an incident ends, with the reason, when a reload has removed its upstream', () => {
  const run = new Run('a', new SharedStorage());
  run.fail(9);
  run.isRemoved = true;
  run.pass(10);
  assert.deepEqual(run.reported, ['opened 1 open', 'resolved 1 resolved']);
  assert.match(
    run.events.at(-1)?.reason ?? '',
    / It ended because the configuration no longer has the upstream shop\.$/,
  );
  const still = new Run('b', new SharedStorage());
  still.fail(9);
  still.pass(10);
  assert.deepEqual(still.reported, ['opened 1 open']);
});

test('an incident after a change of the clock begins when it does by the clock as it is, one that goes on is not moved, and none opens or ends for it', () => {
  const run = new Run('a', new SharedStorage());
  const set = (movedMs: number): void => {
    run.clock.setWallTime(run.clock.wallTime() + movedMs);
    const [was, is] = ['2026-01-01T00:00:00Z', '2026-01-01T03:00:00Z'];
    const changed: NewEvent<'clock_changed'> = {
      ...{ kind: 'clock_changed', subject: 'gateway', reason: '', evidence: { was, is, movedMs } },
    };
    run.watch.onEvent({ ...changed, at: run.clock.wallTime() } as unknown as Event);
  };
  run.fail(20);
  set(3 * 3_600_000);
  run.fail(20);
  const [goesOn] = run.watch.list();
  assert.equal(Math.round((run.clock.wallTime() - (goesOn?.startedAt ?? 0)) / 1000), 40);
  set(-5 * 3_600_000);
  run.fail(20);
  assert.deepEqual([run.watch.list().length, run.watch.list()[0]?.resolvedAt], [1, null]);
  run.fail(2, 'response_head_timeout', 'other');
  run.fail(20, 'response_head_timeout', 'other');
  const other = run.watch.list().find(({ upstream }) => upstream === 'other');
  assert.ok(Math.abs(run.clock.wallTime() - 22_000 - (other?.startedAt ?? 0)) < 1500, String(other?.startedAt));
});

describe('what operators say of an incident', () => {
  const minute = 60_000;

  for (const way of ['restart', 'crash'] as const)
    test(`goes on with it after a ${way}: who, why, and until when it is muted`, async () => {
      const storage = new SharedStorage();
      const first = new Run('first', storage);
      first.fail(10);
      const at = first.clock.wallTime();
      const until = at + 120 * minute;
      first.watch.mark({ kind: 'acknowledge', incident: 1, reason: null }, 'admin:token:oncall');
      first.watch.mark({ kind: 'mute', incident: 1, reason: 'the disk is replaced', until }, 'admin:socket');
      const second = await next(first, storage, way);
      second.fail(10);
      const [incident] = second.watch.list();
      assert.deepEqual(incident?.acknowledged, { at, by: 'admin:token:oncall', reason: null });
      assert.deepEqual(incident?.muted, { at, by: 'admin:socket', reason: 'the disk is replaced', until });
      const { mutedUntil } = (second.events.at(-1) as NewEvent).evidence as IncidentFacts;
      assert.equal(mutedUntil, new Date(until).toISOString());
      const [acknowledged, muted] = incidentStatus(incident as KeptIncident).marks;
      assert.match(acknowledged ?? '', /^Acknowledged at \d\d:\d\d UTC by admin:token:oncall\.$/);
      assert.match(muted ?? '', /^Muted until \d\d:\d\d UTC by admin:socket: the disk is replaced\.$/);
      second.clock.advanceSync(120 * minute);
      assert.equal(second.watch.list()[0]?.muted, undefined, 'its time has come');
    });

  test('is told as an event where it is muted, and where it no longer is', () => {
    const run = new Run('first', new SharedStorage());
    run.fail(10);
    const until = run.clock.wallTime() + minute;
    run.watch.mark({ kind: 'mute', incident: 1, reason: null, until }, 'admin:socket');
    run.watch.mark({ kind: 'mute', incident: 1, reason: null, until: null }, 'admin:socket');
    assert.deepEqual(run.reported, ['opened 1 open', 'muted 1 muted', 'muted 1 unmuted']);
    const [, muted, unmuted] = run.events as [NewEvent, NewEvent<'incident_muted'>, NewEvent<'incident_muted'>];
    assert.deepEqual([muted.evidence.until, muted.actor], [new Date(until).toISOString(), 'admin:socket']);
    assert.equal(unmuted.evidence.until, null);
    assert.equal(run.watch.list()[0]?.muted, undefined);
  });

  test('is refused where it cannot be meant', () => {
    const run = new Run('first', new SharedStorage());
    run.fail(10);
    const now = run.clock.wallTime();
    const refusalOf = (incident: number, until: number | null): string => {
      const outcome = run.watch.mark({ kind: 'mute', incident, reason: null, until }, 'admin:socket');
      return outcome.ok ? 'done' : `${outcome.kind}: ${outcome.why}`;
    };
    assert.match(refusalOf(2, now + minute), /^unknown: No incident has the number 2; /);
    assert.match(refusalOf(1, now - 5 * minute), /^invalid: That time is past, by 5 min/);
    assert.match(refusalOf(1, now), /^invalid: That time is past/);
    assert.match(
      refusalOf(1, now + 7 * 24 * 60 * minute + minute),
      /^invalid: An incident is muted for at most 7 days/,
    );
    assert.equal(refusalOf(1, null), 'refused: Incident 1 is not muted.');
    assert.equal(refusalOf(1, now + 7 * 24 * 60 * minute), 'done');
    run.serve(65);
    assert.match(refusalOf(1, now + 9 * minute), /^refused: Incident 1 is over/);
    assert.equal(run.watch.list()[0]?.muted, undefined, 'the mute ends with the incident');
  });
});

test('another cause than was told is reported once, with both, when it has stood first for ten seconds', () => {
  const run = new Run('first', new SharedStorage(), new SimulatedClock(), 'shop');
  run.fail(10);
  const told = run.watch.list()[0]?.suspects[0]?.sentence ?? '';
  run.watch.onEvent({ ...killed, at: run.clock.wallTime() });
  run.fail(9);
  assert.deepEqual(run.reported, ['opened 1 open']);
  run.fail(20);
  const corrections = run.events.filter(({ kind }) => kind === 'incident_corrected');
  assert.equal(corrections.length, 1, run.reported.join());
  const [{ reason, evidence }] = corrections as [NewEvent];
  const { corrected } = evidence as IncidentFacts;
  assert.equal(corrected?.to.name, 'out_of_memory');
  assert.equal(corrected?.from?.sentence, told);
  assert.ok(reason.includes(told) && reason.includes(corrected.to.sentence), reason);
  assert.equal(run.watch.list()[0]?.corrected?.to.name, 'out_of_memory');
});

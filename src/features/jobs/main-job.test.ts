import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { JobWorld } from './job-world.test-support.ts';
import { jobOverlaps } from './settings.ts';

const minute = 60_000;
const hour = 60 * minute;

describe('a job', () => {
  test('is started when it is due, and again when it is due again', async () => {
    const world = new JobWorld();
    await world.clock.advance(90 * minute);
    world.started[0]?.end();
    await world.clock.advance(hour);
    assert.deepEqual(world.startedAt, ['01:00', '02:00']);
    assert.equal(world.ofKind('job_started')[0]?.at, Date.UTC(2026, 0, 1, 1));
  });

  test('is in the journal before its program starts; with a full disk it is not run, and that is told until it succeeds', async () => {
    const world = new JobWorld();
    await world.clock.advance(30 * minute);
    world.journal.isFull = true;
    await world.clock.advance(hour);
    assert.deepEqual(world.startedAt, []);
    assert.match(
      world.ofKind('job_missed')[0]?.reason ?? '',
      /was not run at 2026-01-01T01:00:00Z: the journal .* disk is full/,
    );
    assert.equal(world.ofKind('job_failing')[0]?.to, 'failing');
    world.journal.isFull = false;
    await world.clock.advance(hour);
    world.started[0]?.end();
    await world.clock.advance(1);
    assert.deepEqual([world.startedAt, world.ofKind('job_failing').at(-1)?.to], [['02:00'], 'succeeded']);
  });

  test('whose journal has never been written yet tells each time that it is not run, and the journal has them once the disk has room', async () => {
    const world = new JobWorld();
    world.journal.isFull = true;
    await world.clock.advance(3.5 * hour);
    const missed = world.ofKind('job_missed').map(({ evidence }) => evidence.first.slice(11, 16));
    assert.deepEqual([missed, world.startedAt], [['01:00', '02:00', '03:00'], []]);
    world.journal.isFull = false;
    await world.clock.advance(hour);
    assert.deepEqual(world.startedAt, ['04:00']);
    const kinds = world.journal.facts.map(({ kind }) => kind);
    assert.deepEqual(kinds, ['scheduled', 'missed', 'missed', 'missed', 'started']);
    world.kill();
    world.start();
    await world.clock.advance(1);
    assert.equal(world.ofKind('job_missed').length, 3, 'none is told twice');
  });

  test('tells a run that has failed, with its exit code and without secrets, until one succeeds', async () => {
    const world = new JobWorld();
    await world.clock.advance(hour);
    world.started[0]?.end({ failure: 'it exited with code 3; last line: "hunter2"', code: 3, lines: ['hunter2'] });
    await world.clock.advance(hour);
    const [ended] = world.ofKind('job_ended');
    assert.deepEqual([ended?.to, ended?.evidence.code, ended?.evidence.output], ['failed', 3, ['***']]);
    assert.match(
      world.ofKind('job_failing')[0]?.reason ?? '',
      /the job shop\.report fails: it exited with code 3.*\*\*\*/,
    );
    assert.doesNotMatch(JSON.stringify(world.journal.facts), /hunter2/);
    world.started[1]?.end();
    await world.clock.advance(1);
    assert.equal(world.ofKind('job_failing').at(-1)?.to, 'succeeded');
    assert.equal(world.job.failing, null);
  });

  test('that was failing is still failing after a restart', async () => {
    const world = new JobWorld();
    await world.clock.advance(hour);
    world.started[0]?.end({ failure: 'it exited with code 3', code: 3 });
    await world.clock.advance(1);
    world.kill();
    world.start();
    await world.clock.advance(1);
    assert.equal(world.ofKind('job_failing').length, 2);
  });

  test('whose tick came while the gateway did not run tells it, and does not run it', async () => {
    const world = new JobWorld();
    await world.clock.advance(2 * minute);
    world.kill();
    await world.clock.advance(3 * hour);
    world.start();
    await world.clock.advance(hour);
    const [missed] = world.ofKind('job_missed');
    assert.deepEqual([missed?.evidence.count, missed?.evidence.why], [3, 'the gateway was not running']);
    assert.deepEqual(world.startedAt, ['04:00']);
  });

  test('with catch_up: last runs the last one late, and tells the others', async () => {
    const world = new JobWorld({ catchesUp: true });
    await world.clock.advance(2 * minute);
    world.kill();
    await world.clock.advance(3 * hour);
    world.start();
    await world.clock.advance(minute);
    assert.deepEqual(world.startedAt, ['03:00']);
    assert.deepEqual(
      [world.ofKind('job_started')[0]?.evidence.by, world.ofKind('job_missed')[0]?.evidence.count],
      ['catch_up', 2],
    );
  });

  test('that was due less than a minute before the start is run', async () => {
    const world = new JobWorld();
    await world.clock.advance(hour - 1000);
    world.kill();
    await world.clock.advance(5000);
    world.start();
    await world.clock.advance(1);
    assert.deepEqual(world.startedAt, ['01:00']);
  });

  test('counts many missed ticks up to a thousand, and knows the last one', async () => {
    const world = new JobWorld({ schedule: '* * * * *' });
    await world.clock.advance(1);
    world.kill();
    await world.clock.advance(48 * hour);
    world.start();
    await world.clock.advance(1);
    const evidence = world.ofKind('job_missed')[0]?.evidence;
    assert.deepEqual(
      [evidence?.isMore, evidence?.first, evidence?.last],
      [true, '2026-01-01T00:01:00Z', '2026-01-02T23:59:00Z'],
    );
  });

  test('tells what a clock that was set forward has left out', async () => {
    const world = new JobWorld();
    await world.clock.advance(minute);
    world.clock.setWallTime(Date.UTC(2026, 0, 1, 5, 30));
    await world.clock.advance(minute);
    assert.deepEqual([world.ofKind('job_missed')[0]?.evidence.count, world.startedAt], [5, []]);
    assert.match(world.ofKind('job_missed')[0]?.reason ?? '', /slept, or its clock was set forward/);
  });

  test('does not run a tick again where the clock is set back a little, and begins anew where it had shown times of another year', async () => {
    const world = new JobWorld();
    await world.clock.advance(hour + minute);
    world.started[0]?.end();
    world.clock.setWallTime(Date.UTC(2026, 0, 1, 0, 30));
    await world.clock.advance(hour);
    assert.deepEqual(world.startedAt, ['01:00']);
    world.clock.setWallTime(Date.UTC(2036, 0, 1, 0, 30));
    await world.clock.advance(minute);
    world.clock.setWallTime(Date.UTC(2026, 0, 1, 5, 30));
    await world.clock.advance(hour);
    assert.equal(world.startedAt.at(-1), '06:00');
  });

  const overlaps = [
    ['skip', ['01:00', '04:00'], 2, /its last run goes on/],
    ['wait', ['01:00', '02:00', '04:00'], 1, /a run that was due before waits already/],
    ['allow', ['01:00', '02:00', '03:00', '04:00'], 0, /^$/],
  ] as const;
  for (const [overlap, expected, skipped, why] of overlaps)
    test(`that still runs when it is due: overlap: ${overlap}`, async () => {
      const world = new JobWorld({ overlap });
      await world.clock.advance(3 * hour + minute);
      world.started[0]?.end();
      await world.clock.advance(1);
      if (overlap === 'wait') world.started[1]?.end();
      await world.clock.advance(hour);
      assert.deepEqual([world.startedAt, world.ofKind('job_skipped').length], [expected, skipped]);
      assert.match(world.ofKind('job_skipped').at(-1)?.evidence.why ?? '', why);
    });

  test('runs once for each release', async () => {
    const world = new JobWorld({ schedule: 'once' });
    await world.clock.advance(minute);
    world.started[0]?.end();
    for (const release of ['r1', 'r1', 'r2']) {
      world.release = release;
      void world.job.look();
      await world.clock.advance(minute);
      world.started.at(-1)?.end();
      await world.clock.advance(1);
    }
    world.kill();
    world.start();
    await world.clock.advance(minute);
    assert.deepEqual(
      world.ofKind('job_started').map(({ evidence }) => evidence.release),
      [null, 'r1', 'r2'],
    );
  });

  test('a changed schedule holds at once, and a removed job runs to its end', async () => {
    const world = new JobWorld();
    await world.clock.advance(hour);
    world.spec = { ...world.spec, schedule: '*/10 * * * *', overlap: 'allow' };
    world.job.change(world.spec, world.schedule);
    await world.clock.advance(11 * minute);
    assert.deepEqual(world.startedAt, ['01:00', '01:10']);
    await world.job.remove();
    await world.clock.advance(hour);
    world.started[1]?.end({ failure: 'it exited with code 1', code: 1 });
    await world.clock.advance(1);
    assert.deepEqual([world.started.length, world.ofKind('job_ended').length], [2, 1]);
  });

  test('that runs already is not started by hand, and one that is started by hand is not started by schedule beside it', async () => {
    const world = new JobWorld();
    await world.clock.advance(1);
    const started = await world.job.startByHand('admin:socket', () => undefined);
    assert.ok(started.ok);
    assert.deepEqual(await world.job.startByHand('admin:socket', () => undefined), {
      ok: false,
      why: 'its last run goes on',
    });
    await world.clock.advance(hour);
    assert.deepEqual([world.startedAt, world.ofKind('job_skipped').length], [['-'], 1]);
  });
});

type Step =
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'end'; readonly fails: boolean }
  | { readonly kind: 'kill'; readonly forMs: number }
  | { readonly kind: 'killIn'; readonly count: number; readonly persists: boolean }
  | { readonly kind: 'setClock'; readonly byMs: number }
  | { readonly kind: 'disk'; readonly isFull: boolean }
  | { readonly kind: 'pause' };

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40 * minute }) }),
  fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40 * minute }) }),
  fc.record({ kind: fc.constant('end' as const), fails: fc.boolean() }),
  fc.record({ kind: fc.constant('kill' as const), forMs: fc.integer({ min: 0, max: 90 * minute }) }),
  fc.record({ kind: fc.constant('killIn' as const), count: fc.integer({ min: 1, max: 4 }), persists: fc.boolean() }),
  fc.record({ kind: fc.constant('setClock' as const), byMs: fc.integer({ min: -80 * minute, max: 80 * minute }) }),
  fc.record({ kind: fc.constant('disk' as const), isFull: fc.boolean() }),
  fc.record({ kind: fc.constant('pause' as const) }),
);

async function take(world: JobWorld, step: Step): Promise<void> {
  const { clock, journal } = world;
  if (step.kind === 'advance') await clock.advance(step.ms);
  else if (step.kind === 'end')
    world.started.at(-1)?.end(step.fails ? { failure: 'it exited with code 1', code: 1 } : {});
  else if (step.kind === 'setClock') clock.setWallTime(clock.wallTime() + step.byMs);
  else if (step.kind === 'disk') journal.isFull = step.isFull;
  else if (step.kind === 'killIn') journal.killIn = { ...step };
  else if (step.kind === 'pause') {
    // A handoff that is taken back.
    world.job.pause(async () => undefined);
    await clock.advance(1000);
    if (!journal.isDead) world.job.resume();
  } else {
    world.kill();
    await clock.advance(step.forMs);
  }
  if (journal.isDead) {
    world.kill();
    await clock.advance(1000);
    world.start();
  }
}

test('whatever kills and starts the gateway, no tick is started twice, and each that is due is started, left out with a reason, or told as missed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('*/10 * * * *', '*/7 * * * *', '* * * * *', '0 2 * * *'),
      fc.constantFrom(...jobOverlaps),
      fc.boolean(),
      fc.array(steps, { minLength: 3, maxLength: 40 }),
      async (schedule, overlap, catchesUp, all) => {
        const world = new JobWorld(
          { schedule, overlap, catchesUp, timeZone: 'Europe/Berlin' },
          Date.UTC(2026, 2, 28, 23, 30),
        );
        await world.clock.advance(1);
        const begun = world.clock.wallTime();
        for (const step of all) await take(world, step);
        world.journal.isFull = false;
        world.journal.killIn = null;
        await world.clock.advance(3 * hour);
        const claimed = world.journal.facts.flatMap((fact) => (fact.kind === 'started' ? (fact.tick ?? []) : []));
        assert.deepEqual(claimed, [...new Set(claimed)], 'no tick is claimed twice');
        const ran = world.started.map(({ tick }) => tick);
        assert.deepEqual(ran, [...new Set(ran)], 'no tick is started twice');
        const told = new Set<number>(claimed);
        for (const { evidence } of world.ofKind('job_skipped')) told.add(Date.parse(evidence.at));
        for (const fact of world.journal.facts) if (fact.kind === 'skipped') told.add(fact.tick);
        const missed = [
          ...world
            .ofKind('job_missed')
            .map(({ evidence }) => [Date.parse(evidence.first), Date.parse(evidence.last)] as const),
          ...world.journal.facts.flatMap((fact) => (fact.kind === 'missed' ? [[fact.first, fact.last] as const] : [])),
        ];
        const { next } = world.schedule.schedule as NonNullable<typeof world.schedule.schedule>;
        const until = Math.max(world.job.history.decidedTo, ...claimed);
        for (let at = next(begun); at !== null && at <= until; at = next(at)) {
          const tick = at;
          const isTold = told.has(tick) || missed.some(([first, last]) => first <= tick && tick <= last);
          assert.ok(isTold || world.job.isWaiting, `${new Date(tick).toISOString()} is told`);
        }
      },
    ),
    { numRuns: 400 },
  );
});

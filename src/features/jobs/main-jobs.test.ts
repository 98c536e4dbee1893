import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { NewEvent } from '../../core/event.ts';
import type { EndedJob } from '../../deploy/release-job.ts';
import { releaseFiles, type ReleaseFiles } from '../../deploy/release-files.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import type { ApplicationPrograms } from '../main-feature.ts';
import { Jobs } from './main-jobs.ts';
import type { JobSpec, JobsSpec } from './settings.ts';

const report: JobSpec = {
  ...{ name: 'report', command: ['report'], schedule: null, timeZone: 'UTC', overlap: 'skip', catchesUp: false },
  ...{ timeoutMs: 3_600_000, environment: {} },
};

let folder: string;
let events: NewEvent[];
let running: ((how: Partial<EndedJob>) => void)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-jobs-'));
  [events, running] = [[], []];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As a process of the gateway has them. */
function jobs(predecessorEnded: Promise<void> | null = null, files: ReleaseFiles = releaseFiles): Jobs {
  const applications = {
    inForce: () => ({ release: null }),
    redact: (text: string) => text,
    predecessorEnded,
    run: () =>
      new Promise<EndedJob>((resolve) => {
        running.push((how) => resolve({ failure: null, lines: [], code: 0, signal: null, ...how }));
      }),
  } as unknown as ApplicationPrograms;
  const emit = (event: NewEvent): void => void events.push(event);
  return new Jobs({ clock: new SimulatedClock(), events: { emit }, stateFolder: folder, applications, files });
}

const of = (...jobs: readonly JobSpec[]) => [{ application: 'shop', spec: { jobs } as JobsSpec }];
const start = (from: Jobs) => from.startByHand('shop.report', 'test', () => undefined);
const failing = (): readonly unknown[] => events.flatMap((event) => (event.kind === 'job_failing' ? [event.to] : []));

describe('a job that leaves the configuration while its run goes on', () => {
  test('is not told to fail by that run: nothing would end that', async () => {
    const all = jobs();
    await all.use(of(report));
    const started = await start(all);
    await all.use(of());
    running[0]?.({ failure: 'it exited with code 1', code: 1 });
    assert.ok(started?.ok === true);
    await started.ended;
    assert.deepEqual(failing(), []);
    const next = jobs();
    await next.use(of());
    assert.deepEqual(failing(), []);
  });

  test('and comes back has that run still: none is started beside it', async () => {
    const all = jobs();
    await all.use(of(report));
    const started = await start(all);
    await all.use(of());
    await all.use(of({ ...report, timeoutMs: 5 }));
    assert.deepEqual(await start(all), { ok: false, why: 'its last run goes on' });
    assert.equal(running.length, 1);
    running[0]?.({ failure: 'it exited with code 1', code: 1 });
    assert.ok(started?.ok === true);
    await started.ended;
    assert.deepEqual(failing(), ['failing']);
    assert.equal((await start(all))?.ok, true);
  });
});

test('a run whose end the disk had no room for is not told to have been lost when the process that should take over fails', async () => {
  const state = { isFull: false };
  const files = {
    ...releaseFiles,
    open: ((...asked: Parameters<typeof releaseFiles.open>) =>
      state.isFull
        ? Promise.reject(Object.assign(new Error(), { code: 'ENOSPC', syscall: 'open' }))
        : releaseFiles.open(...asked)) as typeof releaseFiles.open,
  };
  const all = jobs(null, files);
  await all.use(of(report));
  const started = await start(all);
  state.isFull = true;
  running[0]?.({});
  assert.ok(started?.ok === true);
  await started.ended;
  await all.pause();
  await all.resume();
  state.isFull = false;
  assert.deepEqual(failing(), []);
  assert.equal((await start(all))?.ok, true);
  assert.deepEqual(
    all.status().flatMap(({ runs }) => runs.map(({ run, state: how }) => [run, how])),
    [
      [2, 'running'],
      [1, 'succeeded'],
    ],
  );
});

test('an upgrade that fails before its handoff leaves the journal alone, which may just be written', async () => {
  const all = jobs();
  await all.use(of(report));
  const starting = start(all);
  await all.resume();
  const started = await starting;
  assert.ok(started?.ok === true);
  running[0]?.({});
  await started.ended;
  assert.equal((await start(all))?.ok, true);
});

test('ends of runs that the process before has left are taken over, and damaged ones are not: the journal can be read again', async () => {
  const before = jobs();
  await before.use(of(report, { ...report, name: 'other' }));
  await before.startByHand('shop.report', 'test', () => undefined);
  await before.startByHand('shop.other', 'test', () => undefined);
  const end = { endedAt: 5, code: 4, signal: null, ms: 7, failure: 'it exited with code 4', lines: ['x'] };
  mkdirSync(join(folder, 'jobs'), { recursive: true });
  for (const [name, text] of [
    ['shop.report.1', JSON.stringify(end)],
    ['shop.other.1', '{"endedAt":null}'],
    ['shop.third.1', 'null'],
    ['shop.third.1.new', '{"end'],
  ] as const)
    writeFileSync(join(folder, 'jobs', `ended.${name}`), text);
  const next = jobs();
  await next.use(of(report, { ...report, name: 'other' }));
  const failures = next.status().map(({ runs }) => runs.at(-1)?.failure);
  assert.deepEqual(failures, ['it exited with code 4', 'the gateway ended while it ran, so that its end was not seen']);
  assert.deepEqual(readdirSync(join(folder, 'jobs')).toSorted(), ['.gitignore', 'journal']);
  const third = jobs();
  await third.use(of(report));
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'state_unusable'),
    [],
  );
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Event } from '../../core/event.ts';
import type { JobStatus } from '../../core/schemas/jobs.ts';
import type { GatewayStatus } from '../../core/schemas/status.ts';
import { ProgramCounts, type ProgramTotals } from '../program-counts.ts';
import { programFamilies } from './program-metrics.ts';

const nothing: ProgramTotals = { jobs: [], outOfMemory: [], used: [], storage: [] };

function samplesOf(
  totals: Partial<ProgramTotals>,
  jobs: readonly unknown[] = [],
  applications: readonly unknown[] = [],
): ReadonlyMap<string, readonly string[]> {
  const families = programFamilies(
    { ...nothing, ...totals },
    jobs as readonly JobStatus[],
    applications as GatewayStatus['applications'],
  );
  return new Map(
    families.map(({ name, samples }) => [
      name,
      samples.map(([labels, value]) => `${Object.values(labels).join(' ')} ${value}`),
    ]),
  );
}

const event = (kind: string, subject: string, evidence: object, to = ''): Event =>
  ({ kind, subject, evidence, to }) as unknown as Event;

const run = (number: number, state: string, startedAt: string, ms: number | null) => ({
  ...{ run: number, state, startedAt, ms },
});
const job = (runs: readonly object[], more: object = {}) => ({
  ...{ application: 'shop', job: 'shop.report', failing: null, nextAt: null, runs, ...more },
});

describe('metrics of programs', () => {
  test('are none for a gateway without applications', () => {
    assert.deepEqual([...samplesOf({})], []);
  });

  test('have the ends of jobs and kills by memory, as events have told them, and zeros before', () => {
    const counts = new ProgramCounts();
    const told = () => samplesOf(counts.totals, [job([])], [{ id: 'shop', command: ['node'], instances: [] }]);
    const zeros = ['succeeded', 'failed', 'skipped', 'missed'].map((outcome) => `shop report ${outcome} 0`);
    assert.deepEqual(told().get('candor_job_runs_total'), zeros);
    assert.deepEqual(told().get('candor_instance_out_of_memory_total'), ['shop 0']);
    const of = { job: 'shop.report' };
    counts.onEvent(event('job_ended', 'job:shop.report', of, 'succeeded'));
    counts.onEvent(event('job_ended', 'job:shop.report', of, 'failed'));
    counts.onEvent(event('job_ended', 'job:shop.report', of, 'failed'));
    counts.onEvent(event('job_skipped', 'job:shop.report', of));
    counts.onEvent(event('job_missed', 'job:shop.report', { ...of, count: 7 }));
    counts.onEvent(event('instance_exited', 'instance:shop/1', { outOfMemory: true }));
    counts.onEvent(event('instance_exited', 'instance:shop/2', { outOfMemory: false }));
    assert.deepEqual(told().get('candor_job_runs_total'), [
      'shop report succeeded 1',
      'shop report failed 2',
      'shop report skipped 1',
      'shop report missed 7',
    ]);
    assert.deepEqual(told().get('candor_instance_out_of_memory_total'), ['shop 1']);
    counts.onEvent(event('job_failing', 'job:shop.report', of, 'removed'));
    assert.deepEqual(told().get('candor_job_runs_total'), zeros);
  });

  test('have the last run of a job, the last that succeeded, and the next', () => {
    const runs = [
      run(3, 'running', '2026-11-28T05:00:00Z', null),
      run(2, 'failed', '2026-11-28T04:00:00Z', 2500),
      run(1, 'succeeded', '2026-11-28T03:00:00Z', 1500),
    ];
    const at = (time: string): number => Date.parse(time) / 1000;
    const samples = samplesOf({}, [job(runs, { failing: 'it ended with 1', nextAt: '2026-11-29T03:00:00Z' })]);
    assert.deepEqual(Object.fromEntries([...samples].filter(([name]) => name !== 'candor_job_runs_total')), {
      candor_job_failing: ['shop report 1'],
      candor_job_running: ['shop report 1'],
      candor_job_last_duration_seconds: ['shop report 2.5'],
      candor_job_last_start_time_seconds: [`shop report ${at('2026-11-28T05:00:00Z')}`],
      candor_job_last_success_time_seconds: [`shop report ${at('2026-11-28T03:00:00Z') + 1.5}`],
      candor_job_next_time_seconds: [`shop report ${at('2026-11-29T03:00:00Z')}`],
    });
  });

  test('leave out what a job that has never run cannot have', () => {
    const samples = samplesOf({}, [job([])]);
    assert.deepEqual([...samples.keys()], ['candor_job_runs_total', 'candor_job_failing', 'candor_job_running']);
  });

  test('have instances of applications and workers by phase, and none of an application of files alone', () => {
    const applications = [
      { id: 'shop', command: ['node'], wanted: 2, instances: [{ phase: 'ready' }, { phase: 'failing' }] },
      { id: 'shop.mail', of: 'shop', command: ['node'], wanted: 1, instances: [{ phase: 'ready' }] },
      { id: 'site', command: [], instances: [] },
    ];
    const samples = samplesOf({}, [], applications);
    assert.deepEqual(
      samples.get('candor_instances')?.filter((line) => !line.endsWith(' 0')),
      ['shop ready 1', 'shop failing 1', 'shop.mail ready 1'],
    );
    assert.deepEqual(samples.get('candor_instances_wanted'), ['shop 2', 'shop.mail 1']);
  });
});

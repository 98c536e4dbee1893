import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ApplicationRow, dependencyRows, jobRows, programRows } from './application-rows.ts';
import type { DependencyJson, JobJson, StatusJson } from './model.ts';

const now = Date.UTC(2026, 10, 28, 12);
const at = (minutesAgo: number): string => new Date(now - minutesAgo * 60_000).toISOString();

/** In one line. */
const text = ({ name, state, cells, lines }: ApplicationRow): string =>
  `${name}: ${state.tone} ${state.word}; ${cells.join(', ')}; ${[state.reason, ...lines].join(' | ')}`;

describe('rows of the page Applications', () => {
  test('have instances and workers, and why they are not ready', () => {
    const instance = { id: 'shop/1', pid: 12, restarts: 0, reason: 'it is ready', last_lines: ['listening'] };
    const applications = [
      {
        id: 'shop',
        wanted: 1,
        instances: [{ ...instance, phase: 'ready', usage: { resident_bytes: 90 * 1024 ** 2 } }],
      },
      {
        id: 'shop.mail',
        wanted: 1,
        instances: [
          {
            ...instance,
            id: 'shop.mail/1',
            pid: null,
            restarts: 3,
            phase: 'backing_off',
            usage: null,
            reason: 'it ended',
          },
        ],
      },
      { id: 'shop.index', wanted: 0, instances: [] },
      { id: 'site', instances: [] },
    ];
    assert.deepEqual(programRows(applications as unknown as StatusJson['applications']).map(text), [
      'shop/1: good ready; 12, 0, 90 MiB; ',
      'shop.mail/1: bad backing off; –, 3, –; It ended. | listening',
      'shop.index: idle stopped; ; ',
    ]);
  });

  const job = (more: Partial<JobJson>): JobJson =>
    ({
      ...{ job: 'shop.report', failing: null, missed: null, runs: [], next_at: null, schedule: null },
      ...more,
    }) as JobJson;
  const run = (state: string, startedAt: string, ms: number | null, output: readonly string[] = []) =>
    ({ state, started_at: startedAt, ms, output }) as unknown as JobJson['runs'][number];
  const failed = run('failed', at(30), 1500, ['no space left']);

  for (const [what, given, shown] of [
    ['one that has never run', {}, 'idle never run; –, –, by hand; '],
    ['one that waits for a release', { schedule: 'once' }, 'idle never run; –, –, once; '],
    ['one that succeeded', { runs: [run('succeeded', at(5), 40)] }, 'good succeeded; 5 min ago, 40 ms, by hand; '],
    [
      'one that fails',
      { failing: 'it ended with 1', runs: [failed] },
      'bad failing; 30 min ago, 1.50 s, by hand; It ended with 1. | no space left',
    ],
    [
      'one that failed and runs',
      { failing: 'it ended with 1', runs: [run('running', at(1), null), failed] },
      'warn running; 1 min ago, 1.50 s, by hand; It ended with 1. | no space left',
    ],
  ] as const)
    test(`have jobs: ${what}`, () => {
      assert.deepEqual(jobRows([job(given as Partial<JobJson>)], now).map(text), [`shop.report: ${shown}`]);
    });

  test('say when a job is due next, and when it was missed', () => {
    const missed = { first: at(600), last: at(600), count: 1, is_more: false, reason: 'the gateway was not running' };
    const [row] = jobRows([job({ next_at: at(-60), missed })], now);
    assert.match(row?.cells[2] ?? '', /\d\d:00:00$/);
    assert.match(row?.state.reason ?? '', /^Not run at .*\d\d:00:00: the gateway was not running\.$/);
  });

  test('have dependencies, and the next step of those that are not up', () => {
    const db = { name: 'db', address: 'postgres://127.0.0.1:5432', since: now - 42_000, dependents: ['shop', 'blog'] };
    const dependencies = [
      { ...db, state: 'down', reason: 'refuses connections', next_step: 'Start it.', check_ms: 0.4 },
      { ...db, name: 'cache', state: 'up', reason: 'is ready', next_step: null, check_ms: null, dependents: [] },
    ];
    assert.deepEqual(dependencyRows(dependencies as unknown as readonly DependencyJson[], now).map(text), [
      'db: bad down; 42 s, 0.4 ms, shop, blog, postgres://127.0.0.1:5432; It refuses connections. Start it.',
      'cache: good up; 42 s, –, –, postgres://127.0.0.1:5432; ',
    ]);
  });
});

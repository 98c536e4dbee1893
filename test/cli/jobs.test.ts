import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import type { JobStatus } from '../../src/core/schemas/jobs.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';

let folder: string;
let gateway: FakeGateway;
let admin: AdminServer;
let context: FakeProcessContext;

const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
const minute = 60_000;

const run: JobStatus['runs'][number] = {
  ...{ run: 7, state: 'failed', by: 'schedule', dueAt: at(-minute), startedAt: at(-minute), ms: 2100, code: 3 },
  ...{ signal: null, failure: 'it exited with code 3', release: 'r2', actor: null, output: ['no \u001b[31mpaper'] },
};

const report: JobStatus = {
  ...{ job: 'shop.report', application: 'shop', command: 'node report.js', schedule: '0 3 * * *', timeZone: 'UTC' },
  ...{ overlap: 'skip', catchUp: 'none', nextAt: at(61 * minute), waits: false, failing: run.failure, failingS: 60 },
  ...{ runs: [run], runsTotal: 7, skipped: null },
  missed: { first: at(-10), last: at(-5), count: 2, isMore: false, reason: 'the gateway was not running' },
};
const ofBlog: JobStatus = {
  ...report,
  ...{ job: 'blog.report', application: 'blog', schedule: null, nextAt: null, failing: null, runs: [], missed: null },
};

const end = { endedAt: 0, code: 0, signal: null, ms: 5, failure: null, lines: [] };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-jobs-cli-'));
  gateway = new FakeGateway();
  gateway.jobsNow = [report, { ...report, job: 'shop.import' }, ofBlog];
  const spec = socketAlone(join(folder, 'gateway.sock'));
  admin = await startAdminServer({ gateway, spec, clock: systemClock });
  context = new FakeProcessContext(folder);
});

afterEach(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

const candor = (...argv: string[]): Promise<number> =>
  context.candor(...argv, '--socket', join(folder, 'gateway.sock'));

describe('candor jobs', () => {
  test('lists what is due next, how the last run ended, and what was missed', async () => {
    assert.equal(await candor('jobs'), 0);
    assertFits(context.stdout.text);
    assert.match(context.stdout.text, /✖ {2}shop\.report {2}0 3 \* \* \* {2}in 1 h.*failed \(3\) 1 min ago/);
    assert.match(context.stdout.text, /blog\.report {2}by hand {2,}- {2,}never run/);
    assert.match(
      context.stdout.text,
      /shop\.report was not run 2 times, last 0 s ago: the gateway was not\n? *running/,
    );
  });

  test('shows the runs of one, by its own name where no other application has the same, without control characters', async () => {
    assert.equal(await candor('jobs', 'import'), 0);
    assert.match(
      context.stdout.text,
      /#7 failed \(exit code 3\) after 2\.10 s, started .* by schedule,\s+release\s+r2/,
    );
    assert.match(context.stdout.text, /\| no paper/);
    assertFits(context.stdout.text);
  });

  test('of an application shows its jobs alone', async () => {
    assert.equal(await candor('jobs', 'shop'), 0);
    assert.match(context.stdout.text, /shop\.report [^]*shop\.import /);
    assert.doesNotMatch(context.stdout.text, /blog/);
  });

  const refusals = [
    [['jobs', 'report'], 9, /There is no job report\. There are shop\.report, shop\.import,\n?\s*blog\.report/],
    [['jobs', 'imprt'], 9, /^There is no job imprt: did you mean shop\.import\?\n$/],
    [['jobs', 'run', 'shop.imprt'], 9, /^There is no job shop\.imprt: did you mean shop\.import\?\n$/],
    [
      ['jobs', 'run', 'shop'],
      2,
      /^shop is an application, and one of its jobs is run: shop\.report, shop\.import\.\n$/,
    ],
    [['jobs', 'run'], 2, /candor jobs run shop\.report/],
    [['jobs', 'a', 'b'], 2, /"b" is an unexpected argument/],
    [['jobs', 'run', 'import'], 10, /shop\.import was not run: its last run goes on\./],
  ] as const;
  for (const [words, code, text] of refusals)
    test(`${words.join(' ')} ends with ${code} and says why`, async () => {
      gateway.jobRun = async () => ({ ok: false, why: 'its last run goes on' });
      assert.equal(await candor(...words), code);
      assert.match(context.stderr.text, text);
    });

  const ends = [
    [{ ...end, code: 0 }, 0],
    [{ ...end, code: 42, failure: 'it exited with code 42' }, 42],
    [{ ...end, code: null, signal: 'SIGKILL', failure: 'it was killed by SIGKILL' }, 137],
    [{ ...end, code: null, failure: 'node could not be started (ENOENT)' }, 1],
    [{ ...end, code: 0, failure: 'it ran for 2 s, its limit' }, 1],
  ] as const;
  for (const [ended, code] of ends)
    test(`run exits with ${code} after ${ended.failure ?? 'a success'}`, async () => {
      gateway.jobRun = async (_job, onLine) => {
        onLine('begun');
        return { ok: true, run: 8, ended: Promise.resolve(ended) };
      };
      assert.equal(await candor('jobs', 'run', 'shop.import'), code);
      assert.equal(context.stdout.text, 'begun\n');
      assert.deepEqual(gateway.calls, ['runJob shop.import by admin:socket']);
    });
});

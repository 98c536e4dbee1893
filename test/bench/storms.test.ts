import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Outcome } from '../../bench/storms/client.ts';
import { stormPlot, stormSection } from '../../bench/storms/document.ts';
import { type StormFigures, stormFigures, type StormRun } from '../../bench/storms/figures.ts';
import { stormGateways } from '../../bench/storms/gateways.ts';
import { type Storm, storms } from '../../bench/storms/storms.ts';
import { legend, stormTable } from '../../bench/storms/table.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { freePort } from '../free-port.ts';

// The short form of `npm run bench:storms`: its figures are consistent. Whether they are good is not looked at.

const fields = { method: 'GET', isOrigins: false, retryAfterS: null, cause: null } as const;

function outcome(dueMs: number, result: string, more: Partial<Outcome> = {}): Outcome {
  return { ...fields, dueMs, endedMs: dueMs + 10, result, isOrigins: result === 'ok', ...more };
}

const calmRun: StormRun = {
  outcomes: [],
  totals: { requests: 0, checks: 0, connections: 0, executedTwice: 0 },
  ...{ seconds: 4, beganMs: [1000], overMs: 3000, isOutage: false, refusedConnections: null, truthful: [502] },
};

function figuresOf(run: Partial<StormRun>): StormFigures {
  return stormFigures('fault-reset', 'candor', { ...calmRun, ...run });
}

test('each request counts once, as good or by the kind of its failure', () => {
  const outcomes = [outcome(0, 'ok'), outcome(1500, '502'), outcome(1600, 'reset'), outcome(1700, '502')];
  const { requests, ok, failures, perSecond } = figuresOf({ outcomes });
  assert.deepEqual([requests, ok, failures], [4, 1, { 502: 2, reset: 1 }]);
  assert.deepEqual(perSecond, [
    [1, 0],
    [0, 3],
    [0, 0],
    [0, 0],
  ]);
});

const statuses: readonly (readonly [what: string, of: Outcome, wrong: number])[] = [
  ['a status that says what happened', outcome(0, '502'), 0],
  ['another status of the gateway', outcome(0, '404'), 1],
  ['any status of an origin', outcome(0, '500', { isOrigins: true }), 0],
  ['a body of another request', outcome(0, 'wrong body', { isOrigins: true }), 1],
  ['a connection that was reset', outcome(0, 'reset'), 0],
];

for (const [what, one, wrong] of statuses) {
  test(`${what} counts ${wrong === 0 ? 'not as' : 'as'} wrong`, () => {
    assert.equal(figuresOf({ outcomes: [one] }).wrongStatuses, wrong);
  });
}

const recoveries: readonly (readonly [what: string, run: Partial<StormRun>, ms: number | null])[] = [
  ['no failure', { outcomes: [outcome(1100, 'ok')] }, 0],
  ['the last failure', { outcomes: [outcome(1100, '502'), outcome(1400, '502')] }, 400],
  ['failures until the end of trouble', { outcomes: [outcome(2900, '502')] }, null],
  ['failures after trouble', { outcomes: [outcome(1200, '502'), outcome(3500, '502')] }, 200],
  [
    'a request that a second restart met',
    { beganMs: [0, 1000], outcomes: [outcome(300, '502'), outcome(990, '502', { endedMs: 1010 })] },
    300,
  ],
  ['the longest of several', { beganMs: [0, 1000], outcomes: [outcome(300, '502'), outcome(1100, '502')] }, 300],
];

for (const [what, run, ms] of recoveries) {
  test(`the time to recover is known after ${what}`, () => {
    assert.equal(figuresOf(run).recoveredMs, ms);
  });
}

test('after an outage all is well when as many requests a second go well as before', () => {
  const ok = (from: number, to: number, everyMs: number): Outcome[] =>
    Array.from({ length: (to - from) / everyMs }, (_, index) => outcome(from + index * everyMs, 'ok'));
  const run = { isOutage: true, seconds: 5, beganMs: [1000], overMs: 2000 };
  const { fullAgainMs } = figuresOf({
    ...run,
    outcomes: [...ok(0, 1000, 10), ...ok(2000, 3000, 100), ...ok(3000, 5000, 10)],
  });
  assert.ok(fullAgainMs !== null && fullAgainMs >= 900 && fullAgainMs <= 1100, `${fullAgainMs} ms`);
  assert.equal(figuresOf({ ...run, outcomes: ok(0, 1000, 10) }).fullAgainMs, null);
});

test('tables have 80 columns, and the document has a row for each gateway and storm', () => {
  const outcomes = Array.from({ length: 400 }, (_, index) => outcome(index * 10, index % 3 === 0 ? 'reset' : 'ok'));
  const all = storms.flatMap(({ name }) =>
    stormGateways.map((gateway) => stormFigures(name, gateway, { ...calmRun, outcomes })),
  );
  const texts = storms.map((storm) =>
    stormTable(
      storm,
      all.filter((one) => one.storm === storm.name),
    ),
  );
  for (const line of [...texts, legend].join('\n').split('\n')) assert.ok(line.length <= 80, line);
  const rows = stormSection(all, 'here').filter((line) => /^\| (?:Candor|nginx|HAProxy|Caddy) /.test(line));
  assert.equal(rows.length, all.length);
  assert.equal(stormPlot(all).match(/<rect class="bar/g)?.length, all.length);
});

test('npm run bench:storms measures a storm, and its figures are consistent', async () => {
  const words = ['--only', 'fault-refuse', '--gateways', 'candor', '--seconds', '4', '--percent', '30'];
  const env = { ...process.env, CANDOR_BENCH_PORT: String(await freePort()) };
  const command = [join(repositoryRoot, 'bench', 'storms', 'run.ts'), ...words, '--source', '--json'];
  const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts: [string, string] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts[0] += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts[1] += text));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, texts[1]);
  const { figures } = JSON.parse(texts[0]) as { figures: readonly StormFigures[] };
  assert.equal(figures.length, 1);
  const [one] = figures as [StormFigures];
  assert.equal(one.requests, 4 * 300 * 0.3);
  assert.equal(one.ok + Object.values(one.failures).reduce((sum, count) => sum + count, 0), one.requests);
  assert.equal(
    one.perSecond.flat().reduce((sum, count) => sum + count),
    one.requests,
  );
  // Each request that went well was at an origin.
  assert.ok(one.amplification >= one.ok / one.requests, `${one.amplification}`);
  const titles = storms.filter(({ name }): boolean => name === one.storm).map(({ title }: Storm) => title);
  assert.match(texts[1], new RegExp(`fault-refuse: ${titles[0]}\n`));
});

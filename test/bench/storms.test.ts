// Starts processes: the bench is a program.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Outcome } from '../../bench/storms/client.ts';
import { stormGateways } from '../../bench/storms/configurations.ts';
import { configurationFiles } from '../../bench/storms/configurations-document.ts';
import { betterElsewhere, stormFiles, stormSection } from '../../bench/storms/document.ts';
import { type StormFigures, stormFigures, type StormRun } from '../../bench/storms/figures.ts';
import { readResults, secondsLeft, type StormRow, turnsOf, withRow, writeResults } from '../../bench/storms/results.ts';
import { type Storm, storms } from '../../bench/storms/storms.ts';
import { legend, stormTable } from '../../bench/storms/table.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { freePort } from '../free-port.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';

// The short form of `npm run bench:storms`: its figures are consistent. Whether they are good is not looked at.

const fields = { method: 'GET', isOrigins: false, retryAfterS: null, cause: null } as const;

function outcome(dueMs: number, result: string, more: Partial<Outcome> = {}): Outcome {
  return { ...fields, dueMs, endedMs: dueMs + 10, result, isOrigins: result === 'ok', ...more };
}

const calmRun: StormRun = {
  outcomes: [],
  totals: { requests: 0, checks: 0, connections: 0, executedTwice: 0 },
  ...{ seconds: 4, beganMs: [1000], overMs: 3000, isOutage: false, refusedConnections: null, truthful: [502] },
  ...{ origins: 3, slowClients: null, namedAtMs: null },
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

const recoveries: readonly (readonly [what: string, run: Partial<StormRun>, ms: number | 'never' | null])[] = [
  ['no failure', { outcomes: [outcome(1100, 'ok')] }, 0],
  ['no trouble', { beganMs: [], outcomes: [outcome(1100, '502')] }, null],
  ['the last failure', { outcomes: [outcome(1100, '502'), outcome(1400, '502')] }, 400],
  ['failures until the end of trouble', { outcomes: [outcome(2900, '502')] }, 'never'],
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
  assert.ok(typeof fullAgainMs === 'number' && fullAgainMs >= 900 && fullAgainMs <= 1100, `${fullAgainMs} ms`);
  assert.equal(figuresOf({ ...run, outcomes: ok(0, 1000, 10) }).fullAgainMs, 'never');
  // Without a request before it, nothing says what full is.
  assert.equal(figuresOf({ ...run, outcomes: ok(2000, 5000, 10) }).fullAgainMs, 'never');
});

test('connections are counted by origin and second of trouble', () => {
  const run = { outcomes: [outcome(0, 'ok')], refusedConnections: 60, origins: 2, beganMs: [1000], overMs: 11_000 };
  assert.equal(figuresOf(run).refusedPerOriginSecond, 3);
  assert.equal(figuresOf({ ...run, refusedConnections: null }).refusedPerOriginSecond, null);
});

function rowOf(storm: string, gateway: StormRow['gateway'], more: Partial<StormRow> = {}): StormRow {
  const outcomes = Array.from({ length: 400 }, (_, index) => outcome(index * 10, index % 3 === 0 ? 'reset' : 'ok'));
  const circumstances = { at: '2026-01-01T00:00:00.000Z', revision: 'abc', scale: 1, disturbed: null };
  return { ...circumstances, ...stormFigures(storm, gateway, { ...calmRun, outcomes }), ...more };
}

test('tables have 80 columns, and the figures have a row for each gateway and storm', () => {
  const disturbed = 'the hypervisor took 20 %';
  const all = storms.flatMap(({ name }) => stormGateways.map((gateway) => rowOf(name, gateway, { disturbed })));
  const texts = storms.map((storm) =>
    stormTable(
      storm,
      all.filter((one) => one.storm === storm.name),
    ),
  );
  for (const line of [...texts, legend].join('\n').split('\n')) assert.ok(line.length <= 80, line);
  const section = stormSection(all, { machine: 'here', versions: [] });
  for (const { name } of storms)
    assert.ok(
      section.some((line) => line.startsWith(`| ${name} | `)),
      name,
    );
  const { 'figures.tsv': figures = '', 'failed.svg': failed = '', 'seconds.svg': seconds = '' } = stormFiles(all);
  assert.equal(figures.match(/^\S+\t(?:Candor|nginx|HAProxy|Caddy) †(?:\t[^\t\n]+){7}$/gm)?.length, all.length);
  assert.equal(failed.match(/<rect class="bar/g)?.length, all.length);
  // In each of the four seconds some went well and some failed.
  assert.equal(seconds.match(/<rect class="(?:well|failed)"/g)?.length, all.length * 4 * 2);
  for (const svg of [failed, seconds]) assert.match(svg, /prefers-color-scheme: dark/);
});

test('the document says where another gateway is better, beyond a tie', () => {
  const candor = rowOf('overload', 'candor', { p99Ms: 300, wrongStatuses: 0 });
  const better = betterElsewhere([
    candor,
    rowOf('overload', 'nginx', { p99Ms: 295, wrongStatuses: 3 }),
    rowOf('overload', 'haproxy', { p99Ms: 100, ok: candor.ok + 50 }),
    // It had less to ask origins for.
    rowOf('overload', 'caddy', { p99Ms: 300, amplification: -1, ok: candor.ok - 1 }),
  ]);
  assert.deepEqual(better, ['HAProxy in failed requests (84, Candor 134), p99 (100 ms, Candor 300 ms)']);
});

describe('the file of results', () => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-storms-'));
  after(() => rmSync(folder, { recursive: true }));

  test('keeps the rows of earlier runs, and replaces those that were measured again', () => {
    const file = join(folder, 'deeper', 'results.json');
    assert.deepEqual(readResults(file), []);
    const [first, second] = [rowOf('overload', 'nginx'), rowOf('fault-500', 'caddy')];
    writeResults(file, withRow(withRow(readResults(file), first), second));
    const again = rowOf('overload', 'nginx', { at: '2026-01-02T00:00:00.000Z' });
    writeResults(file, withRow(readResults(file), again));
    assert.deepEqual(readResults(file), [second, again]);
  });

  const overload = storms.find(({ name }) => name === 'overload') as Storm;
  const done = { seconds: overload.seconds };
  const kept: readonly (readonly [what: string, row: Partial<StormRow>, isMeasured: boolean])[] = [
    ['was measured', {}, false],
    ['was disturbed', { disturbed: 'other programs took 30 %' }, true],
    ['is of another commit', { revision: 'old' }, true],
    ['had another length', { seconds: 3 }, true],
    ['had another rate', { scale: 0.5 }, true],
  ];
  for (const [what, row, isMeasured] of kept) {
    test(`--resume ${isMeasured ? 'measures again' : 'leaves out'} what ${what}`, () => {
      const asked = { storms: [overload], gateways: ['candor'], seconds: null, scale: 1, revision: 'abc' } as const;
      const rows = [rowOf('overload', 'candor', { ...done, ...row })];
      assert.equal(turnsOf({ ...asked, resume: true }, rows).length, isMeasured ? 1 : 0);
      assert.equal(turnsOf({ ...asked, resume: false }, rows).length, 1);
    });
  }

  test('a storm of Candor alone is not measured with others', () => {
    const asked = { storms, gateways: stormGateways, seconds: null, scale: 1, revision: 'abc', resume: false };
    const turns = turnsOf(asked, []).filter(({ storm }) => storm.name === 'uneven-hedged');
    assert.deepEqual(
      turns.map(({ gateway }) => gateway),
      ['candor'],
    );
  });
});

test('all storms and gateways take no more than a quarter of an hour', () => {
  const asked = { storms, gateways: stormGateways, seconds: null, scale: 1, revision: 'abc', resume: false };
  assert.ok(secondsLeft(turnsOf(asked, [])) <= 15 * 60);
});

test('the document of configurations has those that are started', () => {
  for (const [name, text] of Object.entries(configurationFiles())) {
    const file = join(repositoryRoot, 'bench', 'storms', name);
    if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(file, text);
    assert.equal(readFileSync(file, 'utf8'), text, name);
  }
});

// It measures for four seconds.
if (isWholeSweep)
  test('npm run bench:storms measures a storm, and its figures are consistent', async () => {
    const results = join(mkdtempSync(join(tmpdir(), 'candor-storms-')), 'results.json');
    const words = ['--only', 'fault-refuse', '--gateways', 'candor', '--seconds', '4', '--percent', '30'];
    words.push('--results', results);
    const env = { ...process.env, CANDOR_BENCH_PORT: String(await freePort()) };
    const command = [join(repositoryRoot, 'bench', 'storms', 'run.ts'), ...words, '--source', '--json'];
    const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const texts: [string, string] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (texts[0] += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (texts[1] += text));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, texts[1]);
    const { figures } = JSON.parse(texts[0]) as { figures: readonly StormRow[] };
    assert.equal(figures.length, 1);
    const [one] = figures as [StormRow];
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
    assert.match(texts[1], /^1 of 1: fault-refuse, candor \(4 s\); 1 min left$/m);
    assert.deepEqual(readResults(results), figures);
    rmSync(join(results, '..'), { recursive: true });
  });

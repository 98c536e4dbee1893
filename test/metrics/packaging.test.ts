// Starts processes: promtool reads the rules.

import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { findPeer } from '../../scripts/peers.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { rows } from '../../scripts/grafana-panels.ts';
import { dashboardPath, grafanaDashboard } from '../../scripts/write-grafana-dashboard.ts';
import { everyMetric, familiesOf } from './every-metric.ts';

const rulesPath = join(repositoryRoot, 'packaging/prometheus/candor-rules.yml');
const testsPath = join(repositoryRoot, 'packaging/prometheus/candor-rules-tests.yml');

/** The series that a scrape has, with the labels of each. */
async function series(): Promise<ReadonlyMap<string, readonly string[]>> {
  const all = new Map<string, readonly string[]>([['up', []]]);
  for (const { name, type, labels } of familiesOf(await everyMetric())) {
    const endings = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const ending of endings) all.set(name + ending, labels);
  }
  return all;
}

/** Labels that Prometheus adds, and the bounds of histograms. */
const added = new Set(['job', 'instance', 'le']);

async function assertKnown(expression: string): Promise<void> {
  const known = await series();
  const selectors = [...expression.matchAll(/\b((?:candor|process)_\w+|up)\b(?:\{([^}]*)\})?/g)];
  assert.ok(selectors.length > 0, expression);
  for (const [, name = '', labels = ''] of selectors) {
    const has = known.get(name);
    assert.ok(has !== undefined, `${name} in ${expression} is no metric`);
    for (const [, label = ''] of labels.matchAll(/(\w+)\s*(?:=~|!~|!=|=)"/g))
      assert.ok(has.includes(label) || added.has(label), `${name} has no label ${label}`);
  }
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly next_step: string };
}
const { groups } = parse(readFileSync(rulesPath, 'utf8')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

describe('the Grafana dashboard', () => {
  test('is what the table of its panels makes; else run with UPDATE_DOCS=1', () => {
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(dashboardPath, grafanaDashboard());
    // Not the bytes: the formatter of the repository breaks lines in its own way.
    else assert.deepEqual(JSON.parse(readFileSync(dashboardPath, 'utf8')), JSON.parse(grafanaDashboard()));
  });

  for (const { title, queries } of rows.flatMap(({ panels }) => panels))
    test(`shows metrics and labels that a scrape has: ${title}`, async () => {
      for (const { expression } of queries) await assertKnown(expression);
    });
});

describe('the alert', () => {
  for (const { alert, expr, labels, annotations } of rules)
    test(`${alert} asks for metrics and labels that a scrape has, and says what to do`, async () => {
      await assertKnown(expr);
      assert.match(labels.severity, /^(?:critical|warning|info)$/);
      assert.match(annotations.summary, /\.$/);
      assert.match(annotations.next_step, /\S/);
    });
});

const promtool = findPeer('promtool');
const skip = 'missing' in promtool ? promtool.missing : false;

function runPromtool(args: readonly string[], input?: string): SpawnSyncReturns<string> {
  assert.ok('path' in promtool);
  return spawnSync(promtool.path, args, { encoding: 'utf8', input, env: { ...process.env, ...promtool.env } });
}

test('promtool takes the rules, and its tests of them pass', { skip }, () => {
  for (const args of [
    ['check', 'rules', rulesPath],
    ['test', 'rules', testsPath],
  ]) {
    const { status, stdout, stderr } = runPromtool(args);
    assert.equal(status, 0, stdout + stderr);
  }
});

test('promtool takes the metrics', { skip }, async () => {
  const { stderr, stdout, status } = runPromtool(['check', 'metrics'], await everyMetric());
  // It also has opinions: exit code 3.
  assert.ok(status === 0 || status === 3, stdout + stderr);
});

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { everyMetric, familiesOf } from './every-metric.ts';

const path = join(repositoryRoot, 'docs/metrics.md');
const [begin, end] = ['<!-- metrics -->\n', '<!-- end -->\n'];

/** The table of docs/metrics.md; `UPDATE_DOCS=1` before the test command writes it. */
async function table(): Promise<string> {
  const rows = familiesOf(await everyMetric()).map(
    ({ name, type, help, labels }) => `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |`,
  );
  return ['', '| name | type | labels | what it says |', '| --- | --- | --- | --- |', ...rows, '', ''].join('\n');
}

test('docs/metrics.md has every metric with its type, labels and help; else run with UPDATE_DOCS=1', async () => {
  const document = readFileSync(path, 'utf8');
  const [before = '', rest = ''] = document.split(begin);
  const now = `${before}${begin}${await table()}${rest.slice(rest.indexOf(end))}`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, now);
  else assert.equal(document, now);
});

describe('each metric', () => {
  test('has a name of the conventions: candor_ or process_ first, its unit last, counters end in _total', async () => {
    for (const { name, type } of familiesOf(await everyMetric())) {
      assert.match(name, /^(?:candor|process)_[a-z0-9_]+$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.doesNotMatch(name, /_(?:ms|milliseconds|kb|percent|count|sum|bucket)(?:_|$)/);
    }
  });

  test('is described, once, in a sentence without quotes and backslashes', async () => {
    const families = familiesOf(await everyMetric());
    assert.equal(new Set(families.map(({ name }) => name)).size, families.length);
    for (const { name, help } of families) assert.match(help, /^[^"\\]+\.$/, name);
  });

  test('has labels that are not unbounded', async () => {
    const labels = new Set(familiesOf(await everyMetric()).flatMap(({ labels: names }) => names));
    for (const unbounded of ['path', 'host', 'client', 'address', 'request_id', 'trace_id', 'query'])
      assert.ok(!labels.has(unbounded), unbounded);
  });
});

test('OpenMetrics has the same families, each line of its grammar, and one end', async () => {
  const text = await everyMetric('openmetrics');
  const lines = text.split('\n');
  assert.deepEqual(lines.slice(-2), ['# EOF', '']);
  const names = familiesOf(text).map(({ name }) => name);
  const older = familiesOf(await everyMetric()).map(({ name, type }) =>
    type === 'counter' ? name.slice(0, -6) : name,
  );
  assert.deepEqual(names, older);
  const sample =
    /^[a-z_]\w*(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? -?[\d.e+]+(?: # \{\w+="[^"]*"\} [\d.e-]+ \d+(?:\.\d+)?)?$/;
  for (const line of lines.slice(0, -2)) assert.match(line, line.startsWith('#') ? /^# (?:HELP|TYPE) \w+ \S/ : sample);
  assert.ok(lines.some((line) => line.includes(' # {request_id="r1"} ')));
});

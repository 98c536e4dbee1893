import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { failure, harmlessFinding } from './engine.test-support.ts';
import { reportJson } from './summary-report.ts';
import { Summary } from './summary.ts';

const document = readFileSync(new URL('../../../docs/explain/report.md', import.meta.url), 'utf8');

/** The paths of all members of a value: `bursts[].root.fix.text`. */
function pathsOf(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return [`${path}[]`, ...value.flatMap((one) => pathsOf(one, `${path}[]`))];
  if (value === null || typeof value !== 'object') return [path];
  const own = path === '' || path.endsWith('[]') ? [] : [path];
  const inner = Object.entries(value).flatMap(([name, one]) => pathsOf(one, path === '' ? name : `${path}.${name}`));
  return [...own, ...inner];
}

/** A report in which no list is empty. */
function fullReport() {
  const summary = new Summary({ clock: { zoneMs: 1_200_000, isZoneKnown: true, nearMs: 0 } });
  const application = { kind: 'oom_kill', names: ['node'], clock: 'no_year', timeMs: 0 } as const;
  summary.add(
    harmlessFinding({
      kind: 'event',
      gateway: 'kernel',
      sentence: 'Killed.',
      application,
      fix: { text: 'a', snippet: 'b' },
    }),
    'text',
  );
  const line = 'client: 192.0.2.7, server: x, request: "GET / HTTP/1.1", host: "x"';
  for (let i = 0; i < 20; i++)
    summary.add(failure({ atMs: (i - 20) * 59_000, fix: { text: 'a', snippet: 'b' } }), `a, ${line}`);
  summary.add(failure({ shape: 'unknown', type: null, upstream: null }), 'text');
  summary.add(harmlessFinding({ kind: 'event', sentence: 'It is down.' }), 'text');
  const retried = { atMs: 0, request: 'GET /retried' };
  summary.add(failure({ ...retried, sentence: 'Another.', fix: { text: 'a', snippet: 'b' } }), `a, ${line}`);
  summary.add(harmlessFinding(retried), '192.0.2.7 - - [1');
  return summary.report();
}

/** Members that stand at several places, which the document explains once, before the table. */
const common = [
  /\bfix(\.(text|snippet))?$/,
  /\bexamples?(\[\])?\.(file|line|text)$/,
  /^(paths|hosts|clients)\[\]\.(name|count)$/,
  /_left_out\.(kinds|count)$/,
  /^(incidents|incidents\[\]\.parts|retries|by_cause)\[\]\.(shape|type|stage)$/,
];

test('the document of the report names exactly the members of a report', () => {
  const fields = new Set(pathsOf(reportJson(fullReport()), ''));
  const [, table = ''] = document.split('## Fields');
  const named = [...(table.split('## ')[0] ?? '').matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] as string);
  const objects = [...fields].filter((field) => [...fields].some((other) => other.startsWith(`${field}.`)));
  assert.deepEqual(
    named.filter((name) => !fields.has(name)),
    [],
  );
  assert.deepEqual(
    [...fields].filter(
      (field) => !named.includes(field) && !objects.includes(field) && !common.some((one) => one.test(field)),
    ),
    [],
  );
  const before = table.slice(0, table.indexOf('| Field |'));
  for (const name of [
    'fix',
    'text',
    'snippet',
    'examples[]',
    'file',
    'line',
    'name',
    'count',
    'kinds',
    'shape',
    'type',
    'stage',
  ])
    assert.ok(before.includes(`\`${name}\``), name);
  assert.equal(new Set(named).size, named.length);
});

test('the document of the report names every suspect', () => {
  const source = readFileSync(new URL('./summary-report.ts', import.meta.url), 'utf8');
  const names = /type SuspectName =([^;]*);/.exec(source)?.[1]?.match(/'(\w+)'/g) ?? [];
  assert.equal(names.length, 7);
  const [, suspects = ''] = document.split('## Suspects');
  const named = [...suspects.matchAll(/^\| `(\w+)` \|/gm)].map((match) => `'${match[1]}'`);
  assert.deepEqual(named.sort(), names.sort());
});

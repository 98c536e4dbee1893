// Starts processes: jq runs the commands of the document.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import type { LostRecord } from '../core/record.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { expandedRecord } from '../core/record-defaults.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const recordPage = readFileSync(at('docs/record.md'), 'utf8');
const golden = at('test/golden/record-v1.ndjson');
const records = readFileSync(golden, 'latin1')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as ExchangeRecord);

const lostLine = readFileSync(at('test/golden/lost-v1.ndjson'), 'latin1');
const lost = JSON.parse(lostLine) as LostRecord;

/** The names in backticks in the first column of a page's tables. */
function documented(page: string): Set<string> {
  const cells = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|')[1] ?? '');
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string)));
}

test('docs/record.md explains every key of a record, and no other key', () => {
  const names = new Set<string>();
  for (const lean of records) {
    const record = expandedRecord({ headers: {}, ...lean }) as unknown as ExchangeRecord;
    for (const [name, value] of Object.entries(record)) {
      if (name === 'client') for (const inner of Object.keys(value as object)) names.add(`client.${inner}`);
      else names.add(name);
    }
    for (const attempt of record.attempts) for (const name of Object.keys(attempt)) names.add(name);
  }
  for (const name of Object.keys(lost)) names.add(name);
  assert.deepEqual([...documented(recordPage)].sort(), [...names].sort());
});

test('docs/events.md explains every kind of event and the common keys', () => {
  const source = readFileSync(at('src/core/event.ts'), 'utf8');
  const facts = source.slice(source.indexOf('interface EventFacts'), source.indexOf('export type EventKind'));
  const common = source.slice(source.indexOf('interface EventOf'), source.indexOf('export type Event ='));
  const names = [...facts.matchAll(/^ {2}(\w+): (?:\{|[A-Z]\w+;)/gm), ...common.matchAll(/^ {2}readonly (\w+):/gm)].map(
    ([, name]) => name as string,
  );
  assert.ok(names.length > 20);
  assert.deepEqual([...documented(readFileSync(at('docs/events.md'), 'utf8'))].sort(), names.sort());
});

test('the example of docs/record.md is the line of the golden file', () => {
  const example = recordPage.slice(recordPage.indexOf('{"v":1'), recordPage.indexOf('```\n\n(Broken'));
  const shown = JSON.parse(example.replace(/\n\s*/g, '')) as ExchangeRecord;
  const written = records.find(({ id }) => id === shown.id);
  assert.deepEqual({ ...shown, detail: '' }, { ...written, detail: '' });
});

test('the line of a lost worker in docs/record.md is that of its golden file', () => {
  const example = recordPage.slice(recordPage.indexOf('{"v":1,"kind":"lost"'));
  const shown = JSON.parse(example.slice(0, example.indexOf('```')).replace(/\n\s*/g, '')) as LostRecord;
  assert.deepEqual(shown, lost);
});

const jq = ['/usr/bin/jq', '/usr/local/bin/jq', '/opt/homebrew/bin/jq'].find((path) => existsSync(path));

test('every recipe of docs/record.md runs and finds something', { skip: jq === undefined ? 'needs jq' : false }, () => {
  const recipes = [...recordPage.matchAll(/```sh\njq (-\w) '([^']+)' candor\.ndjson/g)];
  assert.equal(recipes.length, 8);
  for (const [, flag = '', program = ''] of recipes) {
    // A log has lines of both kinds.
    const input = readFileSync(golden, 'latin1') + lostLine;
    const output = execFileSync(jq ?? '', [flag, program], { encoding: 'utf8', input });
    assert.notEqual(output.trim(), '', program);
  }
});

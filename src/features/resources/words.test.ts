import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { wordsOfFeatures } from '../words.ts';
import { holdingsOf } from './holdings.ts';
import { fakeMachine } from './main-machine.test-support.ts';
import type { ResourcesStatus, ResourceSpec } from './settings.ts';

const group = { version: 2, folder: '/sys/fs/cgroup', moves: null } as const;
const machine = fakeMachine({
  ...{ isRoot: false, uid: 900, ownName: 'candor' },
  groups: () => ({ memory: group, cpu: group, pids: group, io: group }),
});
const spec: ResourceSpec = {
  limits: { memoryBytes: 512 * 1024 * 1024, descriptors: 1024, nice: -5 },
  ...{ user: null, isolation: 'none', persistent: [] },
};

function rowsOf(status: ResourcesStatus) {
  const { title, rows } = wordsOfFeatures.find((words) => words.status?.title === 'RESOURCES')?.status ?? {};
  return { title, rows: rows?.(status) ?? [] };
}

test('the status has what is held in one row, and a row for each setting that is not, as docs/resources.md shows it', () => {
  const { title, rows } = rowsOf({ resources: [{ application: 'shop', holdings: holdingsOf(spec, machine) }] });
  assert.equal(title, 'RESOURCES');
  assert.deepEqual(
    rows.map(({ tone }) => tone),
    ['good', 'warn'],
  );
  const text = readFileSync(join(import.meta.dirname, '../../../docs/resources.md'), 'utf8').replace(/\s+/g, ' ');
  for (const { cells } of rows) assert.ok(text.includes(cells.join(' ')), cells.join(' '));
});

test('what keeps an application from starting is bad', () => {
  const refused: ResourceSpec = { ...spec, limits: {}, user: { name: 'www-data', group: null } };
  const { rows } = rowsOf({ resources: [{ application: 'shop', holdings: holdingsOf(refused, machine) }] });
  assert.deepEqual(
    rows.map(({ tone }) => tone),
    ['bad'],
  );
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { KeptIncident } from '../core/live-incident.ts';
import { IncidentFile } from './incident-file.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-incidents-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function incident(id: number, run = 'run-1'): KeptIncident {
  return {
    ...{ id, key: `${run}-${id}`, interrupted: false, findings: [], upstream: 'api', family: 'gone', cause: null },
    ...{
      shape: 'app_error',
      whose: 'application',
      startedAt: id,
      firstRequestAt: id,
      openedAt: id,
      lastAt: id,
      resolvedAt: null,
    },
    ...{ requests: 1, failed: 1, attemptsFailed: 1, causes: [], routes: [], endpoints: [], suspects: [] },
    ...{ upstreams: [], additions: [] },
    rate: { before: null, during: 1 },
  };
}

test('incidents of two processes stay beside each other, the newest 100 of them', async () => {
  const [one, other] = [new IncidentFile(folder), new IncidentFile(folder)];
  await one.write([incident(1), incident(2)]);
  await other.write([incident(3, 'run-2')]);
  await one.write([{ ...incident(2), resolvedAt: 9 }]);
  assert.deepEqual(
    other.read().map(({ key, resolvedAt }) => [key, resolvedAt]),
    [
      ['run-1-1', null],
      ['run-1-2', 9],
      ['run-2-3', null],
    ],
  );
  await one.write(Array.from({ length: 150 }, (_, at) => incident(at + 10)));
  assert.deepEqual([one.read().length, one.read().at(-1)?.id], [100, 159]);
});

test('a damaged file is as none, and a damaged incident is left out', async () => {
  const file = new IncidentFile(folder);
  for (const text of ['{', '[]', '{"version":2,"incidents":[]}', '{"version":1,"incidents":{}}']) {
    writeFileSync(join(folder, 'incidents.json'), text);
    assert.deepEqual(file.read(), [], text);
  }
  const content = {
    version: 1,
    incidents: [
      incident(1),
      { ...incident(2), key: 7 },
      null,
      { ...incident(3), rate: null },
      { ...incident(4), additions: [null] },
      { ...incident(5), upstreams: undefined },
    ],
  };
  writeFileSync(join(folder, 'incidents.json'), JSON.stringify(content));
  assert.deepEqual(
    file.read().map(({ id }) => id),
    [1],
  );
});

test('a folder that cannot be written is no fault', async () => {
  writeFileSync(join(folder, 'file'), '');
  const file = new IncidentFile(join(folder, 'file'));
  await file.write([incident(1)]);
  assert.deepEqual(file.read(), []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessStateJson } from '../../core/process-state.ts';
import type { ExchangeRecord } from '../../core/record.ts';
import { verdictWith } from './process-verdict.ts';
import { verdictOf } from './record-verdict.ts';

const attempt = { cause: 'response_head_timeout', stage: 'response', evidence: null, exit: null };
const record = (shape: string, exit: object | null = null): ExchangeRecord =>
  ({
    ...{
      id: '1',
      kind: 'exchange',
      at: '2026-01-01T00:00:00Z',
      shape,
      cause: 'response_head_timeout',
      stage: 'response',
    },
    ...{ detail: 'No response came within 5 s.', attempts: [{ ...attempt, exit }], evidence: null },
  }) as unknown as ExchangeRecord;

const processOf = (openFiles: number): ProcessStateJson =>
  ({
    instance: 'app/1',
    pid: 77,
    sample: { open_files: openFiles, open_files_max: 64 },
  }) as unknown as ProcessStateJson;

test('a request whose process had used up its descriptors gets the step for that', () => {
  const { sentence, usualCauses, nextStep } = verdictWith(record('too_slow'), [processOf(64)]);
  assert.equal(sentence, 'No response came within 5 s. app/1 had 64 of its 64 descriptors open.');
  assert.deepEqual(usualCauses, []);
  assert.match(nextStep ?? '', /`ls -l \/proc\/77\/fd`/);
});

for (const [what, one, openFiles] of [
  ['has descriptors left', record('too_slow'), 20],
  ['served a request that the client ended', record('client_abort'), 64],
  ['has ended, which says more', record('reset', { code: 1, signal: null, oom: false, last_line: 'boom' }), 64],
] as const)
  test(`the verdict stays where the process ${what}`, () => {
    assert.deepEqual(verdictWith(one, [processOf(openFiles)]), verdictOf(one));
  });

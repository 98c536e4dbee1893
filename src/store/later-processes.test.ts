import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OutputLine } from '../core/output-line.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { InstanceVisit } from '../core/request-context.ts';
import { withoutLaterProcesses } from './output-coverage.ts';

describe('lines beside a request', () => {
  const visit = (since: number, attempt = 1) =>
    ({ instance: 'shop/1', attempt, since, until: since + 600, ended: since + 100 }) as const;
  const exits = [{ kind: 'exit', at: 120, instance: 'shop/1', pid: 7 }] as unknown as readonly ProcessNote[];
  const line = (at: number, pid: number, instance = 'shop/1'): OutputLine =>
    ({ at, text: `of ${pid}`, source: { instance, pid } }) as OutputLine;
  const kept = (lines: readonly OutputLine[], ...visits: readonly InstanceVisit[]): readonly string[] =>
    withoutLaterProcesses(lines, exits, visits).map(({ text }) => text);

  test('are not those of the process that was started when the one that had it had ended', () => {
    assert.deepEqual(kept([line(50, 7), line(130, 7), line(400, 8)], visit(0)), ['of 7', 'of 7']);
    assert.deepEqual(kept([line(50, 6), line(400, 9, 'shop/2')], visit(0)), ['of 6', 'of 9']);
  });

  test('are those of both processes where each had an attempt', () => {
    assert.deepEqual(kept([line(90, 7), line(200, 8), line(400, 8)], visit(0), visit(300, 2)), ['of 7', 'of 8']);
  });
});

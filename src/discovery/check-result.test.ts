import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fail } from '#failures/failure.ts';
import type { HealthCheckResult } from '../core/health-checker.ts';
import { mayBeMistaken, resultText } from './check-result.ts';

const firstBytes = new Uint8Array(0);
const answered = (status: number): HealthCheckResult => {
  return { kind: 'answered', address: 'a:80', status, location: null, firstBytes };
};
const timedOut = (connected: boolean, status: number | null = null): HealthCheckResult => {
  return { kind: 'timed_out', limitMs: 2000, connected, status };
};

describe('a check that fails may be wrong about requests', () => {
  const cases: readonly (readonly [which: string, result: HealthCheckResult, may: boolean])[] = [
    ['if it was redirected', answered(302), true],
    ['if its path does not exist', answered(404), true],
    ['if the body was not as expected', answered(200), true],
    ['if the application says that it is not well', answered(503), false],
    ['if it had no answer in time on its connection', timedOut(true), true],
    ['if the application said that it is not well, and did not end its answer', timedOut(true, 500), false],
    ['if it could not connect in time', timedOut(false), false],
    [
      'if nothing listened',
      { kind: 'failed', failure: fail('connect_refused', 'connect', { address: 'a:80' }), firstBytes },
      false,
    ],
    [
      'if its response was garbage',
      {
        kind: 'failed',
        failure: fail('response_not_http', 'response', { address: 'a:80', firstBytes: 'SSH', guess: 'ssh' }),
        firstBytes,
      },
      true,
    ],
  ];
  for (const [which, result, may] of cases) {
    test(`${which}: ${may ? 'yes' : 'no'}`, () => assert.equal(mayBeMistaken(result), may));
  }
});

test('where a check is redirected to is told without secrets, also beyond what is shown of it', () => {
  const location = `https://u:c4nary@h.example/${'a'.repeat(60)}?t=c4narycanary`;
  const text = resultText({ kind: 'answered', address: 'a:80', status: 302, location, firstBytes }, 'a:80');
  assert.equal(text, `redirects to https://…@h.example/${'a'.repeat(60)}?t=… (302)`);
});

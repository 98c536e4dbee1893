import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeRequests, judgeResponses, type Verdict } from './judge.ts';
import { loadCases } from './load-cases.ts';

const cases = loadCases();

for (const { name, kind, method, bytes, verdict } of cases) {
  test(name, () => {
    const actual = kind === 'request' ? judgeRequests([bytes]) : judgeResponses([bytes], method);
    const expected = verdict.map((line) => line.split(' · '));
    const written = actual.filter((line, index) => line[0] !== 'fields' || isAskedFor(expected, actual, index));
    assert.equal(written.length, expected.length, `messages: ${text(written)}`);
    expected.forEach((parts, index) => agree(parts, written[index] as Verdict));
  });
}

test('there are at least a hundred cases', () => assert.ok(cases.length >= 100, `${cases.length} cases`));

/** Whether the verdict has a line of headers after the same message. */
function isAskedFor(expected: readonly Verdict[], actual: readonly Verdict[], index: number): boolean {
  const messages = actual.slice(0, index).filter((line) => line[0] !== 'fields').length;
  let seen = 0;
  for (const line of expected) {
    if (line[0] !== 'fields') seen++;
    else if (seen === messages) return true;
  }
  return false;
}

function agree(expected: Verdict, actual: Verdict): void {
  const whole = expected[0] === 'fields' || expected[0] !== 'accepted';
  if (whole)
    assert.deepEqual(
      actual.filter((part) => part !== ''),
      expected.filter((part) => part !== ''),
      text([actual]),
    );
  else for (const part of expected) assert.ok(actual.includes(part), `"${part}" is not in: ${text([actual])}`);
}

function text(lines: readonly Verdict[]): string {
  return lines.map((line) => line.join(' · ')).join('\n');
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { Instant } from '../core/time.ts';
import type { InstanceLife } from './instance-life.ts';
import type { ProgramExit } from './host.ts';
import { exitFinding, exitText, type InstanceFacts, reasonOf } from './instance-text.ts';
import type { ReadinessResult } from './readiness.ts';

const at = (ms: number): Instant => ms as Instant;
const readiness = { path: '/healthz', intervalMs: 250, timeoutMs: 1000, passes: 3, startMs: 60_000 };
const restart = { firstMs: 1, maxMs: 2, resetAfterMs: 3 };
const spec = { readiness, stopMs: 10_000, restart, command: ['app'], environment: {} } as unknown as ApplicationSpec;

const good: ReadinessResult = { kind: 'answered', status: 200, location: null, firstBytes: '' };
const bad: ReadinessResult = { kind: 'answered', status: 500, location: null, firstBytes: '' };

const success: ProgramExit = { code: 0, signal: null, outOfMemory: false };

function reason(life: InstanceLife, lastObservation: ReadinessResult | null): string {
  const nothing = { wrongListenSockets: null, words: null, ending: null, isAdopted: false };
  const facts: InstanceFacts = { spec, port: 41_213, lastObservation, ...nothing };
  return reasonOf(life, facts);
}

function starting(passes: number, late = false): InstanceLife {
  return { phase: 'starting', since: at(0), failures: 0, failedStarts: 0, attempts: 5, passes, late };
}

function failing(passes: number): InstanceLife {
  return { phase: 'failing', since: at(0), startedAt: at(0), failures: 0, failedStarts: 0, passes };
}

function ready(fails: number): InstanceLife {
  return { phase: 'ready', since: at(0), startedAt: at(0), failures: 0, failedStarts: 0, fails };
}

const failed = /GET \/healthz on port 41213 answered 500: /;
const table: readonly (readonly [what: string, life: InstanceLife, seen: ReadinessResult | null, says: RegExp])[] = [
  ['starting, nothing seen', starting(0), null, /^starting: no check has come back yet$/],
  ['starting, a check failed', starting(0), bad, new RegExp(`^starting: ${failed.source}`)],
  ['starting, a check passed', starting(1), good, /^starting: 1 of 3 checks passed \(GET \/healthz on port 41213\)$/],
  ['late, a check failed', starting(0, true), bad, new RegExp(`^not ready after 60 s: ${failed.source}`)],
  ['late, a check passed', starting(2, true), good, /^not ready after 60 s: 2 of 3 checks passed/],
  ['ready, checks pass', ready(0), good, /^3 checks in a row passed/],
  [
    'ready, a check failed',
    ready(1),
    bad,
    new RegExp(`^its last check failed, 1 of 3 in a row that take it out: ${failed.source}`),
  ],
  ['failing, a check failed', failing(0), bad, new RegExp(`^3 checks in a row failed; ${failed.source}`)],
  ['failing, a check passed', failing(1), good, /^its checks had failed; 1 of 3 checks passed \(GET/],
];

describe('an instance that starts again', () => {
  const facts: InstanceFacts = {
    ...{ spec, port: 41_213, wrongListenSockets: null, words: null, isAdopted: false },
    lastObservation: null,
    ending: 'exited with code 3; last line: "boom"',
  };
  const again = { ...starting(0), failures: 1 } as InstanceLife;
  for (const [which, text, expected] of [
    [
      'says how its last run ended until a check has come back',
      reasonOf(again, facts),
      /^starting: no check has come back yet \(the run before: exited with code 3; last line: "boom"\)$/,
    ],
    [
      'says so as long as it does not listen',
      reasonOf(again, { ...facts, lastObservation: { kind: 'refused' } }),
      /^starting: nothing listens on its port yet \(the run before: exited with code 3; last line: "boom"\)$/,
    ],
    [
      'says what its check has seen once it listens',
      reasonOf(again, { ...facts, lastObservation: bad }),
      /answered 500: [^(]*$/,
    ],
    ['says nothing of a run that was well', reasonOf(starting(0), facts), /^starting: no check has come back yet$/],
  ] as const)
    test(which, () => assert.match(text, expected));
});

describe('no state stands beside an observation that denies it', () => {
  for (const [what, life, seen, says] of table) {
    test(`${what}: ${says.source}`, () => assert.match(reason(life, seen), says));
  }

  test('of an instance that is not ready no sentence says that a check was answered well and nothing else', () => {
    for (const [, life, seen] of table) {
      if (seen === good) assert.doesNotMatch(reason(life, seen), /answered 200/);
    }
  });
});

test('what is known of a program that ended says when it starts again, while it does not run', () => {
  const ended = { ending: 'exited with code 3', ownExit: { code: 3, signal: null, outOfMemory: false } };
  const exits = { failures: 2, failedStarts: 2 };
  const waiting: InstanceLife = { phase: 'backing_off', since: at(100), until: at(9000), ...exits };
  assert.equal(exitFinding(waiting, ended, null)?.startsAtInstant, 9000);
  const exited: InstanceLife = { phase: 'exited', since: at(100), killedAt: null, ...exits };
  for (const life of [exited, { ...starting(0), ...exits } as InstanceLife]) {
    const finding = exitFinding(life, ended, null);
    assert.deepEqual([finding?.exits, finding?.startsAtInstant], [2, undefined]);
  }
});

const endings: readonly (readonly [what: string, exit: ProgramExit, says: RegExp, fix: RegExp])[] = [
  [
    'it went to the background',
    { ...success, left: { pid: 7, command: 'node real.js', hasOwnGroup: false } },
    /^exited with code 0, and left node real\.js \(pid 7\) running in the background; last line: "Error: x" \(a\.js:3\)$/,
    /^let the program stay in the foreground/,
  ],
  [
    'it became a daemon',
    { ...success, left: { pid: 7, command: 'nginx', hasOwnGroup: true } },
    /left nginx \(pid 7\) running in the background in a process group of its own, which Candor does not end;/,
    /^let the program stay in the foreground/,
  ],
  [
    'its file cannot be executed: what a shell says of that explains nothing',
    { ...success, code: 126, fault: 'the program ./app is a directory' },
    /^exited with code 126: the program \.\/app is a directory$/,
    /^correct what keeps the program from starting/,
  ],
];

for (const [what, exit, says, fix] of endings)
  test(`how a program ended: ${what}`, () => {
    const ending = exitText(exit, '"Error: x" (a.js:3)');
    assert.match(ending, says);
    const waiting = { phase: 'backing_off', since: at(100), until: at(9000), failures: 2, failedStarts: 2 } as const;
    assert.match(exitFinding(waiting, { ending, ownExit: exit }, null)?.fix ?? '', fix);
  });

test('what is known of a program that ended leads to its output only if it printed something', () => {
  const ended = { ending: 'exited with code 3', ownExit: { code: 3, signal: null, outOfMemory: false } };
  const waiting = { phase: 'backing_off', since: at(100), until: at(9000), failures: 2, failedStarts: 2 } as const;
  assert.match(exitFinding(waiting, ended, null)?.fix ?? '', /^read the last output/);
  assert.match(
    exitFinding(waiting, { ...ended, isSilent: true }, null)?.fix ?? '',
    /^look at what .* writes elsewhere/,
  );
});

test('what is known of a program that could not be started says why, when Candor tries again, and what to do', () => {
  const never = { ending: 'there is no program "nope"', ownExit: null };
  const waiting = (failures: number): InstanceLife => ({
    ...{ phase: 'backing_off', since: at(100), until: at(9000), failures, failedStarts: failures },
  });
  const finding = exitFinding(waiting(1), never, null);
  assert.equal(finding?.reason, 'it could not be started: there is no program "nope"');
  assert.equal(finding?.startsAtInstant, 9000);
  assert.match(finding?.fix ?? '', /^correct what keeps the program from starting/);
  assert.match(exitFinding(waiting(7), never, null)?.reason ?? '', /^it has failed 7 times in a row, and could not be/);
});

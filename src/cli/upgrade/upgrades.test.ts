// Starts processes: a successor is a process, here one of Node that does as it is told.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { systemClock } from '../../system/system.ts';
import { lastRequestMs } from '../../core/drain.ts';
import { after, type Clock } from '../../core/time.ts';
import type { UpgradeOutcome } from '../../admin/upgrader.ts';
import { type ProcessHandoff, Upgrades } from './predecessor.ts';

/** A program that acts as the successor: `say` sends a message, and `told` resolves when the predecessor sends 'yours'. */
const words = `
  const say = (message) => new Promise((done) => process.send(message, done));
  const told = new Promise((resolve) => process.once('message', resolve));
  const kept = setInterval(() => {}, 1000);
  const leave = () => { clearInterval(kept); process.disconnect(); };
`;
const asked = `await say({ kind: 'step', step: 'reading_configuration' }); await say({ kind: 'wants', stateFolder: '/state' });`;
const listening = `${asked} await told; await say({ kind: 'step', step: 'listening' });`;
const serving = `${listening} await say({ kind: 'ready' }); leave();`;

/** The time limits of an upgrade pass faster on this clock by this factor. */
const speedup = 20;
const fastClock: Clock = {
  now: () => systemClock.now(),
  wallTime: () => systemClock.wallTime(),
  schedule: (at, callback, argument) => {
    const now = systemClock.now();
    return systemClock.schedule(after(now, (at - now) / speedup), callback, argument);
  },
};

class FakeHandoff implements ProcessHandoff {
  readonly done: string[] = [];
  why: string | null = null;
  releasing: () => Promise<string | null> = async () => null;
  takingBack: () => Promise<string | null> = async () => null;
  refusal(): string | null {
    return this.why;
  }
  ticketKey(): ReturnType<ProcessHandoff['ticketKey']> {
    return { key: new Uint8Array(48), ageMs: 0 };
  }
  featureStates(): ReturnType<ProcessHandoff['featureStates']> {
    return {};
  }
  told = 0;
  moreFeatureStates(): ReturnType<ProcessHandoff['featureStates']> {
    this.told += 1;
    return {};
  }
  handOff({ pid, stateFolder }: Parameters<ProcessHandoff['handOff']>[0]): Promise<string | null> {
    this.done.push(`release ${pid} ${stateFolder}`);
    return this.releasing();
  }
  rollBack(): Promise<string | null> {
    this.done.push('roll back');
    return this.takingBack();
  }
  complete(): void {
    this.done.push('complete');
  }
}

interface Run {
  readonly upgrades: Upgrades;
  readonly handoff: FakeHandoff;
  readonly events: string[];
  /** The reasons of the emitted events. */
  readonly reasons: string[];
  readonly steps: string[];
  readonly children: ChildProcess[];
  begin(timeoutMs?: number): Promise<UpgradeOutcome>;
}

function prepare(program: string | null): Run {
  const [handoff, events, steps] = [new FakeHandoff(), [] as string[], [] as string[]];
  const children: ChildProcess[] = [];
  const reasons: string[] = [];
  const upgrades = new Upgrades({
    clock: fastClock,
    events: {
      emit: ({ kind, actor, reason }) => {
        events.push(`${kind} ${actor}`);
        reasons.push(reason);
      },
    },
    handoff,
    start: () => {
      const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
      if (program === null) return spawn('/nowhere/candor', [], { stdio: [...stdio] });
      const code = `${words}(async () => { ${program} })()`;
      const child = spawn(process.execPath, ['-e', code], { stdio: [...stdio] });
      children.push(child);
      return child;
    },
  });
  const begin = (timeoutMs = 600_000): Promise<UpgradeOutcome> =>
    upgrades.upgrade('admin:socket', timeoutMs, (step) => steps.push(step));
  return { upgrades, handoff, events, reasons, steps, children, begin };
}

test('a process that has been replaced tells what it counts while its connections may send last requests, and no longer', async () => {
  const run = prepare(`${listening} await say({ kind: 'ready' });`);
  const began = performance.now();
  assert.equal((await run.begin()).ok, true);
  const until = async (count: number): Promise<void> => {
    while (run.handoff.told < count && performance.now() - began < 20_000)
      await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await until(21);
  assert.equal(run.handoff.told, 21);
  // More than `lastRequestMs`, on the clock that runs faster.
  assert.ok((performance.now() - began) * speedup > lastRequestMs);
  run.children[0]?.kill('SIGKILL');
});

test('a successor that works takes over, step by step', async () => {
  const run = prepare(serving);
  const outcome = await run.begin();
  assert.equal(outcome.ok, true);
  assert.deepEqual(run.steps, ['starting', 'reading_configuration', 'listening', 'ready', 'draining']);
  assert.deepEqual(run.handoff.done, [`release ${outcome.ok && outcome.pid} /state`, 'complete']);
  assert.deepEqual(run.events, ['upgrade_started admin:socket', 'upgrade_done admin:socket']);
  assert.equal(await run.upgrades.handedOff, outcome.ok && outcome.pid);
});

describe('the predecessor continues as before when the successor', () => {
  const cases: readonly (readonly [what: string, program: string | null, exit: string, says: RegExp])[] = [
    ['cannot be started', null, 'failure', /could not be started/],
    ['ends at once', 'process.exit(3);', 'failure', /ended with exit code 3 before it took over/],
    ['is killed while it asks', `${asked} process.kill(process.pid, 'SIGKILL');`, 'failure', /ended by SIGKILL/],
    [
      'is killed after it listened',
      `${listening} process.kill(process.pid, 'SIGKILL');`,
      'failure',
      /ended by SIGKILL/,
    ],
    [
      'rejects the configuration',
      `const why = 'Nothing was started.';
       await say({ kind: 'failed', failure: { kind: 'validation_failed', reason: why, errors: ['a:1:1: no.', 'b'] } });
       process.exit(4);`,
      'validation_failed',
      /^The new process rejects the configuration: a:1:1: no, and 1 more\.$/,
    ],
    [
      'sends a failure of an unknown kind',
      `await say({ kind: 'failed', failure: { kind: 'ok', reason: 'x' } });`,
      'failure',
      /^x$/,
    ],
    ['hangs', '', 'timeout', /has not taken over within 10 s/],
    ['hangs and ignores SIGTERM', "process.on('SIGTERM', () => {});", 'timeout', /has not taken over within/],
    ['sends unknown messages', "await say({ kind: 'later' }); await say(7); process.exit(1);", 'failure', /code 1/],
  ];
  for (const [what, program, exit, says] of cases) {
    test(what, async () => {
      const run = prepare(program);
      const outcome = await run.begin(what.startsWith('hangs') ? 10_000 : undefined);
      assert.ok(!outcome.ok);
      assert.equal(outcome.kind, exit);
      assert.match(outcome.reason, says);
      if (exit === 'validation_failed') assert.deepEqual(outcome.errors, ['a:1:1: no.', 'b']);
      if (program !== null) {
        assert.equal(run.handoff.done.at(-1), 'roll back');
        assert.deepEqual(run.events, ['upgrade_started admin:socket', 'upgrade_failed admin:socket']);
      }
      // Another upgrade is possible.
      if (what.startsWith('hangs')) return;
      const again = await run.begin();
      assert.ok(!again.ok && again.kind !== 'refused');
    });
  }
});

describe('a predecessor that fails to release', () => {
  const ways: readonly (readonly [
    what: string,
    releasing: () => Promise<string | null>,
    says: RegExp,
    kind: string,
  ])[] = [
    ['because the socket is taken', async () => 'The socket cannot be had.', /^The socket cannot be had\.$/, 'failure'],
    [
      'because of a defect',
      () => Promise.reject(new Error('no such thing\nat a')),
      /made a mistake: no such thing\./,
      'failure',
    ],
    ['within the time limit', () => new Promise(() => {}), /has not taken over within 10 s/, 'timeout'],
  ];
  for (const [what, releasing, says, kind] of ways) {
    test(`${what} ends the successor, says why, and continues`, async () => {
      const run = prepare(serving);
      run.handoff.releasing = releasing;
      const outcome = await run.begin(kind === 'timeout' ? 10_000 : undefined);
      assert.ok(!outcome.ok);
      assert.equal(outcome.kind, kind);
      assert.match(outcome.reason, says);
      assert.deepEqual(run.events, ['upgrade_started admin:socket', 'upgrade_failed admin:socket']);
      assert.ok(run.children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null));
      if (kind === 'timeout') return;
      assert.equal(run.handoff.done.at(-1), 'roll back');
      run.handoff.releasing = async () => null;
      assert.equal((await run.begin()).ok, true);
    });
  }

  test('ends nevertheless when it is stopped', async () => {
    const run = prepare(asked);
    const released = Promise.withResolvers<void>();
    run.handoff.releasing = () => {
      released.resolve();
      return new Promise(() => {});
    };
    const first = run.begin();
    await released.promise;
    await run.upgrades.abandon('SIGTERM');
    const outcome = await first;
    assert.match(outcome.ok ? '' : outcome.reason, /is stopping: SIGTERM/);
  });

  test('also reports a failed rollback, and a further upgrade is possible', async () => {
    const run = prepare(asked);
    run.handoff.releasing = async () => 'One.';
    run.handoff.takingBack = async () => 'Two.';
    const first = await run.begin();
    assert.equal(first.ok || first.reason, 'One. Two.');
    run.handoff.takingBack = () => Promise.reject(new Error('three'));
    const second = await run.begin();
    assert.match(second.ok ? '' : second.reason, /^One\. The gateway made a mistake: three\./);
    const third = await run.begin();
    assert.ok(!third.ok && third.kind === 'failure');
    await run.upgrades.abandon('SIGTERM');
  });
});

describe('an upgrade is refused', () => {
  test('while another one is in progress', async () => {
    const run = prepare('');
    const first = run.begin(20_000);
    const second = await run.begin();
    assert.deepEqual(second, { ok: false, kind: 'refused', reason: 'Another upgrade is in progress.', errors: [] });
    assert.equal((await first).ok, false);
  });

  test('if the gateway refuses it', async () => {
    const run = prepare('');
    run.handoff.why = 'It is the first process.';
    const outcome = await run.begin();
    assert.ok(!outcome.ok && outcome.kind === 'refused');
    assert.deepEqual(run.events, []);
  });

  test('after the gateway was asked to stop, and the one in progress ends', async () => {
    const run = prepare('');
    const first = run.begin();
    await run.upgrades.abandon('SIGTERM');
    const outcome = await first;
    assert.ok(!outcome.ok);
    assert.equal(outcome.kind, 'stopping');
    assert.match(outcome.reason, /is stopping: SIGTERM/);
    assert.ok(run.reasons.every((reason) => !reason.includes('goes on')));
    const second = await run.begin();
    assert.ok(!second.ok && second.kind === 'refused');
  });

  test('after another one has succeeded', async () => {
    const run = prepare(serving);
    await run.begin();
    const second = await run.begin();
    assert.ok(!second.ok && second.kind === 'refused');
  });
});

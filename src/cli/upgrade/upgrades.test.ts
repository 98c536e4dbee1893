import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { systemClock } from '../../system/system.ts';
import { after, type Clock } from '../../core/time.ts';
import type { UpgradeOutcome } from '../../admin/upgrader.ts';
import { type ProcessHandoff, Upgrades } from './predecessor.ts';

/** What the successor does, as a program of its own: `say` is said, and `told` resolves at the word to take over. */
const words = `
  const say = (message) => new Promise((done) => process.send(message, done));
  const told = new Promise((resolve) => process.once('message', resolve));
  const kept = setInterval(() => {}, 1000);
  const leave = () => { clearInterval(kept); process.disconnect(); };
`;
const asked = `await say({ kind: 'step', step: 'reading_configuration' }); await say({ kind: 'wants', stateFolder: '/state' });`;
const listening = `${asked} await told; await say({ kind: 'step', step: 'listening' });`;
const serving = `${listening} await say({ kind: 'ready' }); leave();`;

/** On it the waits of an upgrade pass at this multiple of their speed. */
const haste = 20;
const hastyClock: Clock = {
  now: () => systemClock.now(),
  wallTime: () => systemClock.wallTime(),
  schedule: (at, callback, argument) => {
    const now = systemClock.now();
    return systemClock.schedule(after(now, (at - now) / haste), callback, argument);
  },
};

class FakeEstate implements ProcessHandoff {
  readonly done: string[] = [];
  why: string | null = null;
  releasing: () => Promise<string | null> = async () => null;
  takingBack: () => Promise<string | null> = async () => null;
  refusal(): string | null {
    return this.why;
  }
  handOff({ pid, stateFolder }: Parameters<ProcessHandoff['handOff']>[0]): Promise<string | null> {
    this.done.push(`release ${pid} ${stateFolder}`);
    return this.releasing();
  }
  rollBack(): Promise<string | null> {
    this.done.push('take back');
    return this.takingBack();
  }
  complete(): void {
    this.done.push('leave');
  }
}

interface Run {
  readonly upgrades: Upgrades;
  readonly estate: FakeEstate;
  readonly told: string[];
  /** Of what was told. */
  readonly reasons: string[];
  readonly steps: string[];
  readonly children: ChildProcess[];
  begin(timeoutMs?: number): Promise<UpgradeOutcome>;
}

function prepare(program: string | null): Run {
  const [handoff, told, steps] = [new FakeEstate(), [] as string[], [] as string[]];
  const children: ChildProcess[] = [];
  const reasons: string[] = [];
  const upgrades = new Upgrades({
    clock: hastyClock,
    events: {
      emit: ({ kind, actor, reason }) => {
        told.push(`${kind} ${actor}`);
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
  return { upgrades, estate: handoff, told, reasons, steps, children, begin };
}

test('a successor that does as it should takes over, step by step', async () => {
  const run = prepare(serving);
  const outcome = await run.begin();
  assert.equal(outcome.ok, true);
  assert.deepEqual(run.steps, ['starting', 'reading_configuration', 'listening', 'ready', 'draining']);
  assert.deepEqual(run.estate.done, [`release ${outcome.ok && outcome.pid} /state`, 'leave']);
  assert.deepEqual(run.told, ['upgrade_started admin:socket', 'upgrade_done admin:socket']);
  assert.equal(await run.upgrades.handedOff, outcome.ok && outcome.pid);
});

describe('everything is as before when the successor', () => {
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
      'does not like the configuration',
      `const why = 'Nothing was started.';
       await say({ kind: 'failed', failure: { kind: 'validation_failed', reason: why, errors: ['a:1:1: no.', 'b'] } });
       process.exit(4);`,
      'validation_failed',
      /^The new process rejects the configuration: a:1:1: no, and 1 more\.$/,
    ],
    [
      'says a failure that nobody knows',
      `await say({ kind: 'failed', failure: { kind: 'ok', reason: 'x' } });`,
      'failure',
      /^x$/,
    ],
    ['hangs', '', 'timeout', /has not taken over within 10 s/],
    ['hangs and does not want to end', "process.on('SIGTERM', () => {});", 'timeout', /has not taken over within/],
    [
      'speaks of what nobody knows',
      "await say({ kind: 'later' }); await say(7); process.exit(1);",
      'failure',
      /code 1/,
    ],
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
        assert.equal(run.estate.done.at(-1), 'take back');
        assert.deepEqual(run.told, ['upgrade_started admin:socket', 'upgrade_failed admin:socket']);
      }
      // And another may be tried.
      if (what.startsWith('hangs')) return;
      const again = await run.begin();
      assert.ok(!again.ok && again.kind !== 'refused');
    });
  }
});

describe('a gateway that cannot let go', () => {
  const ways: readonly (readonly [
    what: string,
    releasing: () => Promise<string | null>,
    says: RegExp,
    kind: string,
  ])[] = [
    [
      'since something is in the way',
      async () => 'The socket cannot be had.',
      /^The socket cannot be had\.$/,
      'failure',
    ],
    [
      'by a mistake',
      () => Promise.reject(new Error('no such thing\nat a')),
      /made a mistake: no such thing\./,
      'failure',
    ],
    ['within the time', () => new Promise(() => {}), /has not taken over within 10 s/, 'timeout'],
  ];
  for (const [what, releasing, says, kind] of ways) {
    test(`${what} ends the successor, says why, and goes on`, async () => {
      const run = prepare(serving);
      run.estate.releasing = releasing;
      const outcome = await run.begin(kind === 'timeout' ? 10_000 : undefined);
      assert.ok(!outcome.ok);
      assert.equal(outcome.kind, kind);
      assert.match(outcome.reason, says);
      assert.deepEqual(run.told, ['upgrade_started admin:socket', 'upgrade_failed admin:socket']);
      assert.ok(run.children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null));
      if (kind === 'timeout') return;
      assert.equal(run.estate.done.at(-1), 'take back');
      run.estate.releasing = async () => null;
      assert.equal((await run.begin()).ok, true);
    });
  }

  test('ends all the same when it is told to', async () => {
    const run = prepare(asked);
    const released = Promise.withResolvers<void>();
    run.estate.releasing = () => {
      released.resolve();
      return new Promise(() => {});
    };
    const first = run.begin();
    await released.promise;
    await run.upgrades.abandon('SIGTERM');
    const outcome = await first;
    assert.match(outcome.ok ? '' : outcome.reason, /is stopping: SIGTERM/);
  });

  test('and cannot take back says that too, and may try again', async () => {
    const run = prepare(asked);
    run.estate.releasing = async () => 'One.';
    run.estate.takingBack = async () => 'Two.';
    const first = await run.begin();
    assert.equal(first.ok || first.reason, 'One. Two.');
    run.estate.takingBack = () => Promise.reject(new Error('three'));
    const second = await run.begin();
    assert.match(second.ok ? '' : second.reason, /^One\. The gateway made a mistake: three\./);
    const third = await run.begin();
    assert.ok(!third.ok && third.kind === 'failure');
    await run.upgrades.abandon('SIGTERM');
  });
});

describe('an upgrade is refused', () => {
  test('while another one is under way', async () => {
    const run = prepare('');
    const first = run.begin(20_000);
    const second = await run.begin();
    assert.deepEqual(second, { ok: false, kind: 'refused', reason: 'Another upgrade is in progress.', errors: [] });
    assert.equal((await first).ok, false);
  });

  test('when the gateway has an objection', async () => {
    const run = prepare('');
    run.estate.why = 'It is the first process.';
    const outcome = await run.begin();
    assert.ok(!outcome.ok && outcome.kind === 'refused');
    assert.deepEqual(run.told, []);
  });

  test('after the gateway was asked to stop, and the one under way ends', async () => {
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

  test('after another one has taken over', async () => {
    const run = prepare(serving);
    await run.begin();
    const second = await run.begin();
    assert.ok(!second.ok && second.kind === 'refused');
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { systemClock } from '../../gateway/system.ts';
import type { UpgradeOutcome } from '../../admin/upgrader.ts';
import { type Estate, Upgrades } from './predecessor.ts';

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

class FakeEstate implements Estate {
  readonly done: string[] = [];
  why: string | null = null;
  objection(): string | null {
    return this.why;
  }
  async release({ pid, stateFolder }: Parameters<Estate['release']>[0]): Promise<void> {
    this.done.push(`release ${pid} ${stateFolder}`);
  }
  async takeBack(): Promise<void> {
    this.done.push('take back');
  }
  leave(): void {
    this.done.push('leave');
  }
}

interface Run {
  readonly upgrades: Upgrades;
  readonly estate: FakeEstate;
  readonly told: string[];
  readonly steps: string[];
  begin(timeoutMs?: number): Promise<UpgradeOutcome>;
}

function prepare(program: string | null): Run {
  const [estate, told, steps] = [new FakeEstate(), [] as string[], [] as string[]];
  const upgrades = new Upgrades({
    clock: systemClock,
    events: { tell: ({ kind, actor }) => void told.push(`${kind} ${actor}`) },
    estate,
    start: () => {
      const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
      if (program === null) return spawn('/nowhere/candor', [], { stdio: [...stdio] });
      const code = `${words}(async () => { ${program} })()`;
      return spawn(process.execPath, ['-e', code], { stdio: [...stdio] });
    },
  });
  const begin = (timeoutMs = 30_000): Promise<UpgradeOutcome> =>
    upgrades.upgrade('admin:socket', timeoutMs, (step) => steps.push(step));
  return { upgrades, estate, told, steps, begin };
}

test('a successor that does as it should takes over, step by step', async () => {
  const run = prepare(serving);
  const outcome = await run.begin();
  assert.equal(outcome.ok, true);
  assert.deepEqual(run.steps, ['starting', 'reading_configuration', 'listening', 'ready', 'draining']);
  assert.deepEqual(run.estate.done, [`release ${outcome.ok && outcome.pid} /state`, 'leave']);
  assert.deepEqual(run.told, ['upgrade_started admin:socket', 'upgrade_done admin:socket']);
  assert.equal(await run.upgrades.handedOver, outcome.ok && outcome.pid);
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
       await say({ kind: 'failed', failure: { kind: 'validation_failed', why, complaints: ['a:1:1: no'] } });
       process.exit(4);`,
      'validation_failed',
      /^Nothing was started\.$/,
    ],
    [
      'says a failure that nobody knows',
      `await say({ kind: 'failed', failure: { kind: 'ok', why: 'x' } });`,
      'failure',
      /^x$/,
    ],
    ['hangs', '', 'timeout', /has not taken over within 0\.5 s/],
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
      const outcome = await run.begin(what.startsWith('hangs') ? 500 : 30_000);
      assert.ok(!outcome.ok);
      assert.equal(outcome.kind, exit);
      assert.match(outcome.why, says);
      if (exit === 'validation_failed') assert.deepEqual(outcome.complaints, ['a:1:1: no']);
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

describe('an upgrade is refused', () => {
  test('while another one is under way', async () => {
    const run = prepare('');
    const first = run.begin(1000);
    const second = await run.begin();
    assert.deepEqual(second, { ok: false, kind: 'refused', why: 'Another upgrade is under way.', complaints: [] });
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
    assert.match(outcome.why, /is to stop: SIGTERM/);
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

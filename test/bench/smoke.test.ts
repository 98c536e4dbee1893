// Only `npm run test:complete` runs this file: it measures for half a minute. `npm test` has the parts of the benches
// (`test/bench`).
// Starts processes: the benches are programs.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { accepts } from '../../bench/processes.ts';
import { portCount } from '../../bench/ports.ts';
import { findPeer } from '../../scripts/peers.ts';
import { cacheFolder, repositoryRoot } from '../../scripts/repository.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import { freePort } from '../free-port.ts';

// The short form of each measurement: that it runs, prints what it promises, and leaves no process. Its figures are not looked at. Two of them, and all
// with `SWEEP=all npm test -- --only bench/smoke`.

const folder = mkdtempSync(join(tmpdir(), 'candor-bench-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const missing = [
  ...(['nginx', 'wrk'] as const).flatMap((name) => {
    const peer = findPeer(name);
    return 'missing' in peer ? [peer.missing] : [];
  }),
  ...(availableParallelism() < 2 ? ['a measurement needs two cores'] : []),
];
const skip = missing[0] ?? false;
const canLimit =
  process.getuid?.() === 0 &&
  (existsSync('/sys/fs/cgroup/cpu/cgroup.procs') || existsSync('/sys/fs/cgroup/cgroup.controllers'));
const skipContainer = skip === false && !canLimit ? 'control groups need root' : skip;

interface Tool {
  readonly child: ChildProcess;
  readonly ports: readonly number[];
  readonly output: () => string;
  readonly errors: () => string;
}

async function freePorts(): Promise<readonly number[]> {
  for (;;) {
    const first = await freePort();
    const ports = Array.from({ length: portCount }, (_, index) => first + index);
    if (!(await Promise.all(ports.map(accepts))).includes(true)) return ports;
  }
}

async function start(tool: string, words: readonly string[], source = ['--source']): Promise<Tool> {
  const ports = await freePorts();
  const child = spawn(process.execPath, [join(repositoryRoot, 'bench', tool), ...source, ...words], {
    env: { ...process.env, CANDOR_BENCH_PORT: String(ports[0]), CANDOR_BENCH_TRIAL: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts[0] += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts[1] += text));
  return { child, ports, output: () => texts[0] as string, errors: () => texts[1] as string };
}

/** The exit code; no port of the measurement accepts connections any more. */
async function ended({ child, ports }: Tool): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual((await Promise.all(ports.map(accepts))).indexOf(true), -1, 'a program is still running');
  for (const name of ['run', 'minutes', 'container', 'latency', 'releases'])
    rmSync(join(cacheFolder, 'bench', `${name}-${(ports[0] as number) + 1}`), { recursive: true, force: true });
  return code;
}

async function finish(tool: Tool): Promise<{ code: number | null; figures: Record<string, unknown> }> {
  const code = await ended(tool);
  assert.match(tool.output(), /^\{/, tool.errors());
  return { code, figures: JSON.parse(tool.output()) as Record<string, unknown> };
}

describe('the short form of a measurement', () => {
  it('npm run bench measures CPU and latency', { skip }, async () => {
    const words = ['--works', 'small-get', '--gateways', 'candor', '--parts', 'cpu,latency', '--json'];
    const lengths = ['--rounds', '1', '--seconds', '1', '--latency-seconds', '1', '--warm-up', '0', '--no-repeat'];
    const { code, figures } = await finish(await start('run.ts', [...words, ...lengths]));
    assert.equal(code, 0);
    assert.equal((figures['runs'] as unknown[]).length, 1);
    assert.equal((figures['added'] as unknown[]).length, 2);
  });

  it('ends what it started on Ctrl-C', { skip }, async () => {
    const tool = await start('minutes.ts', [
      '--minutes',
      '2',
      '--rate',
      '100',
      '--warm-up',
      '30',
      '--plot',
      join(folder, 'x'),
    ]);
    // The gateway listens: the warm-up has begun.
    while (!(await accepts(tool.ports[3] as number))) {
      assert.equal(tool.child.exitCode, null, tool.errors());
      await sleep(20);
    }
    tool.child.kill('SIGINT');
    assert.equal(await ended(tool), 130);
  });
});

if (isWholeSweep)
  describe('the short form of a measurement that takes longer', () => {
    it('npm run bench:container measures within the limits, and removes its groups', {
      skip: skipContainer,
    }, async () => {
      const words = ['--rounds', '1', '--seconds', '1', '--warm-up', '0', '--rates', '100', '--no-repeat', '--json'];
      const tool = await start('container.ts', words);
      const { code, figures } = await finish(tool);
      assert.equal(code, 0);
      const rows = figures['rows'] as readonly {
        title: string;
        rounds: readonly { groupPeakBytes: number | null }[];
      }[];
      assert.deepEqual(
        rows.map(({ title }) => title),
        ['Candor', 'nginx'],
      );
      // A kernel that keeps the peak of a group has seen a process in it.
      for (const { rounds } of rows) assert.notEqual(rounds[0]?.groupPeakBytes, 0);
      for (const name of ['cpu', 'memory', '.'])
        assert.equal(existsSync(join('/sys/fs/cgroup', name, `candor-bench-${tool.child.pid}`)), false);
    });

    it('npm run bench:minutes alternates, draws, and says whether a minute was above', { skip }, async () => {
      const plot = join(folder, 'minutes.svg');
      const words = [
        '--minutes',
        '2',
        '--seconds-per-minute',
        '1',
        '--rate',
        '300',
        '--warm-up',
        '1',
        '--plot',
        plot,
        '--json',
      ];
      const tool = await start('minutes.ts', words);
      const { code, figures } = await finish(tool);
      // One minute of each cannot be judged.
      assert.equal(code, 3);
      const minutes = figures['minutes'] as readonly { gateway: string; garbage: object | null }[];
      assert.deepEqual(
        minutes.map(({ gateway, garbage }) => [gateway, garbage !== null]),
        [
          ['candor', true],
          ['nginx', false],
        ],
      );
      assert.match(tool.errors(), /\(2 of 2\)/);
      assert.match(readFileSync(plot, 'utf8'), /^<svg /);
    });

    it('npm run bench:releases compares one release with two', { skip }, async () => {
      const words = ['--rounds', '6', '--seconds', '1', '--warm-up', '1', '--ratio-max', '9'];
      const tool = await start('releases.ts', words, []);
      assert.equal(await ended(tool), 0, tool.errors());
      assert.match(tool.output(), /two ÷ one \d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\), held: at most 9/);
    });

    it('npm run bench:latency times both ways, and counts the turns of the event loops', { skip }, async () => {
      const words = ['--rate', '200', '--seconds', '1', '--warm-up', '1', '--json'];
      const { code, figures } = await finish(await start('latency.ts', words));
      assert.equal(code, 0);
      const splits = figures['splits'] as readonly {
        name: string;
        loops: readonly { thread: string; loops: number }[];
      }[];
      assert.deepEqual(
        splits.map(({ name }) => name),
        ['without a gateway', 'nginx', 'candor'],
      );
      const loops = splits[2]?.loops ?? [];
      assert.deepEqual(loops.map(({ thread }) => thread).toSorted(), ['candor log', 'candor worker 1', 'main']);
    });
  });

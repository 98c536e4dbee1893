import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGroup, type GroupFiles, removeGroups, throttledOf, withinGroup } from '../bench/cgroup.ts';
import { optionsOr, wholeNumber } from '../bench/options.ts';
import { repositoryRoot } from './repository.ts';

const usage = `usage: npm run test:starved -- [options]

Runs test files as on a machine that has too little processor time: in a control
group that gets a part of a core in each period of 100 ms, or that is stopped at
intervals. A test that fails here and passes elsewhere has a time limit that
belongs to the machine and not to the program. It needs root.

  --only <part of a path>  as for npm test; may be repeated
  --cpus <n>               parts of a core (0.35; with --freeze 2)
  --freeze <ms>            for how long the programs are stopped (0: never)
  --every <ms>             for how long they run in between (3000)
  --help

Exits as npm test does, with 1 if no control group can be created, and with 2
for a usage error.

example: npm run test:starved -- --freeze 1000 --only test/torture
`;

const asked = optionsOr(
  usage,
  {
    only: { type: 'string', multiple: true, default: [] },
    cpus: { type: 'string' },
    freeze: { type: 'string', default: '0' },
    every: { type: 'string', default: '3000' },
  },
  ({ only, cpus, freeze, every }) => {
    const freezeMs = freeze === '0' ? 0 : wholeNumber(freeze, '--freeze');
    return {
      only,
      freezeMs,
      everyMs: wholeNumber(every, '--every'),
      cpus: cpus === undefined ? (freezeMs > 0 ? 2 : 0.35) : numberOfCpus(cpus),
    };
  },
);

/** Everything takes longer here. */
const timeLimits = 4;
/** For programs that a test has left behind. */
const leftMsMax = 5000;

process.exitCode = await runStarved();

async function runStarved(): Promise<number> {
  let group: GroupFiles;
  try {
    group = createGroup(`candor-starved-${process.pid}`, {
      cpus: asked.cpus,
      memoryBytes: null,
      freezes: asked.freezeMs > 0,
    });
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
  const words = ['--time-limits', String(timeLimits), ...asked.only.flatMap((part) => ['--only', part])];
  const [shell = '', ...args] = withinGroup(group, [
    process.execPath,
    join(repositoryRoot, 'scripts', 'test.ts'),
    ...words,
  ]);
  const child = spawn(shell, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  await freezeUntilEnd(group, child);
  const [code] = await ended;
  console.log(`kept from running for ${Math.round(throttledOf(group).throttledMs / 1000)} s by its share of a core`);
  await endGroup(group);
  return code ?? 1;
}

/** Stops and continues all programs of the group by turns. */
async function freezeUntilEnd({ freezer }: GroupFiles, child: ChildProcess): Promise<void> {
  while (freezer !== null && child.exitCode === null && child.signalCode === null) {
    await sleep(asked.everyMs);
    writeFileSync(freezer.path, freezer.frozen);
    await sleep(asked.freezeMs);
    writeFileSync(freezer.path, freezer.thawed);
  }
}

/** A group can be removed when its last process has ended. */
async function endGroup({ folders }: GroupFiles): Promise<void> {
  const left = (): string => readFileSync(join(folders[0] ?? '', 'cgroup.procs'), 'latin1').trim();
  const end = performance.now() + leftMsMax;
  while (left() !== '' && performance.now() < end) await sleep(50);
  const pids = left().replaceAll('\n', ', ');
  if (pids === '') removeGroups();
  else console.error(`the control group ${folders.join(', ')} stays, because these processes are left: ${pids}`);
}

function numberOfCpus(text: string): number {
  const cpus = Number(text);
  if (cpus > 0) return cpus;
  throw new Error('--cpus takes a number above 0.');
}

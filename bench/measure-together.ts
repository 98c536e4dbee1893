import { join } from 'node:path';
import { gatewayCore } from './cores.ts';
import { drive } from './drive.ts';
import { candorGateway } from './gateways.ts';
import type { Round } from './judgement.ts';
import type { RunLength } from './measure-works.ts';
import { benchPort } from './ports.ts';
import { cpuMicroseconds, type Pinned, stop } from './processes.ts';
import { startGateway } from './start-gateway.ts';
import type { Program } from './tools.ts';
import { settings, type Setting, type Work } from './works.ts';

// On a shared machine, two consecutive runs of the same program differ by a fifth, because the load of the machine changes
// every second. So both programs run in the same seconds, on the same core, each with a load of its own: a disturbance
// affects both, and their ratio stays within a twentieth. A request costs each program more than it would alone, because
// each finds the other's code in the processor's caches; the increase is the same for both.

type Side = 'older' | 'newer';
type Both<T> = Readonly<Record<Side, T>>;

interface Pair {
  readonly pinned: Both<Pinned>;
  readonly ports: Both<number>;
}

interface LoadTools {
  readonly wrk: Program;
  readonly folder: string;
}

/**
 * One process may by chance have a better memory layout or be compiled better than the next, so rounds use several processes
 * of each.
 */
export const roundsPerStart = 5;

/** V8 has compiled the relevant code after about 4 s of a core. Here each program has half of one. */
const firstWarmUpS = 8;
const laterWarmUpS = 2;

const ports: Both<number> = { older: benchPort(3), newer: benchPort(12) };

/** A program, and what its configuration has besides. */
interface Compared {
  /** With `bin/candor`. */
  readonly folder: string;
  readonly configuration: string;
}

/** CPU time per request of both programs. */
export async function measureTogether(
  programs: Both<Compared>,
  works: readonly Work[],
  { rounds, seconds }: Pick<RunLength, 'rounds' | 'seconds'>,
  tools: LoadTools,
  say: (line: string) => void,
): Promise<Round[]> {
  const measured: Round[] = [];
  for (let from = 1; from <= rounds; from += roundsPerStart) {
    const until = Math.min(rounds, from + roundsPerStart - 1);
    for (const group of Map.groupBy(works, ({ setting }) => setting).values()) {
      const [first] = group as [Work];
      const pair = await startPair(programs, settings[first.setting], tools, from);
      for (const work of group) {
        await driveBoth(work, pair, work === first ? firstWarmUpS : laterWarmUpS, tools);
        for (let round = from; round <= until; round++) {
          const one = { work: work.name, round, ...(await measureBoth(work, pair, seconds, tools)) };
          measured.push(one);
          say(`${work.title}, round ${round} of ${rounds}: ${roundText(one)}`);
        }
      }
      await Promise.all([stop(pair.pinned.older), stop(pair.pinned.newer)]);
    }
  }
  return measured;
}

function roundText({ older, newer }: Round): string {
  return `${older.toFixed(1)} and ${newer.toFixed(1)} µs, ratio ${(newer / older).toFixed(3)}`;
}

/** The order alternates from pair to pair. */
async function startPair(programs: Both<Compared>, setting: Setting, tools: LoadTools, turn: number): Promise<Pair> {
  const start = (side: Side): Promise<Pinned> => {
    const { folder, configuration } = programs[side];
    const gateway = candorGateway(folder, setting, { port: ports[side], configuration });
    return startGateway(gateway, gatewayCore, join(tools.folder, side));
  };
  if (turn % (2 * roundsPerStart) === 1) {
    const older = await start('older');
    return { pinned: { older, newer: await start('newer') }, ports };
  }
  const newer = await start('newer');
  return { pinned: { older: await start('older'), newer }, ports };
}

/** The number of responses of each program. Throws if a request failed, since that is no measurement. */
async function driveBoth(work: Work, pair: Pair, seconds: number, tools: LoadTools): Promise<Both<number>> {
  const driven = async (side: Side): Promise<number> => {
    const { done, failures } = await drive(work, pair.ports[side], seconds, tools);
    if (failures > 0) throw new Error(`the ${side} one failed ${failures} of ${done} requests (${work.title})`);
    return done;
  };
  const [older, newer] = await Promise.all([driven('older'), driven('newer')]);
  return { older, newer };
}

async function measureBoth(work: Work, pair: Pair, seconds: number, tools: LoadTools): Promise<Both<number>> {
  const spent = (): Both<number> => ({
    older: cpuMicroseconds(pair.pinned.older.pid),
    newer: cpuMicroseconds(pair.pinned.newer.pid),
  });
  const before = spent();
  const done = await driveBoth(work, pair, seconds, tools);
  const after = spent();
  return { older: (after.older - before.older) / done.older, newer: (after.newer - before.newer) / done.newer };
}

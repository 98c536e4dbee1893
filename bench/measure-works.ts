import { drive } from './drive.ts';
import type { GatewayName } from './gateways.ts';
import { cpuMicroseconds, stop } from './processes.ts';
import type { FailedRun, Figures, Run } from './report.ts';
import { startAll, type Started } from './start-gateway.ts';
import type { Tools } from './tools.ts';
import { type SettingName, settings, type Work, type WorkName, works } from './works.ts';

/** How long, and how often, each work is measured. */
export interface RunLength {
  readonly rounds: number;
  readonly seconds: number;
}

type Say = (line: string) => void;

/**
 * V8 compiles a gateway's code on Node only after some 30,000 requests, and the code that a later work adds after as many of
 * that work. So each gateway gets time for that. Measured: 105 µs for each POST of 10 KB before, 62 afterwards.
 */
export const firstWarmUpS = 10;
const laterWarmUpS = 3;

type Measured = Pick<Figures, 'runs' | 'failed'>;

/** CPU time of each gateway with each work, in rounds in which the gateways take turns. */
export async function measureWorks(
  wanted: readonly WorkName[],
  tools: Tools,
  runLength: RunLength,
  say: Say,
): Promise<Measured> {
  const runs: (Run | FailedRun)[] = [];
  for (const setting of Object.keys(settings) as SettingName[]) {
    const group = works.filter((work) => work.setting === setting && wanted.includes(work.name));
    if (group.length === 0) continue;
    const started = await startAll(tools, settings[setting]);
    for (const work of group) {
      const warmUpS = work === group[0] ? firstWarmUpS : laterWarmUpS;
      for (const { gateway } of started) await drive(work, gateway.port, warmUpS, tools);
      runs.push(...(await measureRounds(work, started, tools, runLength, say)));
    }
    for (const { pinned } of started) await stop(pinned);
  }
  return { runs: runs.filter((run): run is Run => !isFailed(run)), failed: runs.filter(isFailed) };
}

function isFailed(run: Run | FailedRun): run is FailedRun {
  return 'failures' in run;
}

async function measureRounds(
  work: Work,
  started: readonly Started[],
  tools: Tools,
  { rounds, seconds }: RunLength,
  say: Say,
): Promise<(Run | FailedRun)[]> {
  const runs: (Run | FailedRun)[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const one of started) runs.push(await measureRun(work, one, round, seconds, tools));
    const said = runs.filter((run) => run.round === round).map(runText);
    say(`${work.title}, round ${round} of ${rounds}: ${said.join(', ')}`);
  }
  return runs;
}

function runText(run: Run | FailedRun): string {
  return isFailed(run)
    ? `${run.gateway} failed ${run.failures} of ${run.done} and does not count`
    : `${run.gateway} ${run.cpuMicroseconds.toFixed(1)}`;
}

/** Requests through Candor must not fail. */
async function measureRun(
  work: Work,
  { gateway, pinned }: Started,
  round: number,
  seconds: number,
  tools: Tools,
): Promise<Run | FailedRun> {
  const before = cpuMicroseconds(pinned.pid);
  const { done, perSecond, failures } = await drive(work, gateway.port, seconds, tools);
  const spent = cpuMicroseconds(pinned.pid) - before;
  const run = { work: work.name, gateway: gateway.name as GatewayName, round };
  if (failures === 0) return { ...run, cpuMicroseconds: spent / done, perSecond };
  if (gateway.name === 'candor') throw new Error(`candor failed ${failures} of ${done} requests (${work.title})`);
  return { ...run, failures, done };
}

import { drive } from './drive.ts';
import type { Gateway, GatewayName } from './gateways.ts';
import { cpuMicroseconds, type Pinned, stop } from './processes.ts';
import type { Run } from './report.ts';
import { startAll, type Started } from './start-gateway.ts';
import type { Tools } from './tools.ts';
import { type SettingName, settings, type Work, type WorkName, works } from './works.ts';

/** How long, and how often, each thing is measured. */
export interface Pace {
  readonly rounds: number;
  readonly seconds: number;
}

type Say = (line: string) => void;

/** V8 has compiled what a gateway on Node does only after seconds at full load; all get them. Later works need less. */
const firstWarmUpS = 4;
const laterWarmUpS = 1;

/** CPU time of each gateway at each work, in rounds in which all take their turn. */
export async function measureWorks(wanted: readonly WorkName[], tools: Tools, pace: Pace, say: Say): Promise<Run[]> {
  const runs: Run[] = [];
  for (const setting of Object.keys(settings) as SettingName[]) {
    const group = works.filter((work) => work.setting === setting && wanted.includes(work.name));
    if (group.length === 0) continue;
    const started = await startAll(tools, settings[setting]);
    for (const work of group) {
      const warmUpS = work === group[0] ? firstWarmUpS : laterWarmUpS;
      for (const { gateway } of started) await drive(work, gateway.port, warmUpS, tools);
      runs.push(...(await measureRounds(work, started, tools, pace, say)));
    }
    for (const { pinned } of started) await stop(pinned);
  }
  return runs;
}

async function measureRounds(
  work: Work,
  started: readonly Started[],
  tools: Tools,
  { rounds, seconds }: Pace,
  say: Say,
): Promise<Run[]> {
  const runs: Run[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const { gateway, pinned } of started) {
      const measured = await measureRun(work, gateway, pinned, { round, seconds }, tools, say);
      if (measured !== null) runs.push(measured);
    }
    say(`${work.title}, round ${round} of ${rounds}: ${roundText(runs, round)}`);
  }
  return runs;
}

function roundText(runs: readonly Run[], round: number): string {
  return runs
    .filter((one) => one.round === round)
    .map(({ gateway, cpuMicroseconds: cpu }) => `${gateway} ${cpu.toFixed(1)}`)
    .join(', ');
}

/** Null where requests failed: that is no measurement. Ours may not fail. */
async function measureRun(
  work: Work,
  gateway: Gateway,
  pinned: Pinned,
  { round, seconds }: { round: number; seconds: number },
  tools: Tools,
  say: Say,
): Promise<Run | null> {
  const before = cpuMicroseconds(pinned.pid);
  const { done, perSecond, failures } = await drive(work, gateway.port, seconds, tools);
  const spent = cpuMicroseconds(pinned.pid) - before;
  if (failures > 0) {
    const what = `${gateway.name} failed ${failures} of ${done} requests (${work.title})`;
    if (gateway.name === 'candor') throw new Error(`${what}: nothing was measured`);
    say(`${what}: not counted`);
    return null;
  }
  return { work: work.name, gateway: gateway.name as GatewayName, round, cpuMicroseconds: spent / done, perSecond };
}

import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { drive } from './drive.ts';
import type { GatewayName } from './gateways.ts';
import { cpuMicroseconds, stop } from './processes.ts';
import type { DisturbedRounds, FailedRun, Figures, Run } from './report.ts';
import { type Counted, countingValues, measureQuietly, summarizeRounds, type ThrownAway } from './rounds.ts';
import { startAll, type Started } from './start-gateway.ts';
import type { Tools } from './tools.ts';
import { watched } from './watch-cores.ts';
import { type SettingName, settings, type Work, type WorkName, works } from './works.ts';

/** How long, and how often, each work is measured. */
export interface RunLength {
  readonly rounds: number;
  /** Of each gateway and work, for rounds that were disturbed. */
  readonly repetitionsMax: number;
  readonly seconds: number;
  /** Of each run at a fixed rate: a percentile of 99.9 needs many requests. */
  readonly latencySeconds: number;
  /** Load before the first round of each gateway. */
  readonly warmUpSeconds: number;
}

type Say = (line: string) => void;

/**
 * V8 compiles a gateway's code on Node only after some 30,000 requests, and the code that a later work adds after as many of
 * that work. So each gateway gets time for that. Measured: 105 µs for each POST of 10 KB before, 62 afterwards.
 */
export const firstWarmUpS = 10;
const laterWarmUpS = 3;
/** A core does some 1,500 handshakes a second. Measured: 1.29 times nginx's CPU after 3 s, 1.15 after 40 s. */
const handshakeWarmUpS = 40;

type Measured = Pick<Figures, 'runs' | 'failed' | 'disturbed'>;
type AnyRun = Run | FailedRun;

/** CPU time of each gateway with each work, in rounds in which the gateways take turns. */
export async function measureWorks(
  wanted: readonly WorkName[],
  tools: Tools,
  runLength: RunLength,
  say: Say,
): Promise<Measured> {
  const runs: AnyRun[] = [];
  const disturbed: DisturbedRounds[] = [];
  for (const setting of Object.keys(settings) as SettingName[]) {
    const group = works.filter((work) => work.setting === setting && wanted.includes(work.name));
    if (group.length === 0) continue;
    const started = await startAll(tools, settings[setting]);
    for (const work of group) {
      const warmUpS = warmUpSecondsOf(work, work === group[0], runLength);
      for (const { gateway } of started) await drive(work, gateway.port, warmUpS, tools);
      const measured = await measureRounds(work, started, tools, runLength, say);
      runs.push(...measured.runs);
      disturbed.push(...measured.disturbed);
      emptyLogs(started, tools.folder);
    }
    for (const { pinned } of started) await stop(pinned);
  }
  return {
    runs: runs.filter((run): run is Run => !isFailed(run)),
    failed: runs.filter(isFailed),
    disturbed,
  };
}

function warmUpSecondsOf(work: Work, isFirst: boolean, { warmUpSeconds }: RunLength): number {
  const known = isFirst ? warmUpSeconds : Math.min(laterWarmUpS, warmUpSeconds);
  return work.handshake === undefined || warmUpSeconds < firstWarmUpS ? known : handshakeWarmUpS;
}

/** Logs without rotation grow by gigabytes in a complete run. All programs append to them. */
function emptyLogs(started: readonly Started[], folder: string): void {
  for (const { gateway } of started) {
    if (gateway.name === 'candor') continue;
    const own = join(folder, gateway.name);
    for (const file of readdirSync(own)) {
      if (file.endsWith('.log') && statSync(join(own, file)).isFile()) truncateSync(join(own, file));
    }
  }
}

function isFailed(run: AnyRun): run is FailedRun {
  return 'failures' in run;
}

async function measureRounds(
  work: Work,
  started: readonly Started[],
  tools: Tools,
  { rounds, repetitionsMax, seconds }: RunLength,
  say: Say,
): Promise<{ readonly runs: readonly AnyRun[]; readonly disturbed: readonly DisturbedRounds[] }> {
  const measured = await measureQuietly(
    started,
    { rounds, repetitionsMax },
    (one, round) => watched([one.pinned.pid], () => measureRun(work, one, round, seconds, tools)),
    (round, counted, thrownAway) => {
      say(
        `${work.title}, round ${round} of ${rounds}: ${[...counted.map(runText), ...thrownAway.map(repeatText)].join(', ')}`,
      );
    },
  );
  return {
    runs: countingValues(measured),
    disturbed: summarizeRounds(measured).map(({ item, ...summary }) => ({
      ...summary,
      what: work.title,
      gateway: item.gateway.name as GatewayName,
    })),
  };
}

function runText({ value: run, why }: Counted<Started, AnyRun>): string {
  const mark = why === null ? '' : ` (not quiet: ${why})`;
  return isFailed(run)
    ? `${run.gateway} failed ${run.failures} of ${run.done} and does not count`
    : `${run.gateway} ${run.cpuMicroseconds.toFixed(1)}${mark}`;
}

export function repeatText({ item, why }: ThrownAway<{ readonly gateway: { readonly name: string } }>): string {
  return `${item.gateway.name} repeated: ${why}`;
}

/** Requests through Candor must not fail. */
async function measureRun(
  work: Work,
  { gateway, pinned }: Started,
  round: number,
  seconds: number,
  tools: Tools,
): Promise<AnyRun> {
  const before = cpuMicroseconds(pinned.pid);
  const { done, perSecond, failures } = await drive(work, gateway.port, seconds, tools);
  const spent = cpuMicroseconds(pinned.pid) - before;
  const run = { work: work.name, gateway: gateway.name as GatewayName, round };
  if (failures === 0) return { ...run, cpuMicroseconds: spent / done, perSecond };
  if (gateway.name.startsWith('candor'))
    throw new Error(`${gateway.name} failed ${failures} of ${done} requests (${work.title})`);
  return { ...run, failures, done };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, countAnswers } from './answer.ts';
import { DeployLab } from './deploy-lab.ts';
import type { HarmCounts, PlayResult, Strategy } from './play-result.ts';
import type { Release } from './release-form.ts';
import { RolloutWatch } from './rollout-watch.ts';
import type { StockService } from './stock-service.ts';
import { Traffic } from './traffic.ts';

const afterSeconds = 60;
const slowSeconds = 600;
const minute = 60;
/** Processes that have just started answer late. */
const warmUpSeconds = 10;
const faultsMax = 20;

interface PlayOrder {
  readonly release: Release;
  readonly strategy: Strategy;
  readonly beforeSeconds: number;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Deploys a release while clients send requests, and returns what they have met. */
export async function play({ release, strategy, beforeSeconds, folder, signal }: PlayOrder): Promise<PlayResult> {
  const lab = await DeployLab.start(release, folder);
  const traffic = new Traffic(lab.port);
  const startedAt = performance.now();
  const second = (): number => Math.round((performance.now() - startedAt) / 100) / 10;
  const wait = (seconds: number): Promise<void> => sleep(Math.max(seconds, 0) * 1000, undefined, { signal });
  const watch = new RolloutWatch(lab.socket, release.name, second);
  const meanwhile = new AbortController();
  try {
    await wait(beforeSeconds);
    const deploySecond = second();
    const migration = await lab.migrate(signal);
    void meet(release, traffic, lab.stock, AbortSignal.any([signal, meanwhile.signal])).catch(() => {});
    const deploy = (migration?.exitCode ?? 0) === 0 ? await lab.deploy(strategy, signal) : null;
    await wait(afterSeconds);
    const isInForce = (): boolean => (watch.sights.at(-1)?.share ?? 0) > 0;
    while (release.slow && isInForce() && second() < deploySecond + slowSeconds) await wait(1);
    const endSecond = second();
    await traffic.stop();
    return {
      ...nameOf(release, strategy),
      ...{ migration, deploy, deploySecond, endSecond, sights: watch.sights },
      ...countsOf(release, traffic.answers, deploySecond, firstSecond(watch) ?? deploySecond),
      releases: await lab.releases(signal),
      gatewayOutput: lab.isGatewayRunning ? '' : lab.gatewayOutput,
    };
  } finally {
    meanwhile.abort();
    watch.stop();
    await traffic.stop();
    await lab.stop();
  }
}

export function nameOf({ name, kind, expected, slow }: Release, strategy: Strategy) {
  return { name: `${name} ${strategy}`, release: name, kind, strategy, expected, isSlow: slow };
}

const firstSecond = ({ sights }: RolloutWatch): number | null => sights.find(({ share }) => share > 0)?.second ?? null;

/** What happens during the deployment. */
async function meet({ meanwhile }: Release, traffic: Traffic, stock: StockService, signal: AbortSignal): Promise<void> {
  if (meanwhile === null) return;
  if (meanwhile.kind === 'extra_client') return traffic.addClient(meanwhile.client);
  await sleep(meanwhile.afterSeconds * 1000, null, { signal });
  if (meanwhile.kind === 'rate_doubles') {
    traffic.perSecond *= 2;
    return;
  }
  stock.mode = meanwhile.kind === 'stock_fails' ? 'fails' : 'is_slow';
  await sleep(meanwhile.forSeconds * 1000, null, { signal });
  stock.mode = 'usual';
}

function countsOf({ harmed }: Release, answers: readonly Answer[], deploySecond: number, firstAt: number) {
  const since = (second: number): Answer[] => answers.filter(({ at }) => at >= second * 1000);
  const counts = (some: readonly Answer[]): HarmCounts => {
    const bad = some.filter(harmed);
    return { requests: some.length, harmed: bad.length, wrong: bad.filter(({ fault }) => fault !== 'late').length };
  };
  const after = since(deploySecond);
  const { byVersion, byRoute } = countAnswers(after, harmed);
  const { bySecond } = countAnswers(answers.filter(harmed), harmed);
  return {
    before: counts(since(Math.min(warmUpSeconds, deploySecond / 2)).filter(({ at }) => at < deploySecond * 1000)),
    after: counts(after),
    afterMinute: counts(since(firstAt + minute)),
    ...{ byVersion, byRoute },
    harmedBySecond: Object.fromEntries(Object.entries(bySecond).map(([at, one]) => [at, one.harmed])),
    faults: faultsOf(after.filter(harmed)),
  };
}

function faultsOf(answers: readonly Answer[]): PlayResult['faults'] {
  const counts = new Map<string, number>();
  for (const { route, fault, status, version } of answers) {
    const text = `${version ?? 'none'} ${route} ${fault ?? 'other'} ${status}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].toSorted(([, a], [, b]) => b - a).slice(0, faultsMax));
}

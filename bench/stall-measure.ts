import { setTimeout as sleep } from 'node:timers/promises';
import { startDnsServer } from '../src/testing/dns-server.ts';
import { endpointAddresses, Load, MeasuredGateway, type StallConfiguration } from './stall-gateway.ts';
import { figuresOf, type StallFigures, type StallRound } from './stall-report.ts';
import { type Situation, type SituationContext, setPool, situations } from './stall-situations.ts';

interface StallSettings {
  readonly routes: number;
  readonly endpoints: number;
  /** Requests per second, during all measurements. */
  readonly perSecond: number;
  readonly rounds: number;
  /** Situations whose name contains this text. */
  readonly only: string;
  /** Rounds before those that count: the first time of something is the first time for its code too. */
  readonly warmRounds: number;
  /** How long the quiet situation lasts. */
  readonly quietMs: number;
  /** The effects of a change reach the workers within this time. */
  readonly settleMs: number;
  readonly onFigures?: (figures: StallFigures) => void;
}

interface StallResult {
  readonly figures: readonly StallFigures[];
  readonly requests: number;
  readonly failed: number;
}

/** Each route is asked once before the first measurement, so that the counts of all of them exist. */
const warmPerSecond = 2000;

/** The record of a request reaches the main thread within this time. */
const recordMs = 300;

/** Runs each situation several times on a gateway with the wanted size. Throws if one cannot be run. */
export async function measureStalls(settings: StallSettings): Promise<StallResult> {
  const load = new Load(endpointAddresses(settings.endpoints));
  const dns = await startDnsServer();
  try {
    setPool(dns, 0);
    const port = await load.endpointPort();
    const { routes, endpoints } = settings;
    const calm = { routes, endpoints, port, check: 'none', dns: dns.address, version: 0, commitDelayMs: 100 };
    const checked = { ...calm, check: '{ path: /, interval: 1s }' };
    const figures: StallFigures[] = [];
    let [requests, failed] = [0, 0];
    for (const [kind, configuration] of [['calm', calm] as const, ['checked', checked] as const]) {
      const wanted = situations.filter(({ gateway, name }) => gateway === kind && name.includes(settings.only));
      if (wanted.length === 0) continue;
      const measured = await measureOn(configuration, wanted, settings, load, dns);
      figures.push(...measured.figures);
      requests += measured.requests;
      failed += measured.failed;
    }
    return { figures, requests, failed };
  } finally {
    load.stop();
    await dns.stop();
  }
}

async function measureOn(
  configuration: StallConfiguration,
  wanted: readonly Situation[],
  settings: StallSettings,
  load: Load,
  dns: SituationContext['dns'],
): Promise<StallResult> {
  const gateway = await MeasuredGateway.start(configuration);
  try {
    const port = await gateway.port();
    const { routes, perSecond, quietMs, rounds: counting, warmRounds, settleMs } = settings;
    load.run({ port, routes, perSecond: warmPerSecond });
    await sleep(500 + (routes / warmPerSecond) * 1000);
    load.run({ port, routes, perSecond });
    await sleep(500);
    await load.figures();
    const figures: StallFigures[] = [];
    let [requests, failed, round] = [0, 0, 0];
    for (const situation of wanted) {
      const rounds: StallRound[] = [];
      for (let at = 0; at < warmRounds + counting; at++) {
        const requestId = situation.needsRequest === true ? await askOnce(port) : '';
        round++;
        const context = { gateway, dns, configuration, round, requestId, quietMs };
        const measured = await gateway.measure(() => situation.run(context), settleMs);
        if (at >= warmRounds) rounds.push(measured);
        await situation.undo?.(context);
        if (situation.undo !== undefined) await sleep(settleMs);
      }
      const counted = await load.figures();
      requests += counted.requests;
      // Maintenance answers with 503, as it should.
      failed += situation.name.startsWith('maintenance') ? 0 : counted.failed;
      const found = figuresOf(situation.name, rounds);
      figures.push(found);
      settings.onFigures?.(found);
    }
    return { figures, requests, failed };
  } finally {
    await gateway.stop();
  }
}

/** The id of an answered request, once its record has reached the main thread. */
async function askOnce(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/version`);
  await answer.arrayBuffer();
  await sleep(recordMs);
  return answer.headers.get('x-request-id') ?? '';
}

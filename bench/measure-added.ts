import { askFixedRate, drive } from './drive.ts';
import { type GatewayName, originPort } from './gateways.ts';
import { type FixedRate, lateShareMax } from './latency-summary.ts';
import { repeatText, type RunLength } from './measure-works.ts';
import { stop } from './processes.ts';
import { percentText } from './quiet.ts';
import type { Added, DisturbedRounds } from './report.ts';
import { type Counted, countingValues, measureQuietly, type Rounds, summarizeRounds } from './rounds.ts';
import { startAll } from './start-gateway.ts';
import type { Tools } from './tools.ts';
import { watched } from './watch-cores.ts';
import { settings, type Work, works } from './works.ts';

const rates = [500, 2000];
const [small] = works as readonly [Work];

/** A gateway, or the origin alone, which is measured in each round too. */
interface Timed {
  readonly gateway: { readonly name: GatewayName | 'origin'; readonly port: number };
  /** Its processes on the gateways' core. */
  readonly pids: readonly number[];
}

/** The latency that each gateway adds to the origin's at a given rate, in rounds in which the gateways take turns. */
export async function measureAdded(
  tools: Tools,
  { rounds, repetitionsMax, latencySeconds, warmUpSeconds }: RunLength,
  say: (line: string) => void,
): Promise<{ readonly added: readonly Added[]; readonly disturbed: readonly DisturbedRounds[] }> {
  const started = await startAll(tools, settings.plain);
  // At these rates it would take minutes until V8 has compiled a gateway's code on Node.
  for (const { gateway } of started) await drive(small, gateway.port, warmUpSeconds, tools);
  const timed: Timed[] = [
    { gateway: { name: 'origin', port: originPort }, pids: [] },
    ...started.map(({ gateway, pinned }) => ({ gateway, pids: [pinned.pid] })),
  ];
  const added: Added[] = [];
  const disturbed: DisturbedRounds[] = [];
  for (const perSecond of rates) {
    const measured = await measureQuietly(
      timed,
      { rounds, repetitionsMax },
      async ({ gateway, pids }) => {
        const turn = await watched(pids, () => askFixedRate(gateway.port, perSecond, latencySeconds));
        return { ...turn, why: whyLate(turn.value) };
      },
      (round, counted, thrownAway) => {
        const texts = [...counted.map(roundText), ...thrownAway.map(repeatText)];
        say(`p99 at ${perSecond}/s, round ${round} of ${rounds}: ${texts.join(', ')}`);
      },
    );
    const beyond = addedRounds(measured, perSecond);
    added.push(...countingValues(beyond));
    const what = `${perSecond.toLocaleString('en')}/s`;
    for (const { item, ...summary } of summarizeRounds(beyond)) disturbed.push({ ...summary, what, gateway: item });
  }
  for (const { pinned } of started) await stop(pinned);
  return { added, disturbed };
}

function roundText({ item, value: { p99Ms }, why }: Counted<Timed, FixedRate>): string {
  return `${item.gateway.name} ${p99Ms.toFixed(2)} ms${why === null ? '' : ` (not quiet: ${why})`}`;
}

/** What each gateway adds to the origin alone of the same round. Both have to be quiet. */
function addedRounds({ counted, thrownAway }: Rounds<Timed, FixedRate>, perSecond: number): Rounds<GatewayName, Added> {
  const alone = new Map(counted.filter(({ item }) => item.gateway.name === 'origin').map((one) => [one.round, one]));
  return {
    counted: counted.flatMap(({ item: { gateway }, round, value: through, why }) => {
      const origin = alone.get(round);
      if (gateway.name === 'origin' || origin === undefined) return [];
      const value: Added = {
        ...{ gateway: gateway.name, perSecond, round, late: through.late },
        p50Ms: through.p50Ms - origin.value.p50Ms,
        p99Ms: through.p99Ms - origin.value.p99Ms,
        p999Ms: through.p999Ms - origin.value.p999Ms,
      };
      const whyOrigin = origin.why === null ? null : `in the run of the origin alone ${origin.why}`;
      return [{ item: gateway.name, round, value, why: why ?? whyOrigin }];
    }),
    thrownAway: thrownAway.flatMap(({ item: { gateway }, ...one }) =>
      gateway.name === 'origin' ? [] : [{ ...one, item: gateway.name }],
    ),
  };
}

/** Null if the load generator was punctual enough for percentiles. */
export function whyLate({ late, requests }: Pick<FixedRate, 'late' | 'requests'>): string | null {
  const share = late / (late + requests);
  return share > lateShareMax ? `the load generator was late for ${percentText(share)} of the requests` : null;
}

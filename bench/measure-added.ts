import type { Steady } from './client.ts';
import { askClient, drive } from './drive.ts';
import { type GatewayName, originPort } from './gateways.ts';
import { firstWarmUpS, type RunLength } from './measure-works.ts';
import { stop } from './processes.ts';
import type { Added } from './report.ts';
import { startAll } from './start-gateway.ts';
import type { Tools } from './tools.ts';
import { settings, type Work, works } from './works.ts';

const rates = [500, 2000];
const path = '/orders/1742';
const [small] = works as readonly [Work];

/** The latency that each gateway adds to the origin's at a given rate, in rounds in which the gateways take turns. */
export async function measureAdded(
  tools: Tools,
  { rounds, seconds }: RunLength,
  say: (line: string) => void,
): Promise<Added[]> {
  const started = await startAll(tools, settings.plain);
  // At these rates it would take minutes until V8 has compiled a gateway's code on Node.
  for (const { gateway } of started) await drive(small, gateway.port, firstWarmUpS, tools);
  const added: Added[] = [];
  for (const perSecond of rates) {
    for (let round = 1; round <= rounds; round++) {
      const asked = async (port: number): Promise<Steady> =>
        askClient<Steady>(['steady', String(port), path, String(perSecond), String(seconds)]);
      const alone = await asked(originPort);
      for (const { gateway } of started) {
        const through = await asked(gateway.port);
        const name = gateway.name as GatewayName;
        added.push({ gateway: name, perSecond, round, ...difference(through, alone) });
      }
      say(`added at ${perSecond}/s, round ${round} of ${rounds}`);
    }
  }
  for (const { pinned } of started) await stop(pinned);
  return added;
}

function difference(through: Steady, alone: Steady): Pick<Added, 'p50Ms' | 'p99Ms' | 'p999Ms'> {
  return {
    p50Ms: through.p50Ms - alone.p50Ms,
    p99Ms: through.p99Ms - alone.p99Ms,
    p999Ms: through.p999Ms - alone.p999Ms,
  };
}

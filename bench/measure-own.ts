import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayCore } from './cores.ts';
import { drive } from './drive.ts';
import { garbageIn } from './garbage.ts';
import { candorGateway } from './gateways.ts';
import { firstWarmUpS } from './measure-works.ts';
import { stop } from './processes.ts';
import type { Figures } from './report.ts';
import { startGateway } from './start-gateway.ts';
import type { Tools } from './tools.ts';
import { settings, type Work, works } from './works.ts';

// Measurements of Candor alone, with the small GET.

const [small] = works as readonly [Work];

/** V8's garbage collections while requests are served. */
export async function measureGarbage(tools: Tools, seconds: number): Promise<Figures['garbage']> {
  const gateway = candorGateway(tools.candor, settings.plain, { nodeFlags: ['--trace-gc'] });
  const own = join(tools.folder, gateway.name);
  const pinned = await startGateway(gateway, gatewayCore, own);
  // Node writes each line at once, so the lines so far cover everything that has happened so far, in every thread.
  const said = (): string => readFileSync(join(own, 'said.log'), 'latin1');
  await drive(small, gateway.port, firstWarmUpS, tools);
  const before = said();
  const { done } = await drive(small, gateway.port, seconds, tools);
  const after = said();
  await stop(pinned);
  return { ...garbageIn(before, after.slice(before.length)), requests: done };
}

/** Requests per second if load, origin and gateway share all cores. */
export async function measureScaling(tools: Tools, seconds: number): Promise<Figures['scaling']> {
  const perSecond = async (workers: number): Promise<number> => {
    const gateway = candorGateway(tools.candor, settings.plain, { workers });
    const pinned = await startGateway(gateway, null, join(tools.folder, gateway.name));
    await drive(small, gateway.port, firstWarmUpS, tools);
    const result = await drive(small, gateway.port, seconds, tools);
    await stop(pinned);
    return result.perSecond;
  };
  return { one: await perSecond(1), two: await perSecond(2) };
}

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SteadyLoad } from '../../test/steady-load.ts';
import { percentText, readCores } from '../quiet.ts';

const leastRate = 300;
const mostRate = 10_000;
const busyShareMax = 0.7;
const lookMs = 3000;

/** Raises the rate until a core is more than 70 % busy, with whatever runs on it, and leaves the load at the rate before. */
export async function findHighestRate(load: SteadyLoad): Promise<number> {
  let highest = leastRate;
  for (let rate = leastRate; rate <= mostRate; rate = Math.round(rate * 1.25)) {
    load.rate = rate;
    await sleep(1000);
    const busy = await busiestCoreShare();
    console.error(`${rate}/s: the busier core is ${percentText(busy)} busy`);
    if (busy > busyShareMax) break;
    highest = rate;
  }
  load.rate = highest;
  return highest;
}

async function busiestCoreShare(): Promise<number> {
  const before = readCores(readFileSync('/proc/stat', 'utf8'));
  await sleep(lookMs);
  const shares = [...readCores(readFileSync('/proc/stat', 'utf8'))].map(([core, now]) => {
    const old = before.get(core) ?? now;
    const idle = now.idle - old.idle;
    return 1 - idle / (now.busy + now.steal + now.idle - old.busy - old.steal - old.idle);
  });
  return Math.max(...shares);
}

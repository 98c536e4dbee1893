import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** The idle share of the machine's processor time during the next `ms` milliseconds: 0 to 1. */
export async function idleShare(ms: number): Promise<number> {
  const before = processorTimes();
  await sleep(ms);
  const now = processorTimes();
  const total = now.total - before.total;
  return total === 0 ? 0 : (now.idle - before.idle) / total;
}

function processorTimes(): { readonly idle: number; readonly total: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  return {
    idle: sum(times.map(({ idle }) => idle)),
    total: sum(times.map(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq)),
  };
}

import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** The idle share of the machine's processor time during the next `ms` milliseconds: 0 to 1. */
export async function idleShare(ms: number): Promise<number> {
  const share = idleShareFromNow();
  await sleep(ms);
  return share();
}

/** Returns a function for the idle share of the machine's processor time until its call: 0 to 1. */
export function idleShareFromNow(): () => number {
  const before = processorTimes();
  return () => {
    const now = processorTimes();
    const total = now.total - before.total;
    return total === 0 ? 0 : (now.idle - before.idle) / total;
  };
}

function processorTimes(): { readonly idle: number; readonly total: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  return {
    idle: sum(times.map(({ idle }) => idle)),
    total: sum(times.map(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq)),
  };
}

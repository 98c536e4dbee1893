import { readFileSync } from 'node:fs';
import { othersShareMax, percentText, readCores, stealShareMax } from '../quiet.ts';

// Whether a storm was disturbed. Gateway, origins and load share all cores, so what counts is what all other programs took of all of them.

/** Counts since boot, in ticks. */
interface MachineSample {
  readonly busy: number;
  readonly steal: number;
  readonly total: number;
  /** Of this program and all that it has started, those included that have ended. */
  readonly own: number;
}

export function sampleMachine(): MachineSample {
  const cores = [...readCores(readFileSync('/proc/stat', 'utf8')).values()];
  const sum = (of: (core: (typeof cores)[number]) => number): number => cores.reduce((all, one) => all + of(one), 0);
  const [busy, steal] = [sum((one) => one.busy), sum((one) => one.steal)];
  return { busy, steal, total: busy + steal + sum(({ idle }) => idle), own: ownTicks(process.pid) };
}

/** A request that the load generator sends this late says more about the machine than about the gateway. */
const lateMsMax = 50;

/** The reason for which the figures between two samples should be measured again; null if the machine was quiet. */
export function whyNotQuiet(before: MachineSample, after: MachineSample, lateP99Ms: number): string | null {
  const total = after.total - before.total;
  if (total <= 0) return null;
  const steal = (after.steal - before.steal) / total;
  const others = (after.busy - before.busy - (after.own - before.own)) / total;
  if (steal >= stealShareMax) return `the hypervisor took ${percentText(steal)}`;
  if (others >= othersShareMax) return `other programs took ${percentText(others)}`;
  return lateP99Ms > lateMsMax ? `the load generator was ${lateP99Ms.toFixed(0)} ms late` : null;
}

function ownTicks(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name, which may contain spaces: the times of the process, and those of its children that have ended (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const own = fields.slice(11, 15).reduce((sum, text) => sum + Number(text), 0);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? own : children.split(' ').reduce((sum, child) => sum + ownTicks(Number(child)), own);
  } catch {
    // It has ended since it was listed; its parent has its time.
    return 0;
  }
}

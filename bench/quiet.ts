// Whether a measurement was disturbed. Pure: the effects are in watch-cores.ts.

/** Ticks of one core since boot (proc_stat(5)). */
interface CoreTicks {
  /** User, nice, system, and the interrupts, hard and soft. */
  readonly busy: number;
  /** Time in which the hypervisor ran another machine. */
  readonly steal: number;
  /** Idle, and waiting for a disk. */
  readonly idle: number;
}

/** The cores at one moment, and the CPU time so far of the processes that belong to the measurement on the gateway's core. */
export interface CoreSample {
  readonly cores: ReadonlyMap<number, CoreTicks>;
  readonly ownMicroseconds: number;
}

export interface Disturbance {
  /** The part of the gateway's core that other processes used. */
  readonly othersShare: number;
  /** The part of a core that the hypervisor took: the most of the cores in use. */
  readonly stealShare: number;
}

/** A measurement counts only if other programs used less of the gateway's core than this. */
export const othersShareMax = 0.1;
/** A measurement counts only if the hypervisor took less of each core than this. */
export const stealShareMax = 0.06;

/** Reads `/proc/stat`. Cores that are offline have no line. */
export function readCores(text: string): ReadonlyMap<number, CoreTicks> {
  const cores = new Map<number, CoreTicks>();
  for (const [, core, numbers = ''] of text.matchAll(/^cpu(\d+) +([\d ]+)$/gm)) {
    const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softirq = 0, steal = 0] = numbers
      .split(' ')
      .map(Number);
    cores.set(Number(core), { busy: user + nice + system + irq + softirq, steal, idle: idle + ioWait });
  }
  return cores;
}

/**
 * What happened between two samples. Interrupts of the gateway's core are part of its busy time, because the kernel delivers a
 * packet over loopback in the context of the process that sends it, and charges that process. A kernel that accounts interrupts
 * apart (CONFIG_IRQ_TIME_ACCOUNTING) charges no process, so that there the share of others has the gateway's own packets too: it is
 * too high, never too low. A tick is 10 ms: in a run of 2 s the share is exact to a hundredth or two.
 */
export function disturbanceBetween(
  before: CoreSample,
  after: CoreSample,
  gatewayCore: number,
  ticksPerSecond: number,
): Disturbance {
  const spent = [...after.cores].map(([core, now]) => ({ core, ...difference(before.cores.get(core) ?? now, now) }));
  const own = spent.find(({ core }) => core === gatewayCore);
  const ownTicks = ((after.ownMicroseconds - before.ownMicroseconds) / 1e6) * ticksPerSecond;
  const othersShare = own === undefined || own.total === 0 ? 0 : Math.max(0, own.busy - ownTicks) / own.total;
  const stealShares = spent.map(({ steal, total }) => (total === 0 ? 0 : steal / total));
  return { othersShare, stealShare: Math.max(0, ...stealShares) };
}

function difference(before: CoreTicks, after: CoreTicks): CoreTicks & { readonly total: number } {
  const busy = after.busy - before.busy;
  const steal = after.steal - before.steal;
  const idle = after.idle - before.idle;
  return { busy, steal, idle, total: busy + steal + idle };
}

/** The reason for which a measurement does not count; null if it was quiet. */
export function whyDisturbed({ othersShare, stealShare }: Disturbance): string | null {
  if (stealShare >= stealShareMax) return `the hypervisor took ${percentText(stealShare)} of a core`;
  if (othersShare >= othersShareMax) return `other programs took ${percentText(othersShare)} of the gateway's core`;
  return null;
}

export function percentText(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

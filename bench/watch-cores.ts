import { readFileSync } from 'node:fs';
import { gatewayCore, loadCore } from './cores.ts';
import { cpuMicroseconds, ticksPerSecond } from './processes.ts';
import { type CoreSample, type Disturbance, disturbanceBetween, readCores } from './quiet.ts';

/** Runs `during`, and measures how much the two cores of the measurement were disturbed. `pids` belong to the gateway's core. */
export async function watched<T>(
  pids: readonly number[],
  during: () => Promise<T>,
): Promise<{ readonly value: T; readonly disturbance: Disturbance }> {
  const before = sample(pids);
  const value = await during();
  return { value, disturbance: disturbanceBetween(before, sample(pids), gatewayCore, ticksPerSecond) };
}

function sample(pids: readonly number[]): CoreSample {
  const cores = [...readCores(readFileSync('/proc/stat', 'utf8'))].filter(([core]) =>
    [gatewayCore, loadCore].includes(core),
  );
  return {
    cores: new Map(cores),
    ownMicroseconds: pids.reduce((sum, pid) => sum + cpuMicroseconds(pid), 0),
  };
}

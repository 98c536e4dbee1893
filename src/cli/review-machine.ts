import { readFileSync } from 'node:fs';
import type { Configuration } from '../core/configuration.ts';
import { availableCores } from '../system/system.ts';

/** What commands ask of the system under them. */
export interface Machine {
  readonly platform: string;
  /** That this process may use: there are as many workers, where the file does not say. */
  readonly cores: number;
  /** A setting of the kernel ('net.ipv4.tcp_migrate_req'); null where it has none of that name, or it may not be read. */
  kernelSetting(name: string): string | null;
}

export const thisMachine: Machine = {
  platform: process.platform,
  cores: availableCores(),
  kernelSetting: (name) => {
    try {
      return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
    } catch {
      return null; // an older kernel, another system, or a container that hides it
    }
  },
};

/** What is true of the machine and not of the file: with its remedy. */
export interface MachineWarning {
  readonly setting: string;
  /** As it is; null where it cannot be read. */
  readonly value: string | null;
  readonly message: string;
  /** Null where the message says it. */
  readonly suggestion: string | null;
}

const migrate = 'net.ipv4.tcp_migrate_req';

/** Everything about this machine that makes a configuration lose more than it needs to. One line each. */
export function reviewMachine(configuration: Configuration, machine: Machine): readonly MachineWarning[] {
  // Elsewhere listeners that share a port take over nothing from each other, and no setting changes that. One worker shares
  // its port with nobody, and at an upgrade its socket is passed on.
  const { listeners, workers } = configuration;
  if (machine.platform !== 'linux' || listeners.length === 0 || (workers.count ?? machine.cores) === 1) return [];
  const value = machine.kernelSetting(migrate);
  // Linux before 5.14 has no such setting, and a container may hide it: there is nothing that the reader could do here.
  if (value === '1' || value === null) return [];
  const message = `a worker that ends within 0.5 s of its start resets waiting connections, since ${migrate} is ${value}`;
  return [{ setting: migrate, value, message, suggestion: `sysctl -w ${migrate}=1` }];
}

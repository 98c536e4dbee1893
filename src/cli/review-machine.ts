import { readFileSync } from 'node:fs';
import type { Configuration } from '../core/configuration.ts';
import { availableCores } from '../system/system.ts';

/** The facts about the system that commands read. */
export interface Machine {
  readonly platform: string;
  /** Cores that this process may use. It is also the default number of workers. */
  readonly cores: number;
  /** A setting of the kernel ('net.ipv4.tcp_migrate_req'); null if there is none of that name, or it may not be read. */
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

/** A warning about the machine rather than the configuration file, with its remedy. */
export interface MachineWarning {
  readonly setting: string;
  /** The current value; null if it cannot be read. */
  readonly value: string | null;
  readonly message: string;
  /** Null if the message contains it. */
  readonly suggestion: string | null;
}

const migrate = 'net.ipv4.tcp_migrate_req';

/** Settings of this machine that make a configuration lose connections without need, one line each. */
export function reviewMachine(configuration: Configuration, machine: Machine): readonly MachineWarning[] {
  // On other systems a listener does not take over connections from another one on the same port, and no setting changes
  // that. A single worker shares its port with no other, and an upgrade passes its socket on.
  const { listeners, workers } = configuration;
  if (machine.platform !== 'linux' || listeners.length === 0 || (workers.count ?? machine.cores) === 1) return [];
  const value = machine.kernelSetting(migrate);
  // Linux before 5.14 has no such setting, and a container may hide it. In both cases the reader cannot change it here.
  if (value === '1' || value === null) return [];
  const message = `a worker that ends within 0.5 s of its start resets waiting connections, since ${migrate} is ${value}`;
  return [{ setting: migrate, value, message, suggestion: `sysctl -w ${migrate}=1` }];
}

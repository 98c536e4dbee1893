import { readFileSync } from 'node:fs';
import type { Configuration } from '../core/configuration.ts';

/** What commands ask of the system under them. */
export interface Machine {
  readonly platform: string;
  /** A setting of the kernel ('net.ipv4.tcp_migrate_req'); null where it has none of that name, or it may not be read. */
  kernelSetting(name: string): string | null;
}

export const thisMachine: Machine = {
  platform: process.platform,
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
  readonly suggestion: string;
}

const migrate = 'net.ipv4.tcp_migrate_req';

/** Everything about this machine that makes a configuration lose more than it needs to. */
export function reviewMachine(configuration: Configuration, machine: Machine): readonly MachineWarning[] {
  // Elsewhere listeners that share a port take over nothing from each other, and no setting changes that. One worker shares
  // its port with nobody, and at an upgrade its socket is passed on.
  if (machine.platform !== 'linux' || configuration.listeners.length === 0 || configuration.workers.count === 1)
    return [];
  const value = machine.kernelSetting(migrate);
  if (value === '1') return [];
  const loses =
    'a worker that ends within half a second of its start, before the main thread holds its listening socket, ' +
    'resets the connections that wait for it. With 1 the others get them';
  return [
    {
      setting: migrate,
      value,
      message:
        value === null ? `${migrate} cannot be read; where it is not 1, ${loses}` : `${migrate} is ${value}: ${loses}`,
      suggestion:
        `sysctl -w ${migrate}=1 sets it until the next boot, packaging/50-candor.conf in /etc/sysctl.d for good; ` +
        'Linux has it from 5.14 on. A port that systemd holds (candor.socket) does without',
    },
  ];
}

import type { Launcher } from '../core/launch.ts';
import { featureLauncher } from '../features/launch.ts';
import { mainFeatures } from '../features/main.ts';
import type { CommandPorts } from '../features/main-feature.ts';

interface CommandLauncher {
  readonly launcher: Launcher;
  /** Resolves when nothing of the program is left. */
  readonly close: () => Promise<void>;
}

/** Starts a program of an application as the gateway would, for a command that runs beside it. */
export function commandLauncher(ports: CommandPorts): CommandLauncher {
  const parts = mainFeatures.flatMap(({ name, forCommand }) => {
    const part = forCommand?.(ports);
    return part?.launch === undefined ? [] : [{ ...part, name, launch: part.launch }];
  });
  return {
    launcher: featureLauncher(parts),
    close: async () => {
      for (const part of parts) await part.close?.(true);
    },
  };
}

import { configurationFor } from './read-configuration.ts';
import { offerNextPort } from './next-port.ts';
import { serve } from './serve.ts';
import type { Style } from './style.ts';
import { styleFor } from './style.ts';
import type { Gateway } from '../gateway/control.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Surroundings } from './surroundings.ts';
import { tellingPredecessor } from './upgrade/successor.ts';

export interface RunFlags {
  readonly port: number;
  readonly host: string;
  readonly readinessPath: string;
  readonly appPort?: number | undefined;
}

/** Puts the gateway in front of any command that takes its port from PORT. */
export function run(flags: RunFlags, command: readonly string[], around: Surroundings): Promise<number> {
  return tellingPredecessor(around, () => startAndServe(flags, command, around));
}

function startAndServe(flags: RunFlags, command: readonly string[], around: Surroundings): Promise<number> {
  around.succession?.step('reading_configuration');
  const configuration = configurationFor(flags, command, around);
  return serve(
    {
      configuration,
      source: null,
      otherPort: offerNextPort(around),
      opened: (gateway, served) => {
        // In a log the events have said it all.
        if (around.stderr.isTTY)
          around.stderr.write(`${whereLines(gateway, served, styleFor(around.stderr, around.env)).join('\n')}\n`);
      },
    },
    around,
  );
}

/** Where a gateway that runs can be found. */
export function whereLines(gateway: Gateway, configuration: Configuration, style: Style): string[] {
  const addresses = gateway
    .status()
    .listeners.filter((listener) => listener.state === 'open')
    .map((listener) => style.bold(`http://${listener.address}`));
  const lines = [`Serving at ${addresses.join(' and ')}`];
  if (configuration.log.path !== null) lines.push(style.dim(`  exchange log  ${configuration.log.path}`));
  if (configuration.admin.socket !== null) lines.push(style.dim(`  admin socket  ${configuration.admin.socket}`));
  return lines;
}

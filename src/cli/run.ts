import { constants } from 'node:os';
import { commandEndText, FirstStart } from './first-start.ts';
import { inOneFormat, noticeLine } from './one-format.ts';
import { configurationFor } from './read-configuration.ts';
import { offerNextPort } from './next-port.ts';
import { serve, type ServePlan } from './serve.ts';
import { StartAbandoned } from '../gateway/gateway.ts';
import type { Style } from './style.ts';
import { styleFor } from './style.ts';
import type { Gateway } from '../gateway/control.ts';
import type { Configuration } from '../core/configuration.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';
import { tellingPredecessor } from './upgrade/successor.ts';

export interface RunFlags {
  readonly port: number;
  readonly host: string;
  readonly readinessPath: string;
  readonly appPort?: number | undefined;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** Puts the gateway in front of any command that takes its port from PORT. */
export function run(flags: RunFlags, command: readonly string[], around: Surroundings): Promise<number> {
  const json = flags.json || !around.stderr.isTTY;
  return inOneFormat(around, json, (one) => tellingPredecessor(one, () => startAndServe(flags, command, one)));
}

async function startAndServe(flags: RunFlags, command: readonly string[], around: Surroundings): Promise<number> {
  around.succession?.step('reading_configuration');
  const firstStart = new FirstStart(command, constants.signals);
  const code = await serveCommand(flags, command, firstStart, around);
  const { end } = firstStart;
  if (end === null) return code;
  const { stdout, stderr, succession } = around;
  // The process that asked for this one serves on, and says why.
  if (succession !== null) throw new CommandFailure('failure', end.says);
  const { exitCode, says, output } = end;
  const isForPeople = stderr.isTTY && !flags.json;
  stderr.write(isForPeople ? commandEndText(end, stdout.isTTY) : failedLine(says, { exitCode, output }, around));
  return exitCode;
}

function failedLine(reason: string, evidence: Readonly<Record<string, unknown>>, around: Surroundings): string {
  return noticeLine({ level: 'error', kind: 'command_failed', subject: 'gateway', reason, evidence }, around);
}

async function serveCommand(
  flags: RunFlags,
  command: readonly string[],
  firstStart: FirstStart,
  around: Surroundings,
): Promise<number> {
  const plan: ServePlan = {
    configuration: configurationFor(flags, command, around),
    source: null,
    requestLines: !flags.quiet,
    json: flags.json,
    otherPort: offerNextPort(around),
    abandon: firstStart.abandoned,
    told: (event) => firstStart.heard(event),
    opened: (gateway, served) => {
      // In a log the events have said it all.
      if (around.stderr.isTTY && !flags.json && firstStart.end === null)
        around.stderr.write(`${whereLines(gateway, served, styleFor(around.stderr, around.env)).join('\n')}\n`);
    },
  };
  try {
    return await serve(plan, around);
  } catch (error) {
    if (firstStart.end !== null && error instanceof StartAbandoned) return firstStart.end.exitCode;
    throw error;
  }
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

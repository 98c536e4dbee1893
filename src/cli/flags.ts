import type { CommandContext } from '@stricli/core';
import type { ProcessContext } from './process-context.ts';
import { parseDuration } from '../schema/format/duration.ts';
import { CommandFailure } from './command-failure.ts';
import { upgradeSecondsMax } from '../admin/upgrader.ts';
import type { AdminChoice } from './find-admin.ts';

/** The context that the parser passes to every command. */
export interface ParserContext extends CommandContext {
  readonly process: CommandContext['process'] & { exitCode?: number | string | null };
  readonly processContext: ProcessContext;
}

/** Example lines under a command's description. */
export function describe(sentences: string, ...examples: readonly string[]): string {
  return `${sentences}\n\nEXAMPLE\n${examples.map((line) => `  ${line}`).join('\n')}`;
}

/**
 * The flags that several commands share. The brief of a flag begins with its placeholder, since the parser does not print
 * the placeholder in its list.
 */

export const jsonFlag = {
  kind: 'boolean',
  brief: 'Print JSON, for programs',
  default: false,
  withNegated: false,
} as const;

const text = (input: string): string => input;

export const configFlag = {
  kind: 'parsed',
  parse: text,
  brief: '<file> with the configuration',
  placeholder: 'file',
  default: 'candor.yaml',
} as const;

/** For commands that ask a running gateway. */
export const askFlags = {
  config: {
    kind: 'parsed',
    parse: text,
    brief: '<file> with the configuration',
    placeholder: 'file',
    optional: true,
  },
  socket: { kind: 'parsed', parse: text, brief: '<path> of its admin socket', placeholder: 'path', optional: true },
  admin: { kind: 'parsed', parse: text, brief: '<url> for the API over TCP', placeholder: 'url', optional: true },
  tokenFile: {
    kind: 'parsed',
    parse: text,
    brief: '<file> with the API token',
    placeholder: 'file',
    optional: true,
  },
  caFile: {
    kind: 'parsed',
    parse: text,
    brief: '<file> with its authorities, in PEM',
    placeholder: 'file',
    optional: true,
  },
  json: jsonFlag,
} as const;

export const optionalText = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: text, brief, placeholder, optional: true }) as const;

export function parsePort(input: string): number {
  const port = Number(input);
  if (/^\d{1,5}$/.test(input) && port <= 65_535) return port;
  throw new CommandFailure('usage', 'a port is a number from 0 to 65535');
}

export function parsePath(input: string): string {
  if (input.startsWith('/')) return input;
  throw new CommandFailure('usage', 'a path begins with "/"');
}

/** Milliseconds, from a duration such as '30s', as in a configuration. */
export function parseDurationFlag(input: string): number {
  const parsed = parseDuration(input);
  if (parsed.ok) return parsed.value;
  throw new CommandFailure('usage', 'a duration is a number with a unit, such as 500ms, 30s or 5m');
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Where the first part of the torture origin listens by default. */
export const originListenDefault: ListenAddress = { host: '127.0.0.1', port: 9400 };

/** Parses host and port. The parts of the origin listen at this port and those after it. */
export function parseListenAddress(input: string): ListenAddress {
  const [, v6, host, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(input) ?? [];
  if (port === undefined || Number(port) > portMax)
    throw new CommandFailure('usage', `an address is host:port, with a port up to ${portMax}`);
  return { host: v6 ?? (host === '' || host === undefined ? '0.0.0.0' : host), port: Number(port) };
}

export function parseGatewayUrl(input: string): URL {
  const url = URL.parse(/^https?:\/\//i.test(input) ? input : `http://${input}`);
  if (url === null) throw new CommandFailure('usage', 'the URL must look like http://localhost:8080');
  return url;
}

export function parseSeconds(input: string): number {
  const seconds = Number(input.replace(/s$/, ''));
  if (seconds > 0 && seconds <= 600) return seconds;
  throw new CommandFailure('usage', 'a number of seconds up to 600');
}

export function parseNames(input: string): readonly string[] {
  return input.split(',').map((name) => name.trim());
}

/** The highest first port that leaves ports for all parts. */
const portMax = 65_500;

/** A day: longer than any drain, and short enough for a timer. */
const secondsMax = 86_400;

/** Parses the value of `candor stop --timeout`. */
export function parseStopSeconds(input: string): number {
  const seconds = Number(input);
  if (/^\d+(\.\d+)?$/.test(input) && seconds > 0 && seconds <= secondsMax) return seconds;
  throw new CommandFailure('usage', `a time is a number of seconds, up to ${secondsMax}`);
}

/** The time limits that the admin API accepts for an upgrade. */
export function parseUpgradeSeconds(input: string): number {
  const [, digits] = /^(\d{1,3})s?$/.exec(input) ?? [];
  const seconds = Number(digits ?? 0);
  if (seconds >= 1 && seconds <= upgradeSecondsMax) return seconds;
  throw new CommandFailure('usage', `a whole number of seconds from 1 to ${upgradeSecondsMax}`);
}

export interface RunFlags {
  readonly port: number;
  readonly host: string;
  readonly readinessPath: string;
  readonly appPort?: number | undefined;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** Flags of the commands that ask a running gateway. */
export interface AskFlags extends AdminChoice {
  readonly json: boolean;
}

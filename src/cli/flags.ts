import {
  type BaseArgs,
  buildCommand,
  type Command,
  type CommandContext,
  type TypedCommandParameters,
} from '@stricli/core';
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

type AnyFlags<Flags> = Readonly<Partial<Record<keyof Flags, unknown>>>;

type CommandDefinition<Flags extends AnyFlags<Flags>, Args extends BaseArgs> = {
  readonly brief: string;
  readonly text: string;
  readonly examples: readonly string[];
  /** In place of what the parser says of its arguments. */
  readonly usages?: readonly string[];
  /** Loads what the command needs and runs it. Resolves with its exit code; without one it is 0. */
  readonly run: (context: ProcessContext, flags: Flags, ...args: Args) => Promise<number | void> | void;
} & TypedCommandParameters<Flags, Args, ParserContext>;

/** A command of the parser: its help, flags and arguments, and what it does. */
export function defineCommand<Flags extends AnyFlags<Flags>, Args extends BaseArgs = []>(
  definition: CommandDefinition<Flags, Args>,
): Command<ParserContext> {
  const { brief, text, examples, usages, run } = definition;
  const customUsage = usages === undefined ? {} : { customUsage: usages };
  return buildCommand<Flags, Args, ParserContext>({
    docs: { brief, fullDescription: describe(text, ...examples), ...customUsage },
    parameters: definition,
    async func(flags, ...args) {
      const code = await run(this.processContext, flags, ...args);
      if (typeof code === 'number') this.process.exitCode = code;
    },
  });
}

/** Example lines under a command's description. */
export function describe(sentences: string, ...examples: readonly string[]): string {
  return `${sentences}\n\nEXAMPLE\n${examples.map((line) => `  ${line}`).join('\n')}`;
}

const anyText = (input: string): string => input;

export const argument = <T = string>(
  placeholder: string,
  brief: string,
  parse: (input: string) => T = anyText as never,
) => ({ brief, parse, placeholder }) as const;

export const optionalArgument = <T = string>(
  placeholder: string,
  brief: string,
  parse: (input: string) => T = anyText as never,
) => ({ brief, parse, placeholder, optional: true }) as const;

/** The arguments of a command that takes so many. */
export const words = <const T extends readonly unknown[]>(...parameters: T) => ({ kind: 'tuple', parameters }) as const;

export const switchFlag = (brief: string) => ({ kind: 'boolean', brief, default: false, withNegated: false }) as const;

/** The brief of a flag begins with its placeholder, since the parser does not print the placeholder in its list. */
const placeholderIn = (brief: string): string => /^<([^>]+)>/.exec(brief)?.[1] ?? 'value';

/** A flag with a value, which may be left out. */
export const valueFlag = <T = string>(brief: string, parse: (input: string) => T = anyText as never) =>
  ({ kind: 'parsed', parse, brief, placeholder: placeholderIn(brief), optional: true }) as const;

export const defaultFlag = <T>(brief: string, parse: (input: string) => T, value: string) =>
  ({ kind: 'parsed', parse, brief, placeholder: placeholderIn(brief), default: value }) as const;

export const jsonFlag = switchFlag('Print JSON, for programs');

export const configFlag = defaultFlag('<file> with the configuration', anyText, 'candor.yaml');

/** For commands that ask a running gateway. */
export const askFlags = {
  config: valueFlag('<file> with the configuration'),
  socket: valueFlag('<path> of its admin socket'),
  admin: valueFlag('<url> for the API over TCP'),
  tokenFile: valueFlag('<file> with the API token'),
  caFile: valueFlag('<file> with its authorities, in PEM'),
  json: jsonFlag,
} as const;

export const configAlias = { c: 'config' } as const;

export function integerBetween(min: number, max: number, otherwise: string): (input: string) => number {
  return (input) => {
    const number = Number(input);
    if (/^\d+$/.test(input) && input.length <= String(max).length && number >= min && number <= max) return number;
    throw new CommandFailure('usage', otherwise);
  };
}

export const parsePort = integerBetween(0, 65_535, 'a port is a number from 0 to 65535');

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

export function durationBetween(minMs: number, maxMs: number, otherwise: string): (input: string) => number {
  return (input) => {
    const ms = parseDurationFlag(input);
    if (ms >= minMs && ms <= maxMs) return ms;
    throw new CommandFailure('usage', otherwise);
  };
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

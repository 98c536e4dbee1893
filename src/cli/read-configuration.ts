import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import {
  type ConfigurationError,
  countConfigurationErrors,
  renderConfigurationErrors,
} from '../config/configuration-errors.ts';
import { configurationForCommand } from '../config/command.ts';
import { thisHost } from '../config/host.ts';
import { loadConfiguration } from '../config/load.ts';
import type { LeftOpen } from '../config/parse.ts';
import type { Configuration } from '../core/configuration.ts';
import { columnsMax } from './layout.ts';
import { inputName, readInput } from './read-input.ts';
import type { RunFlags } from './run-flags.ts';
import { privateFolder } from './runtime-folder.ts';
import { plain, styleFor } from './style.ts';
import type { Output, ProcessContext } from './process-context.ts';

/** A configuration file as it was read, with all its errors and warnings. */
export interface ConfigurationRead {
  /** Null if the configuration cannot be used. */
  readonly configuration: Configuration | null;
  readonly errors: readonly ConfigurationError[];
  /** Absolute; null for standard input. */
  readonly path: string | null;
  readonly leftOpen: LeftOpen;
  readonly text: string;
}

/** What reading a configuration needs of its process. */
export type ReadContext = Pick<ProcessContext, 'env' | 'directory' | 'clock'>;

const nothingOpen: LeftOpen = { log: false, state: false, socket: false };

/** Reads a file, or standard input where `file` is '-'. */
export async function readConfiguration(file: string, context: ReadContext): Promise<ConfigurationRead> {
  const isInput = file === inputName;
  const path = resolve(context.directory, file);
  const host = thisHost();
  const readFile: typeof host.readFile = (one, bytesMax) =>
    isInput && one === path ? readInput(bytesMax) : host.readFile(one, bytesMax);
  const loading = await loadConfiguration(path, context.env, { ...host, readFile }, context.clock.wallTime());
  const shown = relative(context.directory, path);
  const name = isInput ? 'standard input' : shown.startsWith('..') ? path : shown;
  // The name as the user gave it: people know the file by that name, and editors open it by that name too.
  const named = (errors: readonly ConfigurationError[]): ConfigurationError[] =>
    errors.map((one) => (one.file === path ? { ...one, file: name } : one));
  const read = { path: isInput ? null : path, text: loading.sourceText };
  if (!loading.ok) return { configuration: null, errors: named(loading.errors), leftOpen: nothingOpen, ...read };
  const { configuration, warnings, leftOpen } = loading;
  return { configuration, errors: named(warnings), leftOpen, ...read };
}

/** All errors with line and caret, and how many they are. */
export function renderForPeople(read: ConfigurationRead, output: Output, context: ProcessContext): string {
  const colour = styleFor(output, context.env) !== plain;
  return `${renderConfigurationErrors(read.errors, read.text, { colour, width: columnsMax })}\n${countConfigurationErrors(read.errors)}\n`;
}

/** An error as one line. */
export function configurationErrorLine({ file, line, column, message, suggestion }: ConfigurationError): string {
  const position = line === 0 ? file : `${file}:${line}:${column}`;
  return `${position}: ${message}${suggestion === null ? '' : ` (${suggestion})`}`;
}

/** The configuration of `candor run`: one application behind one listener. */
export function configurationFor(flags: RunFlags, command: readonly string[], context: ProcessContext): Configuration {
  const folder = privateFolder(context.env);
  const configuration = configurationForCommand({
    command,
    port: flags.port,
    bind: flags.host,
    directory: context.directory,
    hostname: hostname(),
    environment: context.env,
    readinessPath: flags.readinessPath,
    adminSocket: folder === null ? null : join(folder, `run-${process.pid}.sock`),
  });
  if (flags.appPort === undefined) return configuration;
  const port = flags.appPort;
  return {
    ...configuration,
    applications: configuration.applications.map((application) => ({ ...application, port })),
  };
}

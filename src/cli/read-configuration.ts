import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { type Complaint, countComplaints, renderComplaints } from '../config/complaints.ts';
import { configurationForCommand } from '../config/command.ts';
import { thisHost } from '../config/host.ts';
import { loadConfiguration } from '../config/load.ts';
import type { LeftOpen } from '../config/parse.ts';
import type { Configuration } from '../core/configuration.ts';
import type { ConfigurationReload } from '../gateway/gateway.ts';
import { fitPlaces } from './fit-places.ts';
import { columnsMax } from './layout.ts';
import { inputName, readInput } from './read-input.ts';
import type { RunFlags } from './run.ts';
import { privateFolder } from './runtime-folder.ts';
import { plain, styleFor } from './style.ts';
import type { Output, Surroundings } from './surroundings.ts';

/** A configuration file as it was read: what it says, and everything that is wrong or doubtful about it. */
export interface ConfigurationRead {
  /** Null where it cannot be used. */
  readonly configuration: Configuration | null;
  readonly complaints: readonly Complaint[];
  /** Absolute; null for standard input. */
  readonly path: string | null;
  readonly leftOpen: LeftOpen;
  readonly text: string;
}

const nothingOpen: LeftOpen = { log: false, state: false, socket: false };

/** Reads a file, or standard input where `file` is '-'. */
export async function readConfiguration(file: string, around: Surroundings): Promise<ConfigurationRead> {
  const isInput = file === inputName;
  const path = resolve(around.directory, file);
  const host = thisHost();
  const readFile: typeof host.readFile = (one, octetsMax) =>
    isInput && one === path ? readInput(octetsMax) : host.readFile(one, octetsMax);
  const loading = await loadConfiguration(path, around.env, { ...host, readFile }, around.clock.wallTime());
  const shown = relative(around.directory, path);
  const name = isInput ? 'standard input' : shown.startsWith('..') ? path : shown;
  // People know the file by the name that they gave it, and editors open it by that name too.
  const named = (complaints: readonly Complaint[]): Complaint[] =>
    complaints.map((one) => (one.file === path ? { ...one, file: name } : one));
  const read = { path: isInput ? null : path, text: loading.sourceText };
  if (!loading.ok)
    return { configuration: null, complaints: named(loading.complaints), leftOpen: nothingOpen, ...read };
  const { configuration, warnings, leftOpen } = loading;
  return { configuration, complaints: named(warnings), leftOpen, ...read };
}

/** All complaints with line and caret, and how many they are. */
export function renderForPeople(read: ConfigurationRead, output: Output, around: Surroundings): string {
  const colour = styleFor(output, around.env) !== plain;
  return `${renderComplaints(read.complaints, read.text, { colour, width: columnsMax })}\n${countComplaints(read.complaints)}\n`;
}

/** Reads the same file again; each complaint becomes one line. Standard input cannot be read a second time. */
export function reloadFrom(file: string, around: Surroundings): ConfigurationReload {
  return async () => {
    if (file === inputName) return { ok: false, kind: 'refused', complaints: [readOnce] };
    const { configuration, complaints, leftOpen } = await readConfiguration(file, around);
    return configuration === null
      ? { ok: false, kind: 'complaints', complaints: complaints.map(complaintLine) }
      : { ok: true, configuration: fitPlaces(configuration, leftOpen, around.env).configuration };
  };
}

const readOnce =
  'The configuration came through standard input, which cannot be read again: start Candor anew, or with -c <file>.';

/** One complaint as one line. */
export function complaintLine({ file, line, column, message, suggestion }: Complaint): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return `${place}: ${message}${suggestion === null ? '' : ` (${suggestion})`}`;
}

/** What `candor run` runs: one application behind one listener. */
export function configurationFor(flags: RunFlags, command: readonly string[], around: Surroundings): Configuration {
  const folder = privateFolder(around.env);
  const configuration = configurationForCommand({
    command,
    port: flags.port,
    bind: flags.host,
    directory: around.directory,
    hostname: hostname(),
    environment: around.env,
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

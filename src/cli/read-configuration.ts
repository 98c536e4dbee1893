import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { type Complaint, countComplaints, renderComplaints } from '../config/complaints.ts';
import { configurationForCommand } from '../config/command.ts';
import { thisHost } from '../config/host.ts';
import { loadConfiguration } from '../config/load.ts';
import type { Configuration } from '../core/configuration.ts';
import type { ConfigurationReload } from '../gateway/gateway.ts';
import { columnsMax } from './layout.ts';
import type { RunFlags } from './run.ts';
import { privateFolder } from './runtime-folder.ts';
import { plain, styleFor } from './style.ts';
import type { Output, Surroundings } from './surroundings.ts';

/** A configuration file as it was read: what it says, and everything that is wrong or doubtful about it. */
export interface ConfigurationRead {
  /** Null where it cannot be used. */
  readonly configuration: Configuration | null;
  readonly complaints: readonly Complaint[];
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

export async function readConfiguration(file: string, around: Surroundings): Promise<ConfigurationRead> {
  const path = resolve(around.directory, file);
  const loading = await loadConfiguration(path, around.env, thisHost(), around.clock.wallTime());
  const shown = relative(around.directory, path);
  // People know the file by the name that they gave it, and editors open it by that name too.
  const named = (complaints: readonly Complaint[]): Complaint[] =>
    complaints.map((one) => (one.file === path ? { ...one, file: shown.startsWith('..') ? path : shown } : one));
  if (!loading.ok)
    return { configuration: null, complaints: named(loading.complaints), path, text: loading.sourceText };
  return { configuration: loading.configuration, complaints: named(loading.warnings), path, text: loading.sourceText };
}

/** All complaints with line and caret, and how many they are. */
export function renderForPeople(read: ConfigurationRead, output: Output, around: Surroundings): string {
  const colour = styleFor(output, around.env) !== plain;
  return `${renderComplaints(read.complaints, read.text, { colour, width: columnsMax })}\n${countComplaints(read.complaints)}\n`;
}

/** Reads the same file again; each complaint becomes one line. */
export function reloadFrom(file: string, around: Surroundings): ConfigurationReload {
  return async () => {
    const { configuration, complaints } = await readConfiguration(file, around);
    return configuration === null
      ? { ok: false, kind: 'complaints', complaints: complaints.map(complaintLine) }
      : { ok: true, configuration };
  };
}

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

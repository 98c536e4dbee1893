import { hostname } from 'node:os';
import { join } from 'node:path';
import { configurationForCommand } from '../config/command.ts';
import type { Configuration } from '../core/configuration.ts';
import type { ProcessContext } from './process-context.ts';
import type { RunFlags } from './run-flags.ts';
import { privateFolder } from './runtime-folder.ts';

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

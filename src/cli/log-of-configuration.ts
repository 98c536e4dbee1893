import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LogSpec } from '../core/configuration.ts';
import { readAsked } from './read-configuration.ts';
import { type ProcessContext } from './process-context.ts';

/** The log in a file. `path` is absolute. */
export type FileLog = Pick<LogSpec, 'format'> & { readonly path: string };

/** The log that a configuration names; null if there is no such file, or its log is no file. Other errors of the file do not matter. */
export async function logOfConfiguration(file: string, context: ProcessContext): Promise<FileLog | null> {
  if (!existsSync(resolve(context.directory, file))) return null;
  const { configuration, readable } = await readAsked(file, context);
  const { path = null, format = 'json' } = (configuration ?? readable)?.log ?? {};
  return path === null || path === '-' ? null : { path: resolve(context.directory, path), format };
}

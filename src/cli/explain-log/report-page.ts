import { statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { harmless } from '../layout.ts';
import type { ProcessContext } from '../process-context.ts';
import { CommandFailure } from '../command-failure.ts';
import type { LogSource } from './log-source.ts';

/**
 * The path of the page. Fails if it is the path of a log that is read, under any name: writing the page would destroy
 * the log.
 */
export function findPagePath(name: string, logs: readonly LogSource[], context: ProcessContext): string {
  const path = resolve(context.directory, name);
  const page = identityOf(path);
  const log = logs.find((one) => one.path !== null && page !== null && identityOf(one.path) === page);
  if (log !== undefined)
    throw new CommandFailure('usage', `Nothing was read: --html would write over ${harmless(log.name)}, a log.`);
  return path;
}

/** The file's identity; null if no file exists there that could be overwritten. */
function identityOf(path: string): string | null {
  try {
    const found = statSync(path);
    return found.isFile() ? `${found.dev}:${found.ino}` : null;
  } catch {
    return null;
  }
}

/** A new file is readable by its owner alone: it quotes lines of logs that others may not read. */
export function writePage(path: string, page: string): void {
  try {
    writeFileSync(path, page, { mode: 0o600 });
  } catch (error) {
    throw new CommandFailure('usage', harmless(`${path} cannot be written: ${(error as Error).message}`));
  }
}

import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { harmless } from '../layout.ts';
import type { ProcessContext } from '../process-context.ts';
import { CommandFailure } from '../command-failure.ts';

/** Where a log is read from. */
export interface LogSource {
  /** The name as it was written on the command line. */
  readonly name: string;
  /** Null: standard input. */
  readonly path: string | null;
  /** Bytes of the file; null for a pipe, whose length is unknown. */
  readonly bytes: number | null;
}

/** Whether a file of that name exists. A pasted line is not the name of a file. */
export function isThere(name: string, { directory }: ProcessContext): boolean {
  try {
    return statSync(resolve(directory, name), { throwIfNoEntry: false }) !== undefined;
  } catch {
    // Longer than a file name may be, or with bytes that no file name has.
    return false;
  }
}

/** Whether the argument was probably meant as a file name although no such file exists. */
export function isLikeFileName(name: string): boolean {
  return /^(?=[^\s{]+$)(?:.*\/|.*\.(?:log|gz|zst|xz|bz2|txt|json|jsonl|har|err|out)(?:[.-]?\d+)?$)/.test(name);
}

/** Says in a sentence why a log cannot be read, before reading starts. */
export function findLog(name: string, context: ProcessContext): LogSource {
  if (name === '-') return { name: 'standard input', path: null, bytes: null };
  const path = resolve(context.directory, name);
  const said = harmless(name);
  if (!isThere(name, context)) throw unreadable(`there is no file ${said}; name a log that exists`);
  const found = statSync(path);
  if (found.isDirectory()) throw unreadable(`${said} is a folder; name the files in it`);
  if (found.isSocket()) throw unreadable(`${said} is a socket, not a log`);
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw unreadable(`${said} cannot be read by this user`);
  }
  return { name, path, bytes: found.isFile() ? found.size : null };
}

function unreadable(why: string): CommandFailure {
  return new CommandFailure('usage', `Nothing was read: ${why}.`);
}

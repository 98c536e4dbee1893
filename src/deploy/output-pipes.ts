import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { makePrivateFolder } from './private-folder.ts';
import { identityOf } from './process-identity.ts';

/** Named pipes that one program writes into, by their paths. */
export interface OutputPipes {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Where applications write to, so that a later process can go on reading: pipes with names (fifo(7)) in a folder of
 * our own. Node cannot make them; `mkfifo` of every Unix does.
 */
export class OutputPipeFolder {
  readonly #path: string;
  readonly #mkfifo: string;
  readonly #ours: string;

  constructor(path: string, mkfifo = 'mkfifo') {
    this.#path = path;
    this.#mkfifo = mkfifo;
    // A later process may get our number, and finds our pipes in use.
    this.#ours = `${process.pid}-${identityOf(process.pid)?.startTicks ?? 0}`;
  }

  /** Null where they cannot be made: the disk is full or read-only, others may write there, or there is no `mkfifo`. */
  make(): OutputPipes | null {
    made += 1;
    const stdout = join(this.#path, `${this.#ours}-${made}.out`);
    const stderr = join(this.#path, `${this.#ours}-${made}.err`);
    try {
      const problem = makePrivateFolder(dirname(this.#path)) ?? makePrivateFolder(this.#path);
      if (problem !== null) return null; // told of the state folder already
    } catch {
      return null;
    }
    const { status } = spawnSync(this.#mkfifo, ['-m', '600', stdout, stderr], { stdio: 'ignore', timeout: mkfifoMs });
    if (status === 0) return { stdout, stderr };
    removePipes({ stdout, stderr });
    return null;
  }

  /** Removes all other pipes: no process reads them any more. */
  keepOnly(used: ReadonlySet<string>): void {
    for (const name of namesIn(this.#path)) {
      const path = join(this.#path, name);
      if (/^\d+-\d+-\d+\.(out|err)$/.test(name) && !used.has(path)) unlinkIfThere(path);
    }
  }
}

/** Of this process, whichever folder they are in. */
let made = 0;

/** It takes 5 ms, more on a busy machine; a disk that hangs must not hold up everything else for ever. */
const mkfifoMs = 5_000;

/**
 * The end that a program gets. Open for reading too, although the program only writes: so the pipe always has a reader, and output
 * that no Candor reads fills the pipe (64 KiB on Linux) instead of ending the program by SIGPIPE.
 */
export function openForWriting(path: string): number {
  return openSync(path, constants.O_RDWR);
}

/** Our end. Opened after the program's end: a pipe without a writer has already ended. */
export function openForReading(path: string): Readable {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return new Socket({ fd: descriptor, readable: true, writable: false });
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

export function removePipes({ stdout, stderr }: OutputPipes): void {
  unlinkIfThere(stdout);
  unlinkIfThere(stderr);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // nothing has been written there yet
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already; or it stays, which does no harm.
  }
}

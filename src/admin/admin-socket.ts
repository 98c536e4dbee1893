import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { findUntrusted, type UntrustedFolder } from '../deploy/trusted-folder.ts';

/** The kernel's limit for a socket's path (`sun_path`), less the closing zero. */
const pathBytesMax = 107;
/** Length of the temporary name that the socket has while it is made: '/.xxxxxx/s' after its folder. */
const temporaryNameBytes = 10;

export type AdminSocketRefusal =
  | { readonly why: 'held' }
  | { readonly why: 'not_a_socket' }
  | { readonly why: 'path_too_long'; readonly limit: number }
  | { readonly why: 'untrusted_folder'; readonly untrusted: UntrustedFolder }
  | { readonly why: 'not_permitted'; readonly errno: string };

/** What the admin API's socket file is while it is ours. */
export interface AdminSocketFile {
  /** Removes the file, unless another process has put its own in its place. */
  remove(): void;
  /** Another process is to have the place; until it is certain that it keeps it, the way to this one is kept too. */
  moveAside(): MovedSocket | SocketNotMoved;
}

export interface MovedSocket {
  /** The other process is gone: this one is found at its place again. Why it is not, where it cannot be; else null. */
  restore(): string | null;
  /** The other process keeps the place. */
  discard(): void;
}

/** Who gave the place away now would not get it back. */
export interface SocketNotMoved {
  /** What could not be done, and the system's name for the reason. */
  readonly why: string;
}

/** Only its owner may open it, from the moment it is there. */
const ownerOnly = 0o177;

/**
 * Has `server` listen at `path` with mode 0600, and creates its folder (0700) where it is missing. A folder that
 * others could put their own in place of is refused.
 *
 * The socket is made under another name in a folder that nobody else may enter, and then renamed: a file that a dead
 * process left is replaced in one step. A file behind which somebody answers is never touched, unless `takesOver` says
 * that it is a predecessor's, which leaves.
 */
export async function listenAtSocket(
  server: Server,
  path: string,
  takesOver: boolean,
): Promise<AdminSocketFile | AdminSocketRefusal> {
  const folder = dirname(path);
  const tooLong = checkSocketPath(path);
  if (tooLong !== null) return tooLong;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const untrusted = findUntrusted(folder, process.geteuid?.() ?? 0);
    if (untrusted !== null) return { why: 'untrusted_folder', untrusted };
    const existing = await inspectSocket(path);
    if (existing === 'held' && !takesOver) return { why: 'held' };
    if (existing === 'other') return { why: 'not_a_socket' };
    return await bindAndRename(server, path, mkdtempSync(`${folder}/.`));
  } catch (error) {
    return { why: 'not_permitted', errno: (error as NodeJS.ErrnoException).code ?? 'EIO' };
  }
}

/** What the kernel's limit has against a path. */
export function checkSocketPath(path: string): AdminSocketRefusal | null {
  const isShort =
    Buffer.byteLength(path) <= pathBytesMax && Buffer.byteLength(dirname(path)) + temporaryNameBytes <= pathBytesMax;
  return isShort ? null : { why: 'path_too_long', limit: pathBytesMax };
}

async function bindAndRename(server: Server, path: string, temporary: string): Promise<AdminSocketFile> {
  const made = join(temporary, 's');
  try {
    await listening(server, made);
    const { ino } = statSync(made);
    renameSync(made, path);
    return { remove: () => removeIfOurs(path, ino), moveAside: () => moveAside(path, ino) };
  } finally {
    removeTemporary(temporary, made);
  }
}

/** Opens no folder, as `rmSync` does with `recursive`: there may be no descriptor left, and its error has an empty code. */
function removeTemporary(folder: string, made: string): void {
  tryStep('', () => rmSync(made, { force: true }));
  // An empty folder that is left over leads to nobody.
  tryStep('', () => rmdirSync(folder));
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(ownerOnly);
    try {
      // The file is made within this call, so that nothing else is made under this mask.
      server.listen({ path }, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

async function inspectSocket(path: string): Promise<'free' | 'stale' | 'held' | 'other'> {
  const existing = lstatSync(path, { throwIfNoEntry: false });
  if (existing === undefined) return 'free';
  if (!existing.isSocket()) return 'other';
  return (await isAnswered(path)) ? 'held' : 'stale';
}

/** Whether a process listens at a socket. Only a refusal shows that none does. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

function removeIfOurs(path: string, ino: number): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) unlinkSync(path);
}

/** A second name of the same socket, which the first may be made of again after it was taken. */
function moveAside(path: string, ino: number): MovedSocket | SocketNotMoved {
  const beside = `${path}.${process.pid}`;
  const why = tryStep(`${beside}, its second name meanwhile, cannot be made`, () => {
    rmSync(beside, { force: true });
    if (inodeOf(path) === ino) linkSync(path, beside);
  });
  if (why !== null) return { why };
  return {
    restore: () =>
      tryStep(`${path} cannot be made again`, () => {
        if (inodeOf(path) !== ino && inodeOf(beside) === ino) renameSync(beside, path);
        rmSync(beside, { force: true });
      }),
    // A name that is left over leads to nobody.
    discard: () => void tryStep('', () => rmSync(beside, { force: true })),
  };
}

function tryStep(what: string, act: () => void): string | null {
  try {
    act();
    return null;
  } catch (error) {
    return `${what} (${(error as NodeJS.ErrnoException).code ?? 'EIO'})`;
  }
}

function inodeOf(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

import { linkSync, lstatSync, mkdtempSync, renameSync, rmdirSync, rmSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { makeFolders, findUntrusted, type UntrustedFolder } from '../deploy/private-folder.ts';

/** The kernel's limit for a socket's path (`sun_path`), less the closing zero. */
const pathBytesMax = 107;
/** Length of the temporary name of the socket while it is created: '/.xxxxxx/s' after its folder. */
const temporaryNameBytes = 10;

export type AdminSocketRefusal =
  | { readonly why: 'held' }
  | { readonly why: 'not_a_socket' }
  | { readonly why: 'path_too_long'; readonly limit: number }
  | { readonly why: 'untrusted_folder'; readonly untrusted: UntrustedFolder }
  | { readonly why: 'not_permitted'; readonly errno: string };

/** The file of the admin socket, while this process owns it. */
export interface AdminSocketFile {
  /** Removes the file, unless another process has replaced it. */
  remove(): void;
  /** Prepares for a successor that replaces the file: a second name keeps this socket until the handoff is settled. */
  moveAside(): MovedSocket | SocketNotMoved;
}

export interface MovedSocket {
  /** The successor has ended: puts this socket back at its path. Returns null, or why that failed. */
  restore(): string | null;
  /** The successor keeps the path: removes the second name. */
  discard(): void;
}

/** The second name could not be created, so a handoff now could not be rolled back. */
export interface SocketNotMoved {
  /** The step that failed, and the errno. */
  readonly why: string;
}

/** Mode mask: from its creation on only the owner may open the socket. */
const ownerOnly = 0o177;

/**
 * Makes `server` listen at `path` with mode 0600, and creates its folder (0700) if it is missing. Refuses a folder that
 * another user could replace.
 *
 * The socket is created under another name in a folder that no other user may enter, and then renamed: a file that a dead
 * process left is replaced in one step. A socket at which a process answers is never replaced, unless `takesOver` says
 * that it belongs to a predecessor that will end.
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
    makeFolders(folder);
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

/** Checks the length of a path against the kernel's limit. */
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

/** Does not use `rmSync` with `recursive`, which opens the folder: there may be no descriptor left, and its error has an empty code. */
function removeTemporary(folder: string, made: string): void {
  tryStep('', () => rmSync(made, { force: true }));
  // An empty folder that is left over does no harm.
  tryStep('', () => rmdirSync(folder));
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(ownerOnly);
    try {
      // The file is created within this call, so no other file gets this mask.
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

/** Whether a process listens at a socket. Only a refused connection shows that none does. */
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

/** Creates a second name (hard link) of the socket, from which the first name can be restored after a successor has replaced it. */
function moveAside(path: string, ino: number): MovedSocket | SocketNotMoved {
  const beside = `${path}.${process.pid}`;
  const why = tryStep(`${beside}, the second name of the admin socket, cannot be created`, () => {
    rmSync(beside, { force: true });
    if (inodeOf(path) === ino) linkSync(path, beside);
  });
  if (why !== null) return { why };
  return {
    restore: () =>
      tryStep(`${path} cannot be restored`, () => {
        if (inodeOf(path) !== ino && inodeOf(beside) === ino) renameSync(beside, path);
        rmSync(beside, { force: true });
      }),
    // A name that is left over does no harm.
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

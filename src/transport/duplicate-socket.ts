import { type ChildProcess, spawn } from 'node:child_process';
import { errnoOf } from './errno.ts';

/** A listening socket without a server, for `server.listen(handle)`. */
export interface SocketHandle {
  readonly fd: number;
  close(): void;
}

interface DuplicateFailure {
  readonly errno: string;
}

/**
 * Makes a second descriptor for a listening socket that this process has inherited as `fd`, in the thread that asks.
 *
 * Descriptors belong to the process: when several threads open the same one, the first that closes it closes it for all of
 * them, and its number may then be another file's. Node cannot duplicate one. But a descriptor that is sent over a unix socket
 * arrives as a new one, so a child process is started with it, which sends it back and ends. It never listens nor
 * accepts: a connection cannot get lost in it.
 */
export async function duplicateSocket(fd: number): Promise<SocketHandle | DuplicateFailure> {
  const [duplicate = { errno: 'EBADF' }] = await duplicateSockets([fd]);
  return duplicate;
}

/** The same of several descriptors with one child process: the results are in the order of `fds`. */
export function duplicateSockets(fds: readonly number[]): Promise<readonly (SocketHandle | DuplicateFailure)[]> {
  const { promise, resolve } = Promise.withResolvers<readonly (SocketHandle | DuplicateFailure)[]>();
  const duplicates: (SocketHandle | DuplicateFailure)[] = [];
  const end = (errno: string): void => resolve(fds.map((_, at) => duplicates[at] ?? { errno }));
  let child: ChildProcess;
  try {
    child = spawn(ownProgram(), [noInspector, '-e', sendBack, String(fds.length)], {
      argv0: 'candor-socket',
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc', ...fds],
    });
  } catch (error) {
    return Promise.resolve(fds.map(() => ({ errno: errnoOf(error) })));
  }
  child.once('error', (error) => end(errnoOf(error)));
  child.on('message', (_message, handle) => {
    duplicates.push((handle as SocketHandle | undefined) ?? { errno: 'EBADF' });
    if (duplicates.length === fds.length) end('EBADF');
  });
  child.once('exit', () => {
    // Messages may still lie in the channel.
    if (!child.connected) end('EBADF');
    else child.once('disconnect', () => end('EBADF'));
  });
  return promise;
}

/** SIGUSR1 would open the inspector of this process to every user of the machine. */
const noInspector = '--disable-sigusr1';

/**
 * `_handle` is not documented. A descriptor that is no
 * socket is answered without a handle. Node sends a handle only when the one before was acknowledged; the listener keeps
 * the process there until then.
 */
const sendBack = `
  const { Socket } = require('node:net');
  const count = Number(process.argv[1]);
  process.on('message', () => {});
  const send = (at) => {
    if (at === count) return process.exit();
    let handle;
    try {
      handle = new Socket({ fd: 4 + at, readable: false, writable: false, manualStart: true })._handle;
    } catch {}
    process.send('here', handle, () => send(at + 1));
  };
  send(0);
`;

/** The file of the running program may have been replaced by its next version; on Linux it can be started all the same. */
function ownProgram(): string {
  return process.platform === 'linux' ? '/proc/self/exe' : process.execPath;
}

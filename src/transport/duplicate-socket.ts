import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { errnoOf } from './errno.ts';

/** A socket that nobody reads and nobody accepts from yet, for `server.listen(handle)`. */
export interface SocketHandle {
  readonly fd: number;
}

export interface DuplicateFailure {
  readonly errno: string;
}

/**
 * Makes a second descriptor for a listening socket that this process has inherited as `fd`, in the thread that asks.
 *
 * Descriptors belong to the process: when several threads open the same one, the first that closes it closes it for all of
 * them, and its number may then be anything. Node cannot duplicate one. But a descriptor that is sent over a unix socket
 * arrives as a new one, so a child process is started with it, which sends it back and ends. It never listens nor
 * accepts: a connection cannot get lost in it.
 */
export function duplicateSocket(fd: number): Promise<SocketHandle | DuplicateFailure> {
  const { promise, resolve } = Promise.withResolvers<SocketHandle | DuplicateFailure>();
  let child: ChildProcess;
  try {
    child = spawn(ownProgram(), [noInspector, '-e', sendBack], {
      argv0: 'candor-socket',
      env: {},
      stdio: stdioWith(fd),
    });
  } catch (error) {
    return Promise.resolve({ errno: errnoOf(error) });
  }
  child.once('error', (error) => resolve({ errno: errnoOf(error) }));
  // Asked for nothing more, and nothing more is said: the first message is the only one.
  child.once('message', (_message, handle) => resolve((handle as SocketHandle | undefined) ?? { errno: 'EBADF' }));
  child.once('exit', () => {
    // The message may still lie in the channel.
    if (!child.connected) resolve({ errno: 'EBADF' });
    else child.once('disconnect', () => resolve({ errno: 'EBADF' }));
  });
  return promise;
}

/** SIGUSR1 would open the inspector of this process to every user of the machine. */
const noInspector = '--disable-sigusr1';

/** Where the channel and the socket are in the child. */
function stdioWith(fd: number): StdioOptions {
  return ['ignore', 'ignore', 'ignore', 'ipc', fd];
}

/** `_handle` is not documented; `canRewrap` of listen.ts looks for it before anybody relies on it. */
const sendBack = `
  const { Socket } = require('node:net');
  const { _handle: handle } = new Socket({ fd: 4, readable: false, writable: false, manualStart: true });
  process.send('here', handle, () => process.exit());
`;

/** The file of the running program may have been replaced by its next version; on Linux it can be started all the same. */
function ownProgram(): string {
  return process.platform === 'linux' ? '/proc/self/exe' : process.execPath;
}

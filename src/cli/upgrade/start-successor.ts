import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { InheritedSocket } from '../../core/inherited-socket.ts';
import type { OwnSocket } from '../../core/passed-socket.ts';
import { lookAtDescriptor } from '../inherited-sockets.ts';
import { type PredecessorFacts, predecessorVariable } from './handoff-messages.ts';

/** The first descriptor of a process that is no standard stream. */
const firstDescriptor = 3;

/**
 * Starts the program that this process was started as once more: the same words, folder, streams and settings. Its path
 * is looked up anew, so a version that was installed meanwhile under the same name is the one that starts.
 *
 * Listening sockets go with it, `inherited` ones of the service manager and `own` ones: what connects while one process
 * comes and the other leaves waits in a queue that both accept from, and that ends with neither.
 */
export function startSuccessor(
  facts: PredecessorFacts,
  inherited: readonly InheritedSocket[],
  own: readonly OwnSocket[],
): ChildProcess {
  const node = existsSync(process.execPath) ? process.execPath : 'node';
  const passed = own.filter(listensAt(lookAtDescriptor()));
  const first = firstDescriptor + inherited.length;
  const reported = { ...facts, sockets: passed.map((socket, at) => ({ ...socket, fd: first + at })) };
  const env = { ...process.env, ...listenVariables(inherited), [predecessorVariable]: JSON.stringify(reported) };
  const words = [closedInspector, ...process.execArgv, ...process.argv.slice(1)];
  const [program, ...args] = deafAtFirst(node, words, env);
  return spawn(program, args, { env, stdio: stdioWith([...inherited, ...passed]) });
}

const shell = '/bin/sh';

/**
 * A process ends by SIGHUP, SIGUSR1 and SIGUSR2 while Node is loaded, unless it begins with them ignored: the shell does that,
 * and then becomes Node, which holds SIGUSR1 back from then on, and lets the others in again until somebody listens. A shell
 * drops variables whose names it could not write, so it is left out where there are any.
 */
function deafAtFirst(node: string, words: readonly string[], env: NodeJS.ProcessEnv): [string, ...string[]] {
  const isKept = Object.keys(env).every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (!isAbsolute(node) || !existsSync(shell) || !isKept) return [node, ...words];
  return [shell, '-c', `trap '' HUP USR1 USR2; exec "$0" "$@"`, node, ...words];
}

/** As in the first line of `bin/candor`, which this start does not read: SIGUSR1 opens no inspector. What Node was given since holds. */
const closedInspector = '--inspect-port=192.0.2.1:9229';

/** A worker may have closed it a moment ago, so that its number is another's. */
function listensAt(look: ReturnType<typeof lookAtDescriptor>): (socket: OwnSocket) => boolean {
  return ({ fd, port }) => look(fd)?.port === port;
}

/** The sockets keep their places, the service manager's from 3 on as it gave them, and the channel comes after them. */
function stdioWith(sockets: readonly { readonly fd: number }[]): StdioOptions {
  return ['inherit', 'inherit', 'inherit', ...sockets.map(({ fd }) => fd), 'ipc'];
}

function listenVariables(sockets: readonly InheritedSocket[]): Record<string, string | undefined> {
  if (sockets.length === 0) return { LISTEN_PID: undefined, LISTEN_FDS: undefined, LISTEN_FDNAMES: undefined };
  return {
    LISTEN_PID: String(process.pid),
    LISTEN_FDS: String(sockets.length),
    LISTEN_FDNAMES: sockets.map(({ name }) => name ?? 'unknown').join(':'),
  };
}

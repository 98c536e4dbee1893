import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { InheritedSocket } from '../../core/inherited-socket.ts';
import { type PredecessorFacts, predecessorVariable } from './words.ts';

/**
 * Starts the program that this process was started as once more: the same words, folder, streams and settings. Its path
 * is looked up anew, so a version that was installed meanwhile under the same name is the one that starts.
 */
export function startSuccessor(
  facts: PredecessorFacts,
  sockets: readonly InheritedSocket[],
  own: NodeJS.Process = process,
): ChildProcess {
  const node = existsSync(own.execPath) ? own.execPath : 'node';
  return spawn(node, [...own.execArgv, ...own.argv.slice(1)], {
    env: { ...own.env, ...listenVariables(sockets), [predecessorVariable]: JSON.stringify(facts) },
    stdio: stdioWith(sockets),
  });
}

/** The sockets of the service manager keep their places, from 3 on, and the channel comes after them. */
function stdioWith(sockets: readonly InheritedSocket[]): StdioOptions {
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

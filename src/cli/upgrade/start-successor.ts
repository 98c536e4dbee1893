import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { InheritedSocket } from '../../core/inherited-socket.ts';
import type { OwnSocket } from '../../core/passed-socket.ts';
import { lookAtDescriptor } from './start-sockets.ts';
import { type PredecessorFacts, predecessorVariable } from './handoff-messages.ts';
import { wrap } from '../layout.ts';
import type { ProcessContext } from '../process-context.ts';
import type { SuccessorProcess } from './predecessor.ts';

/** The first descriptor after the standard streams. */
const firstDescriptor = 3;

/**
 * Starts the program of this process again, with the same arguments, folder, streams and settings. The path is resolved
 * again, so a new version that was installed under the same name is started.
 *
 * Listening sockets are passed to it: `inherited` ones of the service manager, and `own` ones. Connections that arrive
 * during the upgrade wait in an accept queue that both processes accept from, and that survives the end of either.
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
  const words = [closedInspector, ...execArguments(), ...process.argv.slice(1)];
  const [program, ...args] = deafAtFirst(node, words, env);
  return spawn(program, args, { env, stdio: stdioWith([...inherited, ...passed]) });
}

const shell = '/bin/sh';

/**
 * SIGHUP, SIGUSR1 and SIGUSR2 end a process while Node is loaded, unless they are ignored from its start. So a shell ignores
 * them and then executes Node. From then on Node blocks SIGUSR1, and ignores the others until the program listens for them.
 * A shell drops variables with names that it could not write itself, so there is no shell if the environment has any.
 */
function deafAtFirst(node: string, words: readonly string[], env: NodeJS.ProcessEnv): [string, ...string[]] {
  const isKept = Object.keys(env).every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (!isAbsolute(node) || !existsSync(shell) || !isKept) return [node, ...words];
  return [shell, '-c', `trap '' HUP USR1 USR2; exec "$0" "$@"`, node, ...words];
}

/**
 * SIGUSR1 opens no inspector, as in the first line of `bin/candor`, which is not read here. Options given to Node later take
 * precedence.
 */
const closedInspector = '--inspect-port=192.0.2.1:9229';

/** Without that option, which this process has if it is a successor itself. */
function execArguments(): readonly string[] {
  return process.execArgv.filter((word) => word !== closedInspector);
}

/** A worker may have closed the socket a moment ago, so that the descriptor belongs to another file. */
function listensAt(look: ReturnType<typeof lookAtDescriptor>): (socket: OwnSocket) => boolean {
  return ({ fd, port }) => look(fd)?.port === port;
}

/** The sockets keep their order: the service manager's from descriptor 3 on, then this process's own, then the channel. */
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

/**
 * On a terminal, the shell waits for the process that it started, and sends Ctrl-C to its job as long as that process lives.
 * So a gateway that was upgraded there stays after its drain, as the parent of the successor: the terminal stays with the
 * new process, Ctrl-C reaches it, and the shell gets its exit code.
 *
 * Signals that the system sends to the whole job reach the successor directly as well. The successor recognizes the second
 * one as a copy (`signal-source.ts`).
 */
export async function stayInForeground(successor: SuccessorProcess, context: ProcessContext): Promise<number> {
  const { stderr } = context;
  // The successor already knew that this process would end; now its requests in flight have finished.
  successor.hangUp();
  const forward = (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const).map((signal) =>
    context.onSignal(signal, () => successor.signal(signal)),
  );
  const reason = `Process ${successor.pid} serves in this terminal now: Ctrl-C ends it, and so does \`candor stop\`.`;
  stderr.write(`${wrap(reason, '').join('\n')}\n`);
  try {
    return await successor.untilEnded();
  } finally {
    for (const leave of forward) leave();
  }
}

import { wrap } from '../layout.ts';
import type { ProcessContext } from '../process-context.ts';
import type { SuccessorProcess } from './predecessor.ts';

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

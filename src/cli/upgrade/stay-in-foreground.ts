import { wrap } from '../layout.ts';
import type { ProcessContext } from '../process-context.ts';
import type { SuccessorProcess } from './predecessor.ts';

/**
 * On a terminal the shell waits for the process that it started, and sends Ctrl-C to its job for as long as that process
 * lives. So a gateway that was upgraded there, and has ended what it had begun, stays as the successor's parent: the
 * terminal stays with the new process, Ctrl-C reaches it, and the shell gets its exit code.
 *
 * What the system sends to the whole job reaches the successor by itself as well; it takes a copy for what it is
 * (`signal-source.ts`).
 */
export async function stayInForeground(successor: SuccessorProcess, context: ProcessContext): Promise<number> {
  const { stderr } = context;
  // What it heard before is that this process is about to end; now nothing of it is under way.
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

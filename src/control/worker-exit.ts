import { withSourcePositions } from '../system/source-position.ts';

/** How a thread ended. */
export interface WorkerExit {
  readonly why: string;
  /** The error that it threw, and where. */
  readonly threw: string | null;
  /** Node's code for it, such as 'ERR_WORKER_OUT_OF_MEMORY'. */
  readonly code: string | null;
}

/** Describes the exit of a thread by its 'error' event. */
export function workerExitOf(thrown: unknown): WorkerExit {
  const code = codeOf(thrown);
  return { why: whyOf(thrown, code), threw: thrownText(thrown), code };
}

function codeOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown)) return null;
  return typeof thrown.code === 'string' ? thrown.code : null;
}

function whyOf(thrown: unknown, code: string | null): string {
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return 'it ran out of memory (workers.memory_max)';
  return thrown instanceof Error ? `it threw ${thrown.name}` : 'it threw';
}

/** The error and the first line of its stack: enough to find the line without filling a screen. */
function thrownText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const frame = thrown.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return `${thrown.name}: ${thrown.message}${frame === undefined ? '' : ` ${withSourcePositions(frame.trim())}`}`;
}

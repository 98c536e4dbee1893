import type { ChildProcess } from 'node:child_process';
import { PassThrough } from 'node:stream';

/**
 * A process that was just spawned, with streams in any case. Where no descriptor is left for them (EMFILE, ENFILE), Node makes none, and tells the
 * error afterwards: whoever reads `stdout` before that would end the gateway.
 */
export function withStreams<C extends ChildProcess>(child: C): C {
  const { stdin, stdout, stderr } = child as Partial<Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr'>>;
  // Null: it was spawned without.
  if (stdin === undefined) child.stdin = new PassThrough().resume();
  if (stdout === undefined) child.stdout = new PassThrough().end();
  if (stderr === undefined) child.stderr = new PassThrough().end();
  return child;
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs a program of this folder with these options of Node and V8, and returns what it prints. V8 compiles when it wants to, not
 * when a thread beside it has had the time: so a loaded machine finds what a quiet one does.
 */
export async function runMain(program: string, options: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [
    '--no-concurrent-recompilation',
    ...options,
    join(import.meta.dirname, program),
  ]);
  return stdout;
}

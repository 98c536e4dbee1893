import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs a program of this folder with these options of Node and V8, and returns its output. V8 has the flags that `bin/candor` sets. It
 * compiles synchronously, not in a background thread, so that a busy machine has the same results as an idle one.
 */
export async function runMain(program: string, options: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [
    '--no-concurrent-recompilation',
    `--import=${join(import.meta.dirname, '..', '..', 'scripts', 'production-flags.ts')}`,
    ...options,
    join(import.meta.dirname, program),
  ]);
  return stdout;
}

import { run } from '@stricli/core';
import type { Context } from './command-context.ts';
import { application } from './commands.ts';
import { exitCodeOf } from './exit-codes.ts';
import { defectText } from './failure-text.ts';
import type { Output, Surroundings } from './surroundings.ts';

/**
 * Runs one command line to its end and returns the exit code of `exit-codes.ts`. Nothing escapes: what nobody
 * foresaw becomes a sentence and a 1.
 */
export async function runCommandLine(argv: readonly string[], around: Surroundings): Promise<number> {
  const stdout = parserStream(around.stdout, around);
  const stderr = parserStream(around.stderr, around);
  const process: Context['process'] & { env: Surroundings['env'] } = { stdout, stderr, env: around.env };
  try {
    await run(application, argv.length === 0 ? ['--help'] : argv, { process, around } as never);
    return exitCodeOf(Number(process.exitCode ?? 0));
  } catch (error) {
    around.stderr.write(`${defectText(error, around.env)}\n`);
    return 1;
  }
}

/** The parser colours what it prints where a stream says that it has colours; the rule for that is ours. */
function parserStream(
  output: Output,
  { env }: Surroundings,
): Context['process']['stdout'] & { getColorDepth(): number } {
  const colours = output.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return { write: (text) => output.write(text), getColorDepth: () => (colours ? 4 : 1) };
}

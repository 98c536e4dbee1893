import { run } from '@stricli/core';
import type { ParserContext } from './parser-context.ts';
import { application } from './commands.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { defectText } from './failure-text.ts';
import { harmless } from './layout.ts';
import type { Output, ProcessContext } from './process-context.ts';
import { noFlagText } from './no-flag-text.ts';

/**
 * Runs one command line to its end and returns the exit code of `exit-codes.ts`. Never rejects: an unexpected error becomes
 * a sentence and exit code 1.
 */
export async function runCommandLine(argv: readonly string[], context: ProcessContext): Promise<number> {
  const stdout = parserStream(context.stdout, context);
  const stderr = parserStream(context.stderr, context);
  const tooShort = flagTooShort(argv);
  if (tooShort !== undefined) {
    context.stderr.write(`${noFlagText(harmless(tooShort))}\n`);
    return exitCodes.usage;
  }
  const process: ParserContext['process'] & { env: ProcessContext['env'] } = { stdout, stderr, env: context.env };
  try {
    await run(application, argv.length === 0 ? ['--help'] : withHeaderFlag(withLimitApart(argv)), {
      process,
      processContext: context,
    } as never);
    return exitCodeOf(Number(process.exitCode ?? 0));
  } catch (error) {
    context.stderr.write(`${defectText(error, context.env)}\n`);
    return 1;
  }
}

/** The parser takes a word such as `--c` for an argument. `run` looks at its own words: those of a program may be so. */
function flagTooShort(argv: readonly string[]): string | undefined {
  const end = argv.indexOf('--');
  const words = argv[0] === 'run' ? [] : argv.slice(0, end === -1 ? argv.length : end);
  return words.find((word) => /^--[a-z](?:=|$)/i.test(word));
}

/** The parser takes `-n1` of `candor logs` for a word of the query; people write it so to `head` and `journalctl`. */
function withLimitApart(argv: readonly string[]): readonly string[] {
  if (argv[0] !== 'logs') return argv;
  const end = argv.indexOf('--');
  return argv.flatMap((word, index) => {
    const [, limit] = end === -1 || index < end ? (/^-n=?(\d+)$/.exec(word) ?? []) : [];
    return limit === undefined ? [word] : ['-n', limit];
  });
}

/** The parser keeps `-H` for itself, by which people give headers to `curl`, and to `candor route`. */
function withHeaderFlag(argv: readonly string[]): readonly string[] {
  return argv[0] === 'route' ? argv.map((word) => (word === '-H' ? '--header' : word)) : argv;
}

/** The stream that the parser writes to. The parser prints colours if `getColorDepth` allows them, by the same rule as `style.ts`. */
function parserStream(
  output: Output,
  { env }: ProcessContext,
): ParserContext['process']['stdout'] & { getColorDepth(): number } {
  const colours = output.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return { write: (text) => output.write(text), getColorDepth: () => (colours ? 4 : 1) };
}

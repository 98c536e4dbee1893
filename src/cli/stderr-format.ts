import type { Output, ProcessContext } from './process-context.ts';
import { CommandFailure, defectText } from './command-failure.ts';

/** One line of standard error, for programs. */
interface StderrNotice {
  readonly level: 'error' | 'warn';
  readonly kind: 'notice' | 'configuration_error' | 'configuration_warning' | 'command_failed';
  readonly subject: string;
  readonly reason: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

/**
 * Runs a command that serves, so that its standard error has one format from the first line to the last: text, or with
 * `json` one JSON object per line. With `json`, a sentence that the command writes becomes a notice, and so does the failure
 * that ends it.
 */
export async function withStderrFormat(
  context: ProcessContext,
  json: boolean,
  command: (processContext: ProcessContext) => Promise<number>,
): Promise<number> {
  context.outliveOutputs?.();
  if (!json) return command(context);
  const stderr = noticesTo(context);
  try {
    return await command(withStderr(context, stderr));
  } catch (error) {
    const isForPeople = error instanceof CommandFailure;
    const [reason, exitCode] = isForPeople ? [error.message, error.code] : [defectText(error, context.env), 1];
    const evidence = { exit_code: exitCode };
    stderr.write(noticeLine({ level: 'error', kind: 'command_failed', subject: 'gateway', reason, evidence }, context));
    return exitCode;
  }
}

export function noticeLine(
  { level, kind, subject, reason, evidence = {} }: StderrNotice,
  { clock }: ProcessContext,
): string {
  const at = new Date(clock.wallTime()).toISOString();
  // Messages are wrapped for a terminal. Indented lines are list items and keep their line breaks.
  const text = reason.trim().replace(/\n(?=\S)/g, ' ');
  return `${JSON.stringify({ level, at, kind, subject, from: null, to: null, evidence, reason: text })}\n`;
}

/** A text that is already a line of JSON is written unchanged. */
function noticesTo(context: ProcessContext): Output {
  const { stderr } = context;
  const drained = stderr.drained?.bind(stderr);
  return {
    isTTY: stderr.isTTY,
    write: (text) =>
      stderr.write(
        text.startsWith('{"')
          ? text
          : noticeLine({ level: 'warn', kind: 'notice', subject: 'gateway', reason: text }, context),
      ),
    ...(drained === undefined ? {} : { drained }),
  };
}

function withStderr(context: ProcessContext, stderr: Output): ProcessContext {
  const { stdout, env, directory, clock, machine, predecessor } = context;
  return {
    stdout,
    stderr,
    env,
    directory,
    clock,
    machine,
    predecessor,
    ask: (question) => context.ask(question),
    onSignal: (signal, listener) => context.onSignal(signal, listener),
    exit: (code) => context.exit(code),
  };
}

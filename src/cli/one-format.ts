import { CommandFailure, type Output, type Surroundings } from './surroundings.ts';
import { defectText } from './failure-text.ts';

/** One line of standard error, for programs. */
export interface Notice {
  readonly level: 'error' | 'warn';
  readonly kind: 'notice' | 'configuration_error' | 'configuration_warning' | 'command_failed';
  readonly subject: string;
  readonly reason: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

/**
 * Runs a command that serves so that its standard error has one format from the first line to the last: sentences, or where
 * `json` says so one JSON object per line. What the command writes as a sentence becomes a notice then, and so does the
 * failure that it ends with.
 */
export async function inOneFormat(
  around: Surroundings,
  json: boolean,
  command: (around: Surroundings) => Promise<number>,
): Promise<number> {
  around.outliveOutputs?.();
  if (!json) return command(around);
  const stderr = noticesTo(around);
  try {
    return await command(withStderr(around, stderr));
  } catch (error) {
    const isForPeople = error instanceof CommandFailure;
    const [reason, exitCode] = isForPeople ? [error.message, error.code] : [defectText(error, around.env), 1];
    const evidence = { exitCode };
    stderr.write(noticeLine({ level: 'error', kind: 'command_failed', subject: 'gateway', reason, evidence }, around));
    return exitCode;
  }
}

export function noticeLine({ level, kind, subject, reason, evidence = {} }: Notice, { clock }: Surroundings): string {
  const at = new Date(clock.wallTime()).toISOString();
  // Sentences come on lines that fit a terminal; what is indented is a list, and keeps its lines.
  const text = reason.trim().replace(/\n(?=\S)/g, ' ');
  return `${JSON.stringify({ level, at, kind, subject, from: null, to: null, evidence, reason: text })}\n`;
}

/** What is a line of JSON already stays as it is. */
function noticesTo(around: Surroundings): Output {
  const { stderr } = around;
  const drained = stderr.drained?.bind(stderr);
  return {
    isTTY: stderr.isTTY,
    write: (text) =>
      stderr.write(
        text.startsWith('{"')
          ? text
          : noticeLine({ level: 'warn', kind: 'notice', subject: 'gateway', reason: text }, around),
      ),
    ...(drained === undefined ? {} : { drained }),
  };
}

function withStderr(around: Surroundings, stderr: Output): Surroundings {
  const { stdout, env, directory, clock, machine, succession } = around;
  return {
    stdout,
    stderr,
    env,
    directory,
    clock,
    machine,
    succession,
    ask: (question) => around.ask(question),
    onSignal: (signal, listener) => around.onSignal(signal, listener),
    exit: (code) => around.exit(code),
  };
}

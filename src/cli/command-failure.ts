import { withSourcePositions } from '../system/source-position.ts';
import { columnsMax, widthOf, wrap } from './layout.ts';

/** Ends a command: a sentence for people, and the exit code for scripts. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exit: ExitName;
  /** The errors of a configuration, one line each, if they are the reason. */
  readonly errors: readonly string[];

  constructor(exit: ExitName, message: string, errors: readonly string[] = []) {
    super(message);
    this.exit = exit;
    this.errors = errors;
  }

  get code(): number {
    return exitCodes[this.exit];
  }
}

/**
 * The exit codes of `candor`. Scripts rely on them, so a number never gets another meaning. `run` exits with the code of its
 * command if the command ended before it was ready.
 */
export const exitCodes = {
  ok: 0,
  /** For `explain` of a log: the log contains gateway failures. For `incidents`: one goes on. */
  failure: 1,
  /** An unknown command or flag, or a value that does not fit. */
  usage: 2,
  /** For `explain` and `whose`: nothing was recognised. */
  nothing_to_do: 3,
  /** The configuration has errors. */
  validation_failed: 4,
  /** For `deploy` and `reload --wait`: the new instances did not become healthy, and the old ones serve. */
  health_gate_failed: 5,
  /** For `deploy`: the new release did worse than the old one, which serves. */
  analysis_failed: 6,
  /** The gateway did not answer in time; for `stop`, it did not end in time. */
  timeout: 7,
  gateway_unreachable: 8,
  /** For `explain`: no gateway and no log has the request. For `drain` and similar commands: the target does not exist. */
  not_found: 9,
  /** For commands that change a gateway: it cannot do this now, or it runs another configuration. Nothing was changed. */
  refused: 10,
  /** For `explain`: the beginning of an id is that of several requests. */
  ambiguous: 11,
  /** For `run`, as in a shell: the command cannot be executed, or does not exist. */
  command_not_executable: 126,
  command_not_found: 127,
  /** Force closed by a second SIGINT. */
  interrupted: 130,
  /** Force closed by a second SIGTERM. */
  terminated: 143,
} as const;

export type ExitName = keyof typeof exitCodes;

/** The text of an expected failure, wrapped for a terminal. */
export function failureText(failure: CommandFailure): string {
  return failure.message.split('\n').flatMap(fit).join('\n');
}

/** Indented lines are list items. Their continuation lines are indented further, so that items stay distinct. */
function fit(line: string): string[] {
  if (widthOf(line) <= columnsMax) return [line];
  // A command to be typed is not broken.
  const whole = line.replace(/`[^`]+`/g, (code) => code.replaceAll(' ', held));
  return broken(whole).map((part) => part.replaceAll(held, ' '));
}

function broken(line: string): string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  if (indent === '') return wrap(line, '');
  const [first = '', ...rest] = wrap(line.trimStart(), `${indent}  `);
  return [indent + first.trimStart(), ...rest];
}

/** Stands for a space at which no line is broken. Messages do not contain it. */
const held = '\u{e000}';

/** The text of an unexpected error: a sentence and how to report it. CANDOR_DEBUG adds the stack. */
export function defectText(error: unknown, env: Readonly<Record<string, string | undefined>> = process.env): string {
  const message = error instanceof Error ? error.message : String(error);
  const head = `Candor made a mistake: ${message.split('\n', 1)[0]}`;
  if (env['CANDOR_DEBUG'] === '1' && error instanceof Error)
    return `${head}\n${withSourcePositions(error.stack ?? '')}`;
  return `${head}\nThis is a defect. Please report it with the output of the same command under CANDOR_DEBUG=1.`;
}

/** `flag`: as it was written, '--prot'. */
export function noFlagText(flag: string): string {
  return `There is no flag ${flag}. \`--help\` lists all flags.`;
}

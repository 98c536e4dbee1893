import { ExitCode as ParserCode } from '@stricli/core';

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

/** The exit code for a result of the command-line parser, whose own codes are negative. */
export function exitCodeOf(parserCode: number): number {
  if (parserCode === ParserCode.UnknownCommand || parserCode === ParserCode.InvalidArgument) return exitCodes.usage;
  return parserCode < 0 ? exitCodes.failure : parserCode;
}

import { ExitCode as ParserCode } from '@stricli/core';

/**
 * What `candor` ends with. Scripts rely on these; a number is never given another meaning. `run` ends with the code of its
 * command, whatever that is, where the command ended before it was ready.
 */
export const exitCodes = {
  ok: 0,
  /** For `explain` of a log: there are failures of a gateway in it. */
  failure: 1,
  /** An unknown command or flag, or a value that does not fit. */
  usage: 2,
  /** For `explain` and `whose`: nothing was recognised. */
  nothing_to_do: 3,
  /** The configuration has mistakes. */
  validation_failed: 4,
  /** For `deploy`, and `reload --wait`: what is new did not become healthy, and the old serves. */
  health_gate_failed: 5,
  /** For `deploy`: the new release did worse, and the old one serves. */
  analysis_failed: 6,
  /** The gateway did not answer in time; for `stop`, did not end. */
  timeout: 7,
  gateway_unreachable: 8,
  /** For `explain`: no gateway and no log knows the request. For `drain` and the like: there is no such target. */
  not_found: 9,
  /** For commands that change a gateway: not now, or not this gateway; nothing was tried. */
  refused: 10,
  /** For `run`, as a shell: the command is there and cannot be executed; there is no such command. */
  command_not_executable: 126,
  command_not_found: 127,
  /** Ended at once by a second SIGINT. */
  interrupted: 130,
  /** Ended at once by a second SIGTERM. */
  terminated: 143,
} as const;

export type ExitName = keyof typeof exitCodes;

/** The exit code for what the command-line parser ended with; its own codes are negative. */
export function exitCodeOf(parserCode: number): number {
  if (parserCode === ParserCode.UnknownCommand || parserCode === ParserCode.InvalidArgument) return exitCodes.usage;
  return parserCode < 0 ? exitCodes.failure : parserCode;
}

import { type ExitName, exitCodes } from './exit-codes.ts';

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

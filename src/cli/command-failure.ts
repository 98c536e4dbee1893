import { type ExitName, exitCodes } from './exit-codes.ts';

/** A command that cannot go on: a sentence for people, and the exit code for scripts. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exit: ExitName;
  /** What is wrong with a configuration, one line each, where that is why. */
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

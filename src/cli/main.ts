import { systemClock } from '../system/system.ts';
import { runCommandLine } from './command-line.ts';
import { earlySignals } from './early-signals.ts';
import { defectText } from './failure-text.ts';
import { thisMachine } from './review-machine.ts';
import { signalSource } from './signal-source.ts';
import { StandardOutput } from './standard-output.ts';
import { type ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';
import { connectToPredecessor } from './upgrade/successor.ts';

/** The program `candor`: runs one command line in this process. */

async function ask(question: string): Promise<string | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  // Loaded here, because a gateway that starts asks nothing.
  const { createInterface } = process.getBuiltinModule('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } catch {
    // The person pressed Ctrl-D or Ctrl-C.
    return 'n';
  } finally {
    lines.close();
  }
}

function fail(error: unknown): never {
  // The environment of this process may be unusable before a command runs.
  const { message, code } = error instanceof CommandFailure ? error : { message: defectText(error), code: 1 };
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
// A reader that has read enough (`candor events | head`) is no failure; a full disk is.
const unwritable = (errno: string): never => process.exit(errno === 'EPIPE' ? 0 : 1);
const stdout = new StandardOutput(process.stdout, unwritable);
const stderr = new StandardOutput(process.stderr, unwritable);

const context: ProcessContext = {
  stdout,
  stderr,
  outliveOutputs: () => {
    stdout.outlive();
    stderr.outlive();
  },
  env: process.env,
  directory: process.cwd(),
  clock: systemClock,
  machine: thisMachine,
  predecessor: connectToPredecessor(process),
  ask,
  onSignal: signalSource(process, systemClock, (code) => process.exit(code), earlySignals(process)),
  exit: (code) => process.exit(code),
};

const code = await runCommandLine(process.argv.slice(2), context);
// A pipe takes what its reader has room for; the rest of a result would be lost with the process.
await stdout.drained();
await stderr.drained();
process.exit(code);

import { createInterface } from 'node:readline/promises';
import { isatty } from 'node:tty';
import { systemClock } from '../gateway/system.ts';
import { runCommandLine } from './command-line.ts';
import { defectText } from './failure-text.ts';
import { thisMachine } from './review-machine.ts';
import { signalSource } from './signal-source.ts';
import { CommandFailure, type Output, type Surroundings } from './surroundings.ts';
import { takeSuccession } from './upgrade/successor.ts';

/** The program `candor`: one command line, in the process that the system gave us. */

function outputOf(stream: NodeJS.WriteStream & { readonly fd: number }): Output {
  return {
    isTTY: isatty(stream.fd),
    write: (text) => {
      stream.write(text);
    },
    rows: () => stream.rows ?? null,
    // A pipe is written in the background, and ends with the process.
    drained: () => (stream.writableLength === 0 ? null : new Promise((resolve) => stream.write('', () => resolve()))),
  };
}

async function ask(question: string): Promise<string | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } catch {
    // The person left by Ctrl-D or Ctrl-C.
    return 'n';
  } finally {
    lines.close();
  }
}

function fail(error: unknown): never {
  // What this process was started with may be wrong before there is a command.
  const { message, code } = error instanceof CommandFailure ? error : { message: defectText(error), code: 1 };
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
// Whoever read us has enough (`candor events | head`): that is no failure.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(0));

const around: Surroundings = {
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  env: process.env,
  directory: process.cwd(),
  clock: systemClock,
  machine: thisMachine,
  succession: takeSuccession(process),
  ask,
  onSignal: signalSource(process, systemClock, (code) => process.exit(code)),
  exit: (code) => process.exit(code),
};

process.exit(await runCommandLine(process.argv.slice(2), around));

import type { Event, EventFacts } from '../core/event.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { exitCodes } from './exit-codes.ts';
import { countText, harmless, shorten, wrap } from './layout.ts';

/** The last lines of the command's output that are repeated in the message: a stack trace, or the lines before the end. */
const lastLinesMax = 10;

/** The number that a shell adds to that of the signal that ended a command (POSIX, Shell Command Language §2.8.2). */
const signalBase = 128;

/** How a command ended that was never ready. */
export interface CommandExit {
  /** The exit code of `candor run`, the same as a shell's. */
  readonly exitCode: number;
  /** Whole sentences: what happened, and what to do. */
  readonly message: string;
  /** Its last lines, oldest first. */
  readonly output: readonly string[];
}

/**
 * Watches the first start of the command of `candor run`. A command that cannot be started, or that ends before it was
 * ready, would fail again in the same way. So the gateway ends, and with it `candor run`. A command that was ready once is
 * restarted whenever it ends.
 */
export class FirstStart {
  readonly #command: readonly string[];
  readonly #abort = new AbortController();
  readonly #signalNumbers: Readonly<Record<string, number>>;
  #isOver = false;
  #end: CommandExit | null = null;

  constructor(command: readonly string[], signalNumbers: Readonly<Record<string, number>>) {
    this.#command = command;
    this.#signalNumbers = signalNumbers;
  }

  /** Aborted when the command has ended before it was ready. */
  get abandoned(): AbortSignal {
    return this.#abort.signal;
  }

  /** Null while the command may still become ready, and after it was. */
  get end(): CommandExit | null {
    return this.#end;
  }

  onEvent(event: Event): void {
    if (this.#isOver) return;
    switch (event.kind) {
      // The gateway is stopping, and has stopped the command.
      case 'instance_ready':
      case 'process_stopping':
        this.#isOver = true;
        return;
      case 'instance_not_started':
        return this.#ended(notStarted(event.evidence.errno, event.reason, this.#command));
      case 'instance_exited':
        return this.#ended(exited(event.evidence, this.#command, this.#signalNumbers));
      default:
        return;
    }
  }

  #ended(end: CommandExit): void {
    this.#isOver = true;
    this.#end = end;
    this.#abort.abort('its command ended before it was ready');
  }
}

function notStarted(errno: string, reason: string, command: readonly string[]): CommandExit {
  const exitCode =
    errno === 'ENOENT' ? exitCodes.command_not_found : isRefusal(errno) ? exitCodes.command_not_executable : 1;
  return { exitCode, message: `${commandText(command)} could not be started: ${harmless(reason)}.`, output: [] };
}

/** The file exists but cannot be executed. */
function isRefusal(errno: string): boolean {
  return ['EACCES', 'EPERM', 'ENOEXEC', 'ENOTDIR', 'EISDIR', 'ELOOP'].includes(errno);
}

function exited(
  { code, signal, outOfMemory, output }: EventFacts['instance_exited'],
  command: readonly string[],
  signalNumbers: Readonly<Record<string, number>>,
): CommandExit {
  const exitCode = code ?? signalBase + (signalNumbers[signal ?? ''] ?? 0);
  const how = outOfMemory
    ? 'was killed by the kernel, which was out of memory,'
    : signal === null
      ? `ended with exit code ${exitCode}`
      : `was killed by ${signal}`;
  const advice =
    exitCode === 0 ? ' The command must stay in the foreground and listen on the port in the variable PORT.' : '';
  return {
    exitCode,
    message: `${commandText(command)} ${how} before it was ready to serve.${advice}`,
    output: output.slice(-lastLinesMax),
  };
}

const redactor = new TextRedactor();

/** A journal may keep it. */
function commandText(command: readonly string[]): string {
  return `\`${shorten(harmless(redactor.redactCommand(command).join(' ')), 60)}\``;
}

/** The last message that a person reads. `shown`: the output is directly above it. */
export function commandExitText({ message: reason, output }: CommandExit, shown: boolean): string {
  const lines = wrap(reason, '');
  if (!shown && output.length > 0) {
    lines.push(`Its last ${output.length === 1 ? 'line' : countText(output.length, 'line')}:`);
    lines.push(...output.map((line) => `  ${harmless(line)}`));
  }
  return `${lines.join('\n')}\n`;
}

import { constants, hostname } from 'node:os';
import type { Event, EventFacts } from '../core/event.ts';
import { withStderrFormat, noticeLine } from './stderr-format.ts';
import { offerNextPort } from './next-port.ts';
import { serve } from './serve.ts';
import { type ServePlan, whereLines } from './serve-plan.ts';
import { StartAbandoned } from '../gateway/gateway.ts';
import { styleFor } from './style.ts';
import { harmless, countText, shorten, wrap } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { CommandFailure, noFlagText, exitCodes } from './command-failure.ts';
import { reportingToPredecessor } from './upgrade/successor.ts';
import type { RunFlags } from './flags.ts';
import { join } from 'node:path';
import { configurationForCommand } from '../config/command.ts';
import type { Configuration } from '../core/configuration.ts';
import { privateFolder } from './runtime-folder.ts';
import { TextRedactor } from '../redact/text-redactor.ts';

/** Puts the gateway in front of any command that takes its port from PORT. */
export async function run(flags: RunFlags, command: readonly string[], context: ProcessContext): Promise<number> {
  const [program = ''] = command;
  if (program.startsWith('-')) throw new CommandFailure('usage', noFlagText(harmless(program)));
  const json = flags.json || !context.stderr.isTTY;
  return withStderrFormat(context, json, (one) =>
    reportingToPredecessor(one.predecessor, () => startAndServe(flags, command, one)),
  );
}

async function startAndServe(flags: RunFlags, command: readonly string[], context: ProcessContext): Promise<number> {
  context.predecessor?.step('reading_configuration');
  const firstStart = new FirstStart(command, constants.signals);
  const code = await serveCommand(flags, command, firstStart, context);
  const { end } = firstStart;
  if (end === null) return code;
  const { stdout, stderr, predecessor } = context;
  // The old process continues to serve, and says why the upgrade failed.
  if (predecessor !== null) throw new CommandFailure('failure', end.message);
  const { exitCode, message, output } = end;
  const isForPeople = stderr.isTTY && !flags.json;
  stderr.write(
    isForPeople ? commandExitText(end, stdout.isTTY) : failedLine(message, { exit_code: exitCode, output }, context),
  );
  return exitCode;
}

function failedLine(reason: string, evidence: Readonly<Record<string, unknown>>, context: ProcessContext): string {
  return noticeLine({ level: 'error', kind: 'command_failed', subject: 'gateway', reason, evidence }, context);
}

/** After the command has ended before it was ready, the other events tell how a gateway stops that has served nothing. */
const firstEvents: ReadonlySet<Event['kind']> = new Set(['instance_exited', 'instance_not_started']);

async function serveCommand(
  flags: RunFlags,
  command: readonly string[],
  firstStart: FirstStart,
  context: ProcessContext,
): Promise<number> {
  const plan: ServePlan = {
    configuration: configurationFor(flags, command, context),
    source: null,
    requestLines: !flags.quiet,
    json: flags.json,
    otherPort: offerNextPort(context),
    abandon: firstStart.abandoned,
    onEvent: (event) => firstStart.onEvent(event),
    isMute: (event) => firstStart.end !== null && !firstEvents.has(event.kind),
    onOpened: (gateway, served) => {
      // In a log the events have said the same.
      if (context.stderr.isTTY && !flags.json && firstStart.end === null)
        context.stderr.write(`${whereLines(gateway, served, styleFor(context.stderr, context.env)).join('\n')}\n`);
    },
  };
  try {
    return await serve(plan, context);
  } catch (error) {
    if (firstStart.end !== null && error instanceof StartAbandoned) return firstStart.end.exitCode;
    throw error;
  }
}

/** The configuration of `candor run`: one application behind one listener. */
function configurationFor(flags: RunFlags, command: readonly string[], context: ProcessContext): Configuration {
  const folder = privateFolder(context.env);
  const configuration = configurationForCommand({
    command,
    port: flags.port,
    bind: flags.host,
    directory: context.directory,
    hostname: hostname(),
    environment: context.env,
    readinessPath: flags.readinessPath,
    adminSocket: folder === null ? null : join(folder, `run-${process.pid}.sock`),
  });
  if (flags.appPort === undefined) return configuration;
  const port = flags.appPort;
  return {
    ...configuration,
    applications: configuration.applications.map((application) => ({ ...application, port })),
  };
}

/** The last lines of the command's output that are repeated in the message: a stack trace, or the lines before the end. */
const lastLinesMax = 10;

/** The number that a shell adds to that of the signal that ended a command (POSIX, Shell Command Language §2.8.2). */
const signalBase = 128;

/** How a command ended that was never ready. */
interface CommandExit {
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
class FirstStart {
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
function commandExitText({ message: reason, output }: CommandExit, shown: boolean): string {
  const lines = wrap(reason, '');
  if (!shown && output.length > 0) {
    lines.push(`Its last ${output.length === 1 ? 'line' : countText(output.length, 'line')}:`);
    lines.push(...output.map((line) => `  ${harmless(line)}`));
  }
  return `${lines.join('\n')}\n`;
}

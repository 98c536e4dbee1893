import { constants } from 'node:os';
import type { Event } from '../core/event.ts';
import { commandExitText, FirstStart } from './first-start.ts';
import { withStderrFormat, noticeLine } from './stderr-format.ts';
import { configurationFor } from './run-configuration.ts';
import { offerNextPort } from './next-port.ts';
import { serve } from './serve.ts';
import { type ServePlan } from './serve-plan.ts';
import { StartAbandoned } from '../gateway/gateway.ts';
import { styleFor } from './style.ts';
import { harmless } from './layout.ts';
import { whereLines } from './where-lines.ts';
import { type ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';
import { reportingToPredecessor } from './upgrade/report-to-predecessor.ts';
import type { RunFlags } from './run-flags.ts';
import { noFlagText } from './no-flag-text.ts';

/** Puts the gateway in front of any command that takes its port from PORT. */
export async function run(flags: RunFlags, command: readonly string[], context: ProcessContext): Promise<number> {
  const [program = ''] = command;
  if (program.startsWith('-')) throw new CommandFailure('usage', noFlagText(harmless(program)));
  const json = flags.json || !context.stderr.isTTY;
  return withStderrFormat(context, json, (one) =>
    reportingToPredecessor(one, () => startAndServe(flags, command, one)),
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

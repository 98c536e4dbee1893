import { existsSync } from 'node:fs';
import { checkAdminSocket } from '../admin/admin-socket-check.ts';
import { resourcesOf } from '../features/resources/settings.ts';
import { adjustPaths, machineText, reviewMachine } from './adjust-paths.ts';
import { lookUpGateway, lookupMs, whatRuns } from './gateway-lookup.ts';
import { withStderrFormat, noticeLine } from './stderr-format.ts';
import {
  configurationErrorLine,
  type ConfigurationRead,
  renderForPeople,
  type ServedRead,
} from './configuration-read.ts';
import { whereLines } from './serve-plan.ts';
import { serve } from './serve.ts';
import { styleFor } from './style.ts';
import type { ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';
import { reportingToPredecessor } from './upgrade/successor.ts';
import { reloadFrom } from './read-in-thread.ts';

export interface UpFlags {
  readonly config: string;
  /** Milliseconds. */
  readonly handover?: number | undefined;
  readonly json: boolean;
}

/** Runs a configuration, which `reading` reads from the file of `flags`, until a signal ends it. */
export function up(flags: UpFlags, reading: Promise<ServedRead>, context: ProcessContext): Promise<number> {
  return withStderrFormat(context, !context.stderr.isTTY, (one) =>
    reportingToPredecessor(one.predecessor, () => readAndServe(flags, reading, one)),
  );
}

async function readAndServe(flags: UpFlags, reading: Promise<ServedRead>, context: ProcessContext): Promise<number> {
  context.predecessor?.step('reading_configuration');
  const read = await reading;
  reportConfigurationErrors(read, context);
  if (read.configuration === null)
    throw new CommandFailure('validation_failed', 'Nothing was started.', read.errors.map(configurationErrorLine));
  const { configuration, notes } = adjustPaths(read.configuration, read.leftOpen, context.env);
  for (const note of notes) context.stderr.write(`${note}\n`);
  for (const warning of reviewMachine(configuration, context.machine)) context.stderr.write(machineText(warning));
  if (configuration.applications.some(({ features }) => resourcesOf(features) !== undefined)) {
    const { reviewResources } = await import('./review-resources.ts');
    for (const warning of reviewResources(configuration).warnings) context.stderr.write(machineText(warning));
  }
  if (flags.handover !== undefined && configuration.stateFolder === null)
    throw new CommandFailure('usage', noState(read));
  // Checked before anything is opened, so that nothing needs closing.
  const problem = configuration.admin.socket === null ? null : checkAdminSocket(configuration.admin.socket);
  if (problem !== null) throw new CommandFailure('failure', problem);
  // The predecessor has the socket and passes it to this process.
  const held = context.predecessor === null ? await holderOf(configuration.admin.socket, context) : null;
  if (held !== null) throw new CommandFailure('failure', `${held} Nothing was started.`);
  return serve(
    {
      configuration,
      source: read.path,
      shown: read.shown,
      // A successor could not read standard input again.
      isTemporary: read.path === null,
      reloadConfiguration: reloadFrom(flags.config, context),
      detachApplicationsMs: flags.handover ?? null,
      onOpened: (gateway, served) => {
        if (context.stderr.isTTY)
          context.stderr.write(`${whereLines(gateway, served, styleFor(context.stderr, context.env)).join('\n')}\n`);
      },
    },
    context,
  );
}

/** A sentence about the program that answers at the admin socket, so that this gateway cannot have it; null if none does. */
async function holderOf(path: string | null, context: ProcessContext): Promise<string | null> {
  // Most often none has ever listened there, and asking takes longer than looking.
  if (path === null || !existsSync(path)) return null;
  const looked = await lookUpGateway({ kind: 'socket', path }, context, lookupMs);
  if (looked.kind === 'no_answer' && ['nobody_there', 'not_permitted'].includes(looked.answer.why)) return null;
  if (looked.kind !== 'gateway')
    return `Another program answers at the admin socket ${path}. Stop it, or give this gateway another admin.socket.`;
  const { pid } = looked.status;
  return (
    `Another gateway answers at the admin socket ${path}: process ${pid}, which runs ${whatRuns(looked.status)}. ` +
    `Stop it (\`candor stop --socket ${path}\`), or give this one another admin.socket.`
  );
}

/** For people with line and caret; for programs one line each. */
function reportConfigurationErrors(read: ConfigurationRead, context: ProcessContext): void {
  const { stderr } = context;
  if (read.errors.length === 0) return;
  if (stderr.isTTY) return stderr.write(renderForPeople(read, stderr, context));
  for (const error of read.errors) {
    const { file, line, column, severity } = error;
    const notice = {
      level: severity === 'error' ? 'error' : 'warn',
      kind: severity === 'error' ? 'configuration_error' : 'configuration_warning',
      subject: 'configuration',
      reason: configurationErrorLine(error),
      evidence: { file, line, column },
    } as const;
    stderr.write(noticeLine(notice, context));
  }
}

function noState({ leftOpen }: ConfigurationRead): string {
  const why = leftOpen.state ? 'the usual one cannot be written' : 'the configuration says `state: none`';
  return `--handover needs a state folder, and ${why}.`;
}

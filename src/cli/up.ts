import { objectToSocketPlace } from '../admin/socket-place.ts';
import { fitPlaces } from './fit-places.ts';
import { lookAtGateway, lookMs, whatRuns } from './look-at-gateway.ts';
import { inOneFormat, noticeLine } from './one-format.ts';
import {
  complaintLine,
  type ConfigurationRead,
  readConfiguration,
  reloadFrom,
  renderForPeople,
} from './read-configuration.ts';
import { whereLines } from './run.ts';
import { serve } from './serve.ts';
import { styleFor } from './style.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';
import { tellingPredecessor } from './upgrade/successor.ts';

export interface UpFlags {
  readonly config: string;
  /** Milliseconds. */
  readonly handover?: number | undefined;
  readonly json: boolean;
}

/** Runs a configuration until a signal ends it. */
export function up(flags: UpFlags, around: Surroundings): Promise<number> {
  return inOneFormat(around, !around.stderr.isTTY, (one) => tellingPredecessor(one, () => readAndServe(flags, one)));
}

async function readAndServe(flags: UpFlags, around: Surroundings): Promise<number> {
  around.succession?.step('reading_configuration');
  const read = await readConfiguration(flags.config, around);
  tellComplaints(read, around);
  if (read.configuration === null)
    throw new CommandFailure('validation_failed', 'Nothing was started.', read.complaints.map(complaintLine));
  const { configuration, notes } = fitPlaces(read.configuration, read.leftOpen, around.env);
  for (const note of notes) around.stderr.write(`${note}\n`);
  if (flags.handover !== undefined && configuration.stateFolder === null)
    throw new CommandFailure('usage', noState(read));
  // Nothing is opened first, and nothing has to be closed again.
  const objection = configuration.admin.socket === null ? null : objectToSocketPlace(configuration.admin.socket);
  if (objection !== null) throw new CommandFailure('failure', objection);
  // A predecessor has the socket and gives it to this process.
  const held = around.succession === null ? await holderOf(configuration.admin.socket, around) : null;
  if (held !== null) throw new CommandFailure('failure', `${held} Nothing was started.`);
  return serve(
    {
      configuration,
      source: read.path,
      // Another process could not read the configuration again.
      isTemporary: read.path === null,
      reloadConfiguration: reloadFrom(flags.config, around),
      leaveApplicationsMs: flags.handover ?? null,
      opened: (gateway, served) => {
        if (around.stderr.isTTY)
          around.stderr.write(`${whereLines(gateway, served, styleFor(around.stderr, around.env)).join('\n')}\n`);
      },
    },
    around,
  );
}

/** Who answers at the admin socket, so that this gateway cannot have it, in a sentence; null where nobody does. */
async function holderOf(path: string | null, around: Surroundings): Promise<string | null> {
  if (path === null) return null;
  const looked = await lookAtGateway({ kind: 'socket', path }, around, lookMs);
  if (looked.kind === 'no_answer' && ['nobody_there', 'not_permitted'].includes(looked.answer.why)) return null;
  if (looked.kind !== 'gateway')
    return `Another program answers at the admin socket ${path}. Stop it, or give this gateway another admin.socket.`;
  const { pid } = looked.status;
  return (
    `Another gateway answers at the admin socket ${path}: process ${pid}, which runs ${whatRuns(looked.status)}. ` +
    `Stop it (\`candor stop --socket ${path}\`), or give this one another admin.socket.`
  );
}

/** With line and caret for people, one line each for programs. */
function tellComplaints(read: ConfigurationRead, around: Surroundings): void {
  const { stderr } = around;
  if (read.complaints.length === 0) return;
  if (stderr.isTTY) return stderr.write(renderForPeople(read, stderr, around));
  for (const complaint of read.complaints) {
    const { file, line, column, severity } = complaint;
    const notice = {
      level: severity === 'error' ? 'error' : 'warn',
      kind: severity === 'error' ? 'configuration_error' : 'configuration_warning',
      subject: 'configuration',
      reason: complaintLine(complaint),
      evidence: { file, line, column },
    } as const;
    stderr.write(noticeLine(notice, around));
  }
}

function noState({ leftOpen }: ConfigurationRead): string {
  const why = leftOpen.state ? 'the usual one cannot be written' : 'the configuration says `state: none`';
  return `--handover needs a state folder, and ${why}.`;
}

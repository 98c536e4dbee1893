import { apiRoot } from '../admin/operations.ts';
import type { ApplicationStatus, InstanceStatus } from '../core/schemas/status.ts';
import { suggestNearest } from '../config/nearest.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { changeOverlay } from './change-overlay.ts';
import { CommandFailure } from './command-failure.ts';
import { findAdmin } from './find-admin.ts';
import type { AskFlags } from './flags.ts';
import { statusOfJson } from './gateway-lookup.ts';
import { alignColumns, countText, harmless, harmlessJson, printJson, wrap } from './layout.ts';
import { commandName, type ProcessContext } from './process-context.ts';
import { restart } from './restart-command.ts';
import type { ShownStatus } from './status-table.ts';
import { statusMark, styleFor } from './style.ts';
import { WatchStop } from './watch-stop.ts';

async function askStatus(flags: AskFlags, context: ProcessContext): Promise<ShownStatus> {
  const answer = await askGateway(await findAdmin(flags, context), 'GET', `${apiRoot}/status`, context);
  if (answer.status !== 200) throw refusal(answer);
  return statusOfJson(answer.body);
}

/** `candor app list` */
export async function listApplications(flags: AskFlags, context: ProcessContext): Promise<void> {
  const { applications, overlay } = await askStatus(flags, context);
  const entries = overlay.entries.filter(({ kind }) => kind === 'scale' || kind === 'stop');
  const changesOf = ({ id, of }: ApplicationStatus) =>
    entries.filter(({ kind, target }) => target === id || (kind === 'stop' && target === of));
  if (flags.json)
    return printJson(
      {
        applications: applications.map((one) => ({
          name: one.id,
          kind: one.of === undefined ? 'application' : 'worker',
          application: one.of ?? one.id,
          wanted: wantedOf(one),
          ready: readyOf(one).length,
          release: releaseOf(one),
          instances: one.instances.map(({ id, phase, pid, restarts, release }) => ({
            ...{ id, phase, pid, restarts, release },
          })),
          overlay: changesOf(one).map(({ id }) => id),
        })),
      },
      context,
    );
  if (applications.length === 0) {
    context.stdout.write('The gateway runs no applications (`applications` in candor.yaml).\n');
    return;
  }
  const style = styleFor(context.stdout, context.env);
  const rows = applications.map((one) => {
    const [wanted, ready, changes] = [wantedOf(one), readyOf(one).length, changesOf(one)];
    const isFine = ready >= wanted && one.instances.every(({ phase }) => phase === 'ready');
    const tone = isFine ? 'good' : ready > 0 ? 'warn' : wanted === 0 ? 'warn' : 'bad';
    return [
      statusMark(tone, style),
      one.id,
      one.of === undefined ? 'application' : 'worker',
      one.command.length === 0 ? (one.answeredBy ?? 'no server') : `${ready} of ${wanted} ready`,
      releaseOf(one) ?? '',
      changes.map(({ kind, actor }) => `${kind === 'stop' ? 'stopped' : 'scaled'} by ${actor}`).join(', '),
    ].map(harmless);
  });
  context.stdout.write(`${alignColumns(rows, '').join('\n')}\n`);
}

const wantedOf = ({ wanted, instances }: ApplicationStatus): number => wanted ?? instances.length;

const readyOf = ({ instances }: ApplicationStatus): readonly InstanceStatus[] =>
  instances.filter(({ phase }) => phase === 'ready');

const releaseOf = ({ releases, instances }: ApplicationStatus): string | null =>
  releases?.inForce ?? instances.findLast(({ release }) => release !== null)?.release ?? null;

/** `candor app restart` */
export async function restartApplication(flags: AskFlags, name: string, context: ProcessContext): Promise<void> {
  if (name.includes('/')) throw new CommandFailure('usage', `${name} is an instance: candor restart ${name}.`);
  await restart(flags, name, context);
}

/** `candor app start` */
export async function startApplication(flags: AskFlags, application: string, context: ProcessContext): Promise<void> {
  try {
    await changeOverlay({ kind: 'restore', body: { what: `stop:${application}` } }, flags, context);
  } catch (error) {
    if (!(error instanceof CommandFailure) || error.exit !== 'not_found') throw error;
    throw new CommandFailure(
      'not_found',
      `${application} is not stopped. \`${commandName(context.env)} app list\` shows what is.`,
    );
  }
}

export interface OutputFlags extends AskFlags {
  readonly follow: boolean;
}

/** As soon as a person expects a line; the status has the last twenty of each instance. */
const followEveryMs = 500;

/** `candor app output` */
export async function showOutput(flags: OutputFlags, name: string, context: ProcessContext): Promise<void> {
  const printed = new PrintedLines((instance, line) =>
    context.stdout.write(
      flags.json ? `${harmlessJson({ instance, line })}\n` : `${harmless(instance)}  ${harmless(line)}\n`,
    ),
  );
  const status = await askStatus(flags, context);
  const first = instancesOf(status, name);
  printed.show(first);
  if (!flags.follow) {
    if (first.every(({ lastLines }) => lastLines.length === 0) && !flags.json && printsNothing(status, name))
      context.stderr.write(`${name} runs no program that could print something.\n`);
    else if (first.every(({ lastLines }) => lastLines.length === 0) && !flags.json)
      context.stderr.write(`${name} has printed nothing since it was started.\n`);
    return;
  }
  const stop = new WatchStop(context);
  try {
    for (;;) {
      await stop.waitFor(followEveryMs, context.clock);
      if (stop.isWanted) return;
      // The gateway may be in an upgrade.
      const next = await askStatus(flags, context).catch((error: unknown) => {
        if (error instanceof CommandFailure) return null;
        throw error;
      });
      const missed = next === null ? [] : printed.show(instancesOf(next, name));
      for (const instance of missed)
        context.stderr.write(
          `${wrap(`${harmless(instance)} has printed more than ${countText(shownMax, 'line')} at once: some are not shown here.`, '').join('\n')}\n`,
        );
    }
  } finally {
    stop.release();
  }
}

/** Its requests are answered by files, and it has no worker. */
function printsNothing({ applications }: ShownStatus, name: string): boolean {
  return applications.filter(({ id, of }) => id === name || of === name).every(({ command }) => command.length === 0);
}

/** So many lines of an instance the status has. */
const shownMax = 20;

function instancesOf({ applications }: ShownStatus, name: string): readonly InstanceStatus[] {
  const found = applications.filter(({ id, of }) => id === name || of === name);
  const single = applications.flatMap(({ instances }) => instances.filter(({ id }) => id === name));
  if (found.length === 0 && single.length === 0) {
    const known = applications.map(({ id }) => id);
    const owner = applications.find(({ id }) => name.startsWith(`${id}.`))?.id;
    if (owner !== undefined)
      throw new CommandFailure(
        'not_found',
        `The gateway runs no worker ${name}. A job shows what it printed in \`candor jobs ${name}\`.`,
      );
    const hint =
      suggestNearest(name, new Set(known)) ?? (known.length === 0 ? 'it runs none.' : `it runs ${known.join(', ')}.`);
    throw new CommandFailure('not_found', `The gateway runs no application or worker ${name}: ${hint}`);
  }
  return [...found.flatMap(({ instances }) => instances), ...single];
}

/** Prints the lines of each instance that it has not printed before. */
export class PrintedLines {
  readonly #print: (instance: string, line: string) => void;
  readonly #seen = new Map<string, readonly string[]>();

  constructor(print: (instance: string, line: string) => void) {
    this.#print = print;
  }

  /** Returns the instances of which lines may have been missed. */
  show(instances: readonly Pick<InstanceStatus, 'id' | 'lastLines'>[]): readonly string[] {
    return instances.flatMap(({ id, lastLines }) => {
      const before = this.#seen.get(id);
      const fresh = before === undefined ? lastLines : linesAfter(before, lastLines);
      this.#seen.set(id, lastLines);
      for (const line of fresh) this.#print(id, line);
      const isTorn = before !== undefined && before.length >= shownMax && fresh.length >= shownMax;
      return isTorn ? [id] : [];
    });
  }
}

/** What has come after the lines of `before`: the longest end of them is where the present ones begin. */
function linesAfter(before: readonly string[], now: readonly string[]): readonly string[] {
  for (let kept = Math.min(before.length, now.length); kept > 0; kept--) {
    const end = before.slice(before.length - kept);
    if (end.every((line, index) => line === now[index])) return now.slice(kept);
  }
  return now;
}

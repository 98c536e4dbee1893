import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { camelCased } from '#failures/json-case.ts';
import { apiRoot } from '../admin/operations.ts';
import type { RolloutStrategy } from '../core/release.ts';
import type { ApplicationReleasesStatus, ReleaseOrigin, ReleasePlan, RolloutStatus } from '../core/schemas/releases.ts';
import { type AdminTarget, askAdmin, targetText } from './admin-client.ts';
import { askGateway, refusal, unreachable } from './ask-gateway.ts';
import { CommandFailure, exitCodes } from './command-failure.ts';
import { findAdmin, findAdminToChange } from './find-admin.ts';
import type { AskFlags } from './flags.ts';
import { elapsedText, harmless, printJson, wrap } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { planLines, releaseLines } from './release-list.ts';
import {
  exitOf,
  follow,
  type FollowFlags,
  readReleases,
  seeReleases,
  textOfMaking,
  whileMaking,
} from './rollout-watch.ts';
import { styleFor } from './style.ts';

export type ReleaseFlags = AskFlags;

export interface DeployFlags extends AskFlags {
  readonly from?: string;
  readonly git?: string;
  readonly name?: string;
  readonly strategy?: RolloutStrategy;
  readonly wait: boolean;
  readonly answersChange: boolean;
  readonly dryRun: boolean;
}

export interface ListFlags extends AskFlags {
  readonly log?: string;
}

export interface RollbackFlags extends AskFlags {
  readonly to?: string;
}

/** Longer than the copy of any tree and its build take. */
const makingMs = 24 * 3_600_000;

/** `candor deploy`. Returns the exit code. */
export async function deploy(flags: DeployFlags, name: string | null, context: ProcessContext): Promise<number> {
  const target = await findAdminToChange(flags, context);
  const application = await applicationOf(target, name, context);
  const body = {
    ...{ application, from: originOf(flags, target, context) },
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.strategy === undefined ? {} : { strategy: flags.strategy }),
    ...(flags.answersChange ? { answers_may_change: true } : {}),
  };
  await noteEdited(target, context);
  if (flags.dryRun) return printPlan(target, body, flags, context);
  const making = order(target, 'deploy', body, context);
  const textOf = (): Promise<string> => textOfMaking(target, application, context);
  const onStop = `The gateway goes on without this command. ${seeReleases}`;
  const rollout = await whileMaking(making, textOf, onStop, flags, context);
  if (!flags.json)
    for (const remark of rollout.remarks) context.stderr.write(`${wrap(harmless(remark), '  ').join('\n')}\n`);
  return exitOf(await followed(target, application, rollout, flags, context));
}

async function followed(
  target: AdminTarget,
  application: string,
  begun: RolloutStatus,
  flags: FollowFlags,
  context: ProcessContext,
): Promise<RolloutStatus> {
  const rollout = await follow(target, application, begun, flags, context);
  if (flags.json) printJson({ application, ...rollout }, context);
  return rollout;
}

/** The command and environment of a release are those that the gateway has read. */
async function noteEdited(target: AdminTarget, context: ProcessContext): Promise<void> {
  const { status, body } = await askGateway(target, 'GET', `${apiRoot}/status`, context);
  const { source, edited } = body as { readonly source?: string | null; readonly edited?: boolean };
  if (status !== 200 || edited !== true) return;
  const text = `${source} was edited since the gateway has applied it: the release gets the command and environment that were applied. \`candor reload\` first changes that.`;
  context.stderr.write(`${wrap(harmless(text), '  ').join('\n')}\n`);
}

/** `candor deploy --dry-run`. */
async function printPlan(target: AdminTarget, body: object, flags: DeployFlags, context: ProcessContext) {
  const { clock } = context;
  const begun = clock.now();
  const textOf = (): string => `reading the files, for ${elapsedText((clock.now() - begun) / 1000)}`;
  const planning = order<ReleasePlan>(target, 'deploy', { ...body, dry_run: true }, context);
  const plan = await whileMaking(planning, textOf, 'Nothing was changed.', flags, context);
  if (flags.json) printJson(plan, context);
  else context.stdout.write(`${planLines(plan, styleFor(context.stdout, context.env)).join('\n')}\n`);
  return exitCodes.ok;
}

/** `candor rollback`. */
export async function rollback(flags: RollbackFlags, name: string | null, context: ProcessContext): Promise<number> {
  const target = await findAdminToChange(flags, context);
  const application = await applicationOf(target, name, context);
  const body = { application, ...(flags.to === undefined ? {} : { to: flags.to }) };
  const rollout = await order(target, 'rollback', body, context);
  // What an operator has ended is no failure of the command.
  const ended = await followed(target, application, rollout, { ...flags, wait: true }, context);
  return rollout.state === 'aborted' || rollout.state === 'refused' ? exitCodes.ok : exitOf(ended);
}

/** `candor promote`. */
export async function promote(flags: ReleaseFlags, name: string | null, context: ProcessContext): Promise<number> {
  const target = await findAdminToChange(flags, context);
  const application = await applicationOf(target, name, context);
  const rollout = await order(target, 'promote', { application }, context);
  return exitOf(await followed(target, application, rollout, { ...flags, wait: false }, context));
}

/** `candor releases`. */
export async function listReleases(flags: ListFlags, name: string | null, context: ProcessContext): Promise<void> {
  const target = await findAdmin(flags, context);
  if (flags.log !== undefined) return printLog(target, flags, await applicationOf(target, name, context), context);
  const known = await readReleases(target, context);
  const all = known.filter(({ application }) => name === null || application === name);
  if (name !== null && all.length === 0) throw noApplication(name, known);
  if (flags.json) return printJson({ applications: all }, context);
  const style = styleFor(context.stdout, context.env);
  context.stdout.write(`${releaseLines(all, context.clock.wallTime(), style).join('\n')}\n`);
}

/** `candor releases --log` */
async function printLog(
  target: AdminTarget,
  { log = '', json }: ListFlags,
  application: string,
  context: ProcessContext,
) {
  const query = new URLSearchParams({ application, release: log });
  const { status, body } = await askGateway(target, 'GET', `${apiRoot}/releases/log?${query.toString()}`, context);
  if (status === 404) throw new CommandFailure('not_found', refusal({ status, body }).message);
  if (status !== 200) throw refusal({ status, body });
  if (json) return printJson(body, context);
  const { text } = body as { text: string };
  context.stdout.write(text.split('\n').map(harmless).join('\n'));
}

async function applicationOf(target: AdminTarget, name: string | null, context: ProcessContext): Promise<string> {
  const all = await readReleases(target, context);
  const [first] = all;
  if (name === null && all.length === 1 && first !== undefined) return first.application;
  if (name !== null && all.some(({ application }) => application === name)) return name;
  throw noApplication(name, all);
}

function noApplication(name: string | null, all: readonly ApplicationReleasesStatus[]): CommandFailure {
  const names = all.map(({ application }) => application).join(', ');
  if (names === '')
    return new CommandFailure(
      'refused',
      'The gateway runs no application, or has no state folder to keep its releases in: `candor run` and `state: none` have none, and of one that cannot be written `candor check` says so.',
    );
  return name === null
    ? new CommandFailure('usage', `Which application? The gateway runs ${names}.`)
    : new CommandFailure('not_found', `The gateway runs no application ${name}. It runs ${names}.`);
}

function originOf({ from = '.', git }: DeployFlags, target: AdminTarget, { directory }: ProcessContext): ReleaseOrigin {
  const path = resolve(directory, from);
  if (git !== undefined) return { kind: 'git', path, revision: git };
  const found = statSync(path, { throwIfNoEntry: false });
  // The files lie on the machine of the gateway, which may be another one.
  if (found === undefined && target.kind === 'url')
    return { kind: /\.(?:tar|tgz|tar\.\w+)$/.test(path) ? 'archive' : 'folder', path };
  if (found === undefined) throw new CommandFailure('usage', `There is no ${path}.`);
  return { kind: found.isDirectory() ? 'folder' : 'archive', path };
}

async function order<T = RolloutStatus>(
  target: AdminTarget,
  what: 'deploy' | 'rollback' | 'promote',
  body: object,
  { clock }: ProcessContext,
): Promise<T> {
  const slow = { answerMs: makingMs, onLine: () => {} };
  const answer = await askAdmin(target, 'POST', `${apiRoot}/releases/${what}`, clock, slow, body);
  if (!answer.ok) throw unreachable(targetText(target), answer);
  if (answer.status === 202 || answer.status === 200) return camelCased(answer.body) as T;
  const { message } = refusal(answer);
  throw new CommandFailure(answer.status === 409 ? 'refused' : answer.status === 422 ? 'usage' : 'failure', message);
}

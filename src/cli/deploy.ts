import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { camelCased } from '#failures/json-case.ts';
import { apiRoot } from '../admin/operations.ts';
import type { RolloutStrategy } from '../core/release.ts';
import type { ApplicationReleasesStatus, ReleaseOrigin, RolloutStatus } from '../core/schemas/releases.ts';
import { type AdminTarget, askAdmin, targetText } from './admin-client.ts';
import { askGateway, type GatewayResponse, refusal, unreachable } from './ask-gateway.ts';
import { CommandFailure, type ExitName, exitCodes } from './command-failure.ts';
import { findAdmin, findAdminToChange } from './find-admin.ts';
import type { AskFlags } from './flags.ts';
import { printJson } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { releaseLines, rolloutLine, sameStep } from './release-lines.ts';
import { styleFor } from './style.ts';

export type ReleaseFlags = AskFlags;

export interface DeployFlags extends AskFlags {
  readonly from?: string;
  readonly git?: string;
  readonly name?: string;
  readonly strategy?: RolloutStrategy;
  readonly wait: boolean;
}

export interface RollbackFlags extends AskFlags {
  readonly to?: string;
}

/** Longer than the copy of any tree takes. */
const makingMs = 3_600_000;
const lookEveryMs = 250;

/** `candor deploy`. Returns the exit code. */
export async function deploy(flags: DeployFlags, name: string | null, context: ProcessContext): Promise<number> {
  const target = await findAdminToChange(flags, context);
  const application = await applicationOf(target, name, context);
  const body = {
    ...{ application, from: originOf(flags, context) },
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.strategy === undefined ? {} : { strategy: flags.strategy }),
  };
  return follow(target, application, await order(target, 'deploy', body, context), flags, context);
}

/** `candor rollback`. */
export async function rollback(flags: RollbackFlags, name: string | null, context: ProcessContext): Promise<number> {
  const target = await findAdminToChange(flags, context);
  const application = await applicationOf(target, name, context);
  const body = { application, ...(flags.to === undefined ? {} : { to: flags.to }) };
  const rollout = await order(target, 'rollback', body, context);
  // What an operator has ended is no failure of the command.
  const code = await follow(target, application, rollout, { ...flags, wait: true }, context);
  return rollout.state === 'aborted' || rollout.state === 'refused' ? exitCodes.ok : code;
}

/** `candor promote`. */
export async function promote(flags: ReleaseFlags, name: string | null, context: ProcessContext): Promise<number> {
  const target = await findAdminToChange(flags, context);
  const application = await applicationOf(target, name, context);
  const rollout = await order(target, 'promote', { application }, context);
  return follow(target, application, rollout, { ...flags, wait: false }, context);
}

/** `candor releases`. */
export async function listReleases(flags: ReleaseFlags, name: string | null, context: ProcessContext): Promise<void> {
  const target = await findAdmin(flags, context);
  const answer = await askGateway(target, 'GET', `${apiRoot}/releases`, context);
  if (answer.status !== 200) throw refusal(answer);
  const all = applicationsOf(answer).filter(({ application }) => name === null || application === name);
  if (name !== null && all.length === 0) throw noApplication(name, applicationsOf(answer));
  if (flags.json) return printJson(answer.body, context);
  const style = styleFor(context.stdout, context.env);
  context.stdout.write(`${releaseLines(all, context.clock.wallTime(), style).join('\n')}\n`);
}

const applicationsOf = ({ body }: GatewayResponse): readonly ApplicationReleasesStatus[] =>
  (camelCased(body) as { applications: readonly ApplicationReleasesStatus[] }).applications;

async function applicationOf(target: AdminTarget, name: string | null, context: ProcessContext): Promise<string> {
  const answer = await askGateway(target, 'GET', `${apiRoot}/releases`, context);
  if (answer.status !== 200) throw refusal(answer);
  const all = applicationsOf(answer);
  const [first] = all;
  if (name === null && all.length === 1 && first !== undefined) return first.application;
  if (name !== null && all.some(({ application }) => application === name)) return name;
  throw noApplication(name, all);
}

function noApplication(name: string | null, all: readonly ApplicationReleasesStatus[]): CommandFailure {
  const names = all.map(({ application }) => application).join(', ');
  if (names === '')
    return new CommandFailure('refused', 'The gateway runs no application, or has no state folder for its releases.');
  return name === null
    ? new CommandFailure('usage', `Which application? The gateway runs ${names}.`)
    : new CommandFailure('not_found', `The gateway runs no application ${name}. It runs ${names}.`);
}

function originOf({ from = '.', git }: DeployFlags, { directory }: ProcessContext): ReleaseOrigin {
  const path = resolve(directory, from);
  if (git !== undefined) return { kind: 'git', path, revision: git };
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new CommandFailure('usage', `There is no ${path}.`);
  return { kind: found.isDirectory() ? 'folder' : 'archive', path };
}

async function order(
  target: AdminTarget,
  what: 'deploy' | 'rollback' | 'promote',
  body: object,
  { clock }: ProcessContext,
): Promise<RolloutStatus> {
  const slow = { answerMs: makingMs, onLine: () => {} };
  const answer = await askAdmin(target, 'POST', `${apiRoot}/releases/${what}`, clock, slow, body);
  if (!answer.ok) throw unreachable(targetText(target), answer);
  if (answer.status === 202) return camelCased(answer.body) as RolloutStatus;
  const { message } = refusal(answer);
  throw new CommandFailure(answer.status === 409 ? 'refused' : answer.status === 422 ? 'usage' : 'failure', message);
}

/** Prints each step until the rollout has ended. */
async function follow(
  target: AdminTarget,
  application: string,
  begun: RolloutStatus,
  { json, wait }: Pick<DeployFlags, 'json' | 'wait'>,
  context: ProcessContext,
): Promise<number> {
  const style = styleFor(context.stdout, context.env);
  let [printed, rollout]: [RolloutStatus | null, RolloutStatus] = [null, begun];
  for (;;) {
    if (!json && (printed === null || !sameStep(printed, rollout))) {
      context.stdout.write(`${rolloutLine(rollout, style).join('\n')}\n`);
      printed = rollout;
    }
    if (rollout.reason !== null || !wait) break;
    await sleep(lookEveryMs);
    const answer = await askGateway(target, 'GET', `${apiRoot}/releases`, context);
    if (answer.status !== 200) throw refusal(answer);
    const known = applicationsOf(answer).find((one) => one.application === application);
    const present = [known?.rollout, known?.last].find((one) => one?.id === begun.id);
    if (present === undefined || present === null)
      throw new CommandFailure('failure', 'The gateway does not know the rollout any more. See `candor releases`.');
    rollout = present;
  }
  if (json) printJson({ application, ...rollout }, context);
  return exitCodes[exitOf(rollout)];
}

function exitOf({ state, reason }: RolloutStatus): ExitName {
  if (reason === null || state === 'promoted') return 'ok';
  return state === 'refused' ? 'health_gate_failed' : state === 'aborted' ? 'analysis_failed' : 'failure';
}

import { camelCased } from '#failures/json-case.ts';
import { apiRoot } from '../admin/operations.ts';
import type { ApplicationReleasesStatus, RolloutStatus } from '../core/schemas/releases.ts';
import { after, type Instant } from '../core/time.ts';
import type { AdminTarget } from './admin-client.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { CommandFailure, exitCodes } from './command-failure.ts';
import { findAdmin } from './find-admin.ts';
import type { AskFlags } from './flags.ts';
import { columnsMax, harmless, shorten, wrap } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { makingText } from '../diagnose/rollout-text.ts';
import { liveText, rolloutLine, sameStep } from './release-lines.ts';
import { styleFor } from './style.ts';
import { WatchStop } from './watch-stop.ts';

/** The copy of files that takes no longer is not shown. */
const quietMs = 1000;
const lookEveryMs = 250;
/** How often a line says how far it is where no terminal is. */
const lineEveryMs = 5000;
/** For how long the gateway may not answer, for an upgrade or a restart. */
const goneMs = 30_000;

export interface FollowFlags extends AskFlags {
  readonly wait: boolean;
}

export async function readReleases(
  target: AdminTarget,
  context: ProcessContext,
): Promise<readonly ApplicationReleasesStatus[]> {
  const { status, body } = await askGateway(target, 'GET', `${apiRoot}/releases`, context);
  if (status !== 200) throw refusal({ status, body });
  return (camelCased(body) as { applications: readonly ApplicationReleasesStatus[] }).applications;
}

/** One line at the end of a terminal, that is written again and again. Without a terminal there is none. */
class LiveLine {
  readonly #context: ProcessContext;
  readonly isLive: boolean;
  #isShown = false;

  constructor(context: ProcessContext, json: boolean) {
    this.#context = context;
    this.isLive = context.stderr.isTTY && context.env['TERM'] !== 'dumb' && !json;
  }

  show(text: string): void {
    if (!this.isLive || text === '') return;
    const { stderr, env } = this.#context;
    this.#isShown = true;
    stderr.write(`\r\u001b[K${styleFor(stderr, env).dim(shorten(text, columnsMax - 1))}`);
  }

  clear(): void {
    if (this.#isShown) this.#context.stderr.write('\r\u001b[K');
    this.#isShown = false;
  }
}

/** How much is copied of a release of the application; empty where none is being made. */
export async function textOfMaking(target: AdminTarget, application: string, context: ProcessContext): Promise<string> {
  const all = await readReleases(target, context).catch(() => []);
  const making = all.find((one) => one.application === application)?.making ?? null;
  return making === null ? '' : harmless(makingText(making));
}

/** While `making` is awaited, says how far it is. `onStop`: what goes on if the command is stopped. */
export async function whileMaking<T>(
  making: Promise<T>,
  textOf: () => string | Promise<string>,
  onStop: string,
  { json }: AskFlags,
  context: ProcessContext,
): Promise<T> {
  const { clock, stderr } = context;
  const line = new LiveLine(context, json);
  const stop = new WatchStop(context);
  let isOver = false;
  const made = making.finally(() => {
    isOver = true;
  });
  made.catch(() => undefined);
  let nextLine = after(clock.now(), quietMs);
  try {
    await Promise.race([made, stop.waitFor(quietMs, clock)]);
    while (!isOver && !stop.isWanted) {
      const text = await textOf();
      if (!isOver) line.show(text);
      if (!line.isLive && !json && text !== '' && clock.now() >= nextLine) {
        stderr.write(`${wrap(text, '  ').join('\n')}\n`);
        nextLine = after(clock.now(), lineEveryMs);
      }
      await Promise.race([made, stop.waitFor(lookEveryMs, clock)]);
    }
  } finally {
    line.clear();
    stop.release();
  }
  if (!isOver) throw new CommandFailure('interrupted', onStop);
  return made;
}

export const seeReleases = '`candor releases` shows how far it is, `candor rollback` ends it.';

/** Prints each step until the rollout has ended. */
export async function follow(
  target: AdminTarget,
  application: string,
  begun: RolloutStatus,
  flags: FollowFlags,
  context: ProcessContext,
): Promise<RolloutStatus> {
  const style = styleFor(context.stdout, context.env);
  const line = new LiveLine(context, flags.json);
  const stop = new WatchStop(context);
  const watched = new WatchedRollout(target, application, begun, flags, context);
  let [printed, rollout]: [RolloutStatus | null, RolloutStatus] = [null, begun];
  try {
    for (;;) {
      if (!flags.json && (printed === null || !sameStep(printed, rollout))) {
        line.clear();
        context.stdout.write(`${rolloutLine(rollout, style).join('\n')}\n`);
        printed = rollout;
      }
      if (rollout.reason !== null || !flags.wait) break;
      line.show(liveText(rollout));
      await stop.waitFor(lookEveryMs, context.clock);
      if (stop.isWanted)
        throw new CommandFailure('interrupted', `The rollout goes on without this command. ${seeReleases}`);
      rollout = (await watched.look()) ?? rollout;
    }
  } finally {
    line.clear();
    stop.release();
  }
  return rollout;
}

class WatchedRollout {
  #target: AdminTarget;
  readonly #application: string;
  readonly #begun: RolloutStatus;
  readonly #flags: AskFlags;
  readonly #context: ProcessContext;
  /** Null: the gateway answers. */
  #goneSince: Instant | null = null;

  constructor(
    target: AdminTarget,
    application: string,
    begun: RolloutStatus,
    flags: AskFlags,
    context: ProcessContext,
  ) {
    this.#target = target;
    this.#application = application;
    this.#begun = begun;
    this.#flags = flags;
    this.#context = context;
  }

  /** Null: the gateway does not answer now. */
  async look(): Promise<RolloutStatus | null> {
    const all = await this.#ask();
    if (all === null) return null;
    const known = all.find((one) => one.application === this.#application);
    const found = [known?.rollout, known?.last].find((one) => one?.id === this.#begun.id);
    if (found !== undefined && found !== null) return found;
    // A gateway that has started since knows by its journal how the rollout has ended.
    const past = known?.rollouts.find(({ rollout }) => rollout === this.#begun.id);
    if (past === undefined || past.reason === null)
      throw new CommandFailure('failure', `The gateway does not know the rollout any more. See \`candor releases\`.`);
    return { ...this.#begun, state: past.state, reason: past.reason, leftMs: null };
  }

  async #ask(): Promise<readonly ApplicationReleasesStatus[] | null> {
    const { clock } = this.#context;
    try {
      const all = await readReleases(this.#target, this.#context);
      this.#goneSince = null;
      return all;
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      this.#goneSince ??= clock.now();
      if (clock.now() - this.#goneSince > goneMs) throw error;
      // After an upgrade or a restart, the gateway may answer at another address.
      this.#target = await findAdmin(this.#flags, this.#context).catch(() => this.#target);
      return null;
    }
  }
}

/** How a command that has followed the rollout ends. */
export function exitOf({ state, reason }: RolloutStatus): number {
  if (reason === null || state === 'promoted') return exitCodes.ok;
  if (state === 'refused') return exitCodes.health_gate_failed;
  return state === 'aborted' ? exitCodes.analysis_failed : exitCodes.failure;
}

import { statusOfJson } from './gateway-lookup.ts';
import { apiRoot } from '../admin/operations.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { askAdmin, type AdminTarget, targetText } from './admin-client.ts';
import type { AskFlags } from './flags.ts';
import { refusal, unreachable } from './ask-gateway.ts';
import { drainText } from './drain-watch.ts';
import { findAdminToChange, NoGatewayFound } from './find-admin.ts';
import { durationText, wrap, harmlessJson } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';
import type { StopResponse } from '../core/schemas/answers.ts';
import type { GatewayStatus } from '../core/schemas/status.ts';

export interface StopFlags extends AskFlags {
  readonly now: boolean;
  /** Seconds; if absent, waits until the gateway has ended. */
  readonly timeout?: number | undefined;
}

/** How often the status is asked for, by a request to a local socket. */
const askEveryMs = 200;

/** Instances that a sentence names. */
const namedMax = 3;

/** The result for programs. */
type StopOutcome =
  | { readonly outcome: 'stopped'; readonly pid: number; readonly afterMs: number }
  | { readonly outcome: 'not_running' }
  | { readonly outcome: 'failed'; readonly kind: string; readonly reason: string };

/** Stops a gateway, and waits until it has ended. Succeeds if no gateway runs. */
export async function stop(flags: StopFlags, context: ProcessContext): Promise<void> {
  const tell = (outcome: StopOutcome, text: string): void =>
    context.stdout.write(flags.json ? `${harmlessJson(outcome)}\n` : `${wrap(text, '').join('\n')}\n`);
  try {
    const began = context.clock.now();
    const target = await targetToStop(flags, context);
    const pid = target === null ? null : await end(target, flags, context);
    const afterMs = Math.round(context.clock.now() - began);
    const where = target === null ? 'None of your gateways runs here' : `No gateway answers at ${targetText(target)}`;
    if (pid === null) tell({ outcome: 'not_running' }, `${where}: there is nothing to stop.`);
    else tell({ outcome: 'stopped', pid, afterMs }, `Stopped: process ${pid} ended after ${durationText(afterMs)}.`);
  } catch (error) {
    if (flags.json && error instanceof CommandFailure)
      tell({ outcome: 'failed', kind: error.exit, reason: error.message }, '');
    throw error;
  }
}

/** Null if no gateway runs. */
function targetToStop(flags: StopFlags, context: ProcessContext): Promise<AdminTarget | null> {
  return findAdminToChange(flags, context).catch((error: unknown) => {
    if (error instanceof NoGatewayFound && !error.skippedSockets) return null;
    throw error;
  });
}

/** Resolves with the pid of the process that has ended; null if none ran. */
async function end(target: AdminTarget, flags: StopFlags, context: ProcessContext): Promise<number | null> {
  const answer = await askAdmin(target, 'POST', `${apiRoot}/stop?now=${flags.now}`, context.clock);
  if (!answer.ok) {
    if (answer.why === 'nobody_there' && isSurelyNotRunning(answer.errno)) return null;
    throw unreachable(targetText(target), answer);
  }
  if (answer.status === 409) throw new CommandFailure('refused', refusal(answer).message);
  if (answer.status !== 202) throw refusal(answer);
  const { pid } = answer.body as StopResponse;
  await untilEnded(target, pid, flags, context);
  return pid;
}

/**
 * Whether surely no gateway runs: there is no socket, or no process listens at it. A machine that cannot be reached may run
 * one.
 */
function isSurelyNotRunning(errno: string | null): boolean {
  return errno === 'ENOENT' || errno === 'ECONNREFUSED' || errno === 'ENOTDIR';
}

/**
 * Whether the gateway has ended. Its admin API answers until everything else has ended. Another pid at its address is
 * another gateway.
 */
async function untilEnded(target: AdminTarget, pid: number, flags: StopFlags, context: ProcessContext): Promise<void> {
  const { clock } = context;
  const late = flags.timeout === undefined ? null : after(clock.now(), flags.timeout * 1000);
  let reported = '';
  for (;;) {
    const status = await statusOf(target, context);
    if (status === null || status.pid !== pid) return;
    const waits = waitText(status);
    if (late !== null && clock.now() >= late) throw notInTime(pid, flags, waits);
    // The sentence contains the seconds that are left, so it changes once a second and is printed as often.
    if (waits !== null && waits !== reported && !flags.json) context.stderr.write(`${wrap(waits, '  ').join('\n')}\n`);
    reported = waits ?? reported;
    await pause(clock, askEveryMs, late);
  }
}

/** What the gateway waits for now: requests, then applications. */
function waitText({ drain, applications }: GatewayStatus): string | null {
  const requests = drain === null ? null : drainText(drain);
  if (requests !== null || drain === null) return requests;
  const stopping = applications
    .flatMap(({ instances }) => instances)
    .filter(({ phase, pid }) => phase === 'stopping' && pid !== null)
    .map(({ id, pid }) => `${id} (process ${pid})`);
  if (stopping.length === 0) return null;
  const [shown, more] = [stopping.slice(0, namedMax).join(', '), stopping.length - namedMax];
  return `waiting for ${shown}${more > 0 ? ` and ${more} more` : ''} to stop`;
}

/** Null if no gateway answers any more. */
async function statusOf(target: AdminTarget, context: ProcessContext): Promise<GatewayStatus | null> {
  const answer = await askAdmin(target, 'GET', `${apiRoot}/status`, context.clock);
  if (answer.ok && answer.status === 200) return statusOfJson(answer.body);
  // The gateway ended in the middle of its response.
  if (!answer.ok && (answer.why === 'nobody_there' || answer.why === 'not_an_answer')) return null;
  throw answer.ok ? refusal(answer) : unreachable(targetText(target), answer);
}

function notInTime(pid: number, { timeout, now }: StopFlags, waits: string | null): CommandFailure {
  const why = waits === null ? 'it is still stopping' : `it is ${waits}`;
  const more = now ? `\`kill -KILL ${pid}\` kills it.` : '`candor stop --now` ends it at once.';
  return new CommandFailure('timeout', `Process ${pid} has not ended within ${timeout} s: ${why}. ${more}`);
}

function pause(clock: Clock, ms: number, late: Instant | null): Promise<void> {
  const at = after(clock.now(), ms);
  return new Promise((resolve) => {
    clock.schedule(late !== null && late < at ? late : at, () => resolve(), null);
  });
}

import type { StopAnswer } from '../admin/stopper.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { GatewayStatus } from '../gateway/control.ts';
import { askAdmin } from './admin-client.ts';
import { type AdminPlace, placeText } from './admin-place.ts';
import type { AskFlags } from './ask-commands.ts';
import { refusal, unreachable } from './ask-gateway.ts';
import { drainText } from './drain-watch.ts';
import { findAdminToChange, NobodyFound } from './find-admin.ts';
import { durationText, wrap } from './layout.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';
import { harmlessJson } from './explain-log/line-verdicts.ts';

export interface StopFlags extends AskFlags {
  readonly now: boolean;
  /** Seconds; absent: until the gateway has ended. */
  readonly timeout?: number | undefined;
}

/** How often the gateway is asked what it waits for. It costs a request to a local socket. */
const askEveryMs = 200;

/** Instances that are named in a sentence. */
const namedMax = 3;

/** What comes of it, for programs. */
type StopOutcome =
  | { readonly outcome: 'stopped'; readonly pid: number; readonly afterMs: number }
  | { readonly outcome: 'not_running' }
  | { readonly outcome: 'failed'; readonly kind: string; readonly why: string };

/** Has a gateway end, and waits until it has. That no gateway runs is what was wanted. */
export async function stop(flags: StopFlags, around: Surroundings): Promise<void> {
  const tell = (outcome: StopOutcome, text: string): void =>
    around.stdout.write(flags.json ? `${harmlessJson(outcome)}\n` : `${wrap(text, '').join('\n')}\n`);
  try {
    const began = around.clock.now();
    const place = await placeToEnd(flags, around);
    const pid = place === null ? null : await end(place, flags, around);
    const afterMs = Math.round(around.clock.now() - began);
    const where = place === null ? 'No gateway of yours runs here' : `No gateway answers at ${placeText(place)}`;
    if (pid === null) tell({ outcome: 'not_running' }, `${where}: there is nothing to stop.`);
    else tell({ outcome: 'stopped', pid, afterMs }, `Stopped: process ${pid} ended after ${durationText(afterMs)}.`);
  } catch (error) {
    if (flags.json && error instanceof CommandFailure)
      tell({ outcome: 'failed', kind: error.exit, why: error.message }, '');
    throw error;
  }
}

/** Null where none runs. */
function placeToEnd(flags: StopFlags, around: Surroundings): Promise<AdminPlace | null> {
  return findAdminToChange(flags, around).catch((error: unknown) => {
    if (error instanceof NobodyFound && !error.passedOver) return null;
    throw error;
  });
}

/** Resolves with the number of the process that has ended; null where none ran. */
async function end(place: AdminPlace, flags: StopFlags, around: Surroundings): Promise<number | null> {
  const answer = await askAdmin(place, 'POST', `/v1/stop?now=${flags.now}`, around.clock);
  if (!answer.ok) {
    if (answer.why === 'nobody_there' && isSurelyNobody(answer.errno)) return null;
    throw unreachable(placeText(place), answer);
  }
  if (answer.status === 409) throw new CommandFailure('refused', refusal(answer).message);
  if (answer.status === 404)
    throw new CommandFailure('failure', 'That gateway is of an older version and knows no stop: send it SIGTERM.');
  if (answer.status !== 202) throw refusal(answer);
  const { pid } = answer.content as StopAnswer;
  await untilEnded(place, pid, flags, around);
  return pid;
}

/** There is no socket, or no process that listens at it; a machine that cannot be reached may have one. */
function isSurelyNobody(errno: string | null): boolean {
  return errno === 'ENOENT' || errno === 'ECONNREFUSED' || errno === 'ENOTDIR';
}

/** The admin API answers until everything else has ended. Another process at its place is another gateway. */
async function untilEnded(place: AdminPlace, pid: number, flags: StopFlags, around: Surroundings): Promise<void> {
  const { clock } = around;
  const late = flags.timeout === undefined ? null : after(clock.now(), flags.timeout * 1000);
  let told = '';
  for (;;) {
    const status = await statusOf(place, around);
    if (status === null || status.pid !== pid) return;
    const waits = waitText(status);
    if (late !== null && clock.now() >= late) throw notInTime(pid, flags, waits);
    // The seconds that are left change the sentence once a second, and so often it is told.
    if (waits !== null && waits !== told && !flags.json) around.stderr.write(`${wrap(waits, '  ').join('\n')}\n`);
    told = waits ?? told;
    await pause(clock, askEveryMs, late);
  }
}

/** What the end waits for now: requests, then applications. */
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

/** Null when no gateway answers any more. */
async function statusOf(place: AdminPlace, around: Surroundings): Promise<GatewayStatus | null> {
  const answer = await askAdmin(place, 'GET', '/v1/status', around.clock);
  if (answer.ok && answer.status === 200) return answer.content as GatewayStatus;
  // It has ended in the middle of its answer.
  if (!answer.ok && (answer.why === 'nobody_there' || answer.why === 'not_an_answer')) return null;
  throw answer.ok ? refusal(answer) : unreachable(placeText(place), answer);
}

function notInTime(pid: number, { timeout, now }: StopFlags, waits: string | null): CommandFailure {
  const why = waits === null ? 'it is still ending' : `it is ${waits}`;
  const more = now ? `\`kill -KILL ${pid}\` leaves it no choice.` : '`candor stop --now` ends it at once.';
  return new CommandFailure('timeout', `Process ${pid} has not ended within ${timeout} s: ${why}. ${more}`);
}

function pause(clock: Clock, ms: number, late: Instant | null): Promise<void> {
  const at = after(clock.now(), ms);
  return new Promise((resolve) => {
    clock.schedule(late !== null && late < at ? late : at, () => resolve(), null);
  });
}

import { hashOfToken, makeToken } from '../admin/token.ts';
import { parseNetwork } from '../schema/format/network.ts';
import { systemRandom } from '../system/system.ts';
import { changeOverlay } from './change-overlay.ts';
import { comingTime } from './coming-time.ts';
import { CommandFailure } from './command-failure.ts';
import type { AskFlags } from './flags.ts';
import type { ProcessContext } from './process-context.ts';

export interface MaintenanceFlags extends AskFlags {
  readonly message?: string;
  /** Milliseconds. */
  readonly retryAfter?: number;
  readonly host?: string;
  readonly at?: string;
  readonly until?: string;
  readonly allow?: string;
  readonly pass: boolean;
}

/** Begins maintenance of a route, of the routes of an upstream, of a host or of all, or ends it. */
export async function changeMaintenance(
  flags: MaintenanceFlags,
  { isOn, target }: { readonly isOn: boolean; readonly target: string | undefined },
  context: ProcessContext,
): Promise<void> {
  const { host } = flags;
  if (host !== undefined && target !== undefined)
    throw new CommandFailure('usage', `--host ${host} is for all of its routes: leave out ${target}`);
  if (!isOn) return end(flags, host === undefined ? target : `host:${host}`, context);
  if (flags.until !== undefined && flags.retryAfter !== undefined)
    throw new CommandFailure('usage', 'with --until, Retry-After is the time that is left: leave out --retry-after');
  const now = context.clock.wallTime();
  const timeOf = (text: string | undefined, flag: string): string | undefined =>
    text === undefined ? undefined : comingTime(text, now, flag);
  const token = flags.pass ? makeToken(systemRandom) : null;
  const body = {
    route: target,
    message: flags.message,
    retry_after_s: flags.retryAfter === undefined ? undefined : Math.ceil(flags.retryAfter / 1000),
    host,
    since: timeOf(flags.at, '--at'),
    until: timeOf(flags.until, '--until'),
    allow: flags.allow === undefined ? undefined : networksOf(flags.allow),
    pass_sha256: token === null ? undefined : hashOfToken(token).replace(/^sha256:/, ''),
  };
  await changeOverlay({ kind: 'maintenance', body }, flags, context);
  if (token !== null)
    context.stderr.write(
      `The pass is shown only now. Requests pass with one of these lines:\n\n  Candor-Pass: ${token}\n  Cookie: candor-pass=${token}\n`,
    );
}

/** The API would name the place in its own body. */
function networksOf(written: string): readonly string[] {
  const networks = written.split(',').map((network) => network.trim());
  for (const network of networks) {
    const parsed = parseNetwork(network);
    if (parsed.ok) continue;
    const { message, suggestion } = parsed.failure;
    throw new CommandFailure('usage', `--allow: ${message}${suggestion === null ? '' : `; ${suggestion}`}`);
  }
  return networks;
}

function end(flags: MaintenanceFlags, target: string | undefined, context: ProcessContext): Promise<void> {
  const set = ['message', 'retryAfter', 'at', 'until', 'allow'] as const;
  const useless = set.find((flag) => flags[flag] !== undefined);
  if (useless !== undefined || flags.pass)
    throw new CommandFailure('usage', 'off ends the maintenance at once, and takes a target or --host alone');
  const what = target === undefined ? 'maintenance' : `maintenance:${target}`;
  return changeOverlay({ kind: 'restore', body: { what } }, flags, context);
}

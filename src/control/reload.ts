import type { Configuration } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import type { Supervisor } from '../deploy/supervisor.ts';
import type { ReloadRejection } from './gateway-status.ts';
import type { EndpointRegistry } from '../discovery/endpoint-registry.ts';
import type { ExchangeLog, OpenedLog } from './exchange-log.ts';
import type { ListenProblem, OpenListener } from '../core/worker-messages.ts';
import { LogFailure, listenProblemText } from './start-failure.ts';
import type { ApplyResult } from './apply-result.ts';

export interface ReloadParts {
  readonly registry: EndpointRegistry;
  readonly supervisor: Supervisor;
  readonly log: ExchangeLog;
  /** What listens now. */
  readonly open: () => readonly OpenListener[];
  /** Resolves when every check of `next` has come back once and its new applications serve, or it took too long. */
  readonly untilReady: (next: Configuration) => Promise<void>;
  /** Has the workers take it; endpoints and applications follow when it has. */
  readonly apply: (next: Configuration) => Promise<ApplyResult>;
}

type ConfigurationErrors = readonly string[];

/**
 * Null when it has been taken.
 *
 * From one configuration to the next, whole or not at all:
 *
 *     what cannot change? ─▶ open the log ─▶ begin checks and new applications ─▶ workers take it ─▶ the rest follows
 *
 * Clients see nothing of it before the workers apply it, and all of it is undone if they do not.
 */
export async function reload(
  before: Configuration,
  next: Configuration,
  parts: ReloadParts,
): Promise<ReloadRejection | null> {
  const fixed = changesThatNeedARestart(before, next);
  if (fixed.length > 0) return rejectedFor(fixed);
  const log = await openLog(before, next, parts.log);
  if ('error' in log) return rejectedFor([log.error]);
  prepare(before, next, parts);
  await parts.untilReady(next);
  const applied = await parts.apply(next);
  if (!applied.ok) {
    await log.opened?.file?.close();
    parts.supervisor.apply(before.applications);
    parts.registry.activate(before);
    return rejectionOf(applied, parts.open());
  }
  if (log.opened === null) parts.log.rotate(next.log);
  else await parts.log.use(log.opened);
  return null;
}

function changesThatNeedARestart(before: Configuration, next: Configuration): ConfigurationErrors {
  const errors: string[] = [];
  const needsRestart = (key: string, old: string, now: string): void => {
    if (old !== now) errors.push(`${key} is ${old} while this gateway runs; restart it to make it ${now}`);
  };
  needsRestart('state', before.stateFolder ?? 'none', next.stateFolder ?? 'none');
  needsRestart('member', before.member, next.member);
  return errors;
}

async function openLog(
  before: Configuration,
  next: Configuration,
  log: ExchangeLog,
): Promise<{ readonly opened: OpenedLog | null } | { readonly error: string }> {
  if (before.log.path === next.log.path) return { opened: null };
  try {
    return { opened: await log.open(next.log) };
  } catch (error) {
    if (!(error instanceof LogFailure)) throw error;
    return { error: error.message };
  }
}

/** Checks of new endpoints begin, and applications that are new start, beside everything that runs. */
function prepare(before: Configuration, next: Configuration, { registry, supervisor }: ReloadParts): void {
  registry.prepare(next);
  supervisor.apply([...before.applications, ...newApplications(before, next)]);
}

export function newApplications(before: Configuration, next: Configuration): Configuration['applications'] {
  const known = new Set(before.applications.map(({ id }) => id));
  return next.applications.filter(({ id }) => !known.has(id));
}

function rejectedFor(errors: ConfigurationErrors): ReloadRejection {
  return { ok: false, kind: 'invalid', errors };
}

function rejectionOf(applied: Extract<ApplyResult, { ok: false }>, open: readonly OpenListener[]): ReloadRejection {
  if (!applied.lost) return rejectedFor(applied.problems.map((problem) => listenError(problem, open)));
  const why = `A serving worker has not taken the configuration: ${applied.why}.`;
  return { ok: false, kind: 'failed', errors: [why] };
}

/** The commonest reason why an address is taken is ourselves: the same port on fewer, or more, addresses. */
function listenError(problem: ListenProblem, open: readonly OpenListener[]): string {
  const text = listenProblemText(problem);
  const holder = open.find((one) => one.port === problem.port && overlap(one.host, problem.host));
  if (problem.errno !== 'EADDRINUSE' || holder === undefined) return text;
  const held = hostPort(holder.host, holder.port);
  return `${text}: this gateway itself holds ${held} as listener ${holder.id}; restart it to change the address`;
}

function overlap(one: string, other: string): boolean {
  const everywhere = ['0.0.0.0', '::', ''];
  return one === other || everywhere.includes(one) || everywhere.includes(other);
}

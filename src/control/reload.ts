import type { Configuration } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import type { Supervisor } from '../deploy/supervisor.ts';
import type { ReloadRejection } from './gateway-status.ts';
import type { EndpointRegistry } from '../discovery/endpoint-registry.ts';
import type { ExchangeLog } from './exchange-log.ts';
import type { ListenProblem, OpenListener } from '../core/worker-messages.ts';
import { LogFailure, listenProblemText } from './start-failure.ts';
import type { ApplyResult } from './apply-result.ts';
import { portHolderText } from '../deploy/port-holder.ts';

interface ReloadParts {
  readonly registry: EndpointRegistry;
  readonly supervisor: Supervisor;
  readonly log: ExchangeLog;
  /** The open listeners. */
  readonly open: () => readonly OpenListener[];
  /** Resolves when every check of `next` has a first result and its new applications serve, or after a time limit. */
  readonly untilReady: (next: Configuration) => Promise<void>;
  /** Applies the configuration in the workers; then endpoints and applications follow. */
  readonly apply: (next: Configuration) => Promise<ApplyResult>;
}

type ConfigurationErrors = readonly string[];

/**
 * Returns null if the configuration was applied.
 *
 * A reload applies the next configuration completely, or changes nothing:
 *
 *     check fixed settings ─▶ open the log ─▶ begin checks and new applications ─▶ workers apply it ─▶ the rest follows
 *
 * Clients notice nothing before the workers apply it. If the workers reject it, all steps are rolled back.
 */
export async function reload(
  before: Configuration,
  next: Configuration,
  parts: ReloadParts,
): Promise<ReloadRejection | null> {
  const fixed = changesThatNeedARestart(before, next);
  if (fixed.length > 0) return rejectedFor(fixed);
  const opensLog = destinationOf(before) !== destinationOf(next);
  const error = opensLog ? await openLog(next, parts.log) : null;
  if (error !== null) return rejectedFor([error]);
  prepare(before, next, parts);
  await parts.untilReady(next);
  const applied = await parts.apply(next);
  if (!applied.ok) {
    if (opensLog) parts.log.discard();
    parts.supervisor.apply(before.applications);
    parts.registry.activate(before);
    return rejectionOf(applied, parts.open());
  }
  if (opensLog) await parts.log.use(next.log);
  else parts.log.rotate(next.log);
  return null;
}

/** What of the log cannot change while it is open. */
function destinationOf({ log: { path, format, syslog = null } }: Configuration): string {
  return JSON.stringify([path, format, syslog]);
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

/** Why the log cannot be opened; null if it is open. */
async function openLog(next: Configuration, log: ExchangeLog): Promise<string | null> {
  try {
    await log.open(next.log);
    return null;
  } catch (error) {
    if (!(error instanceof LogFailure)) throw error;
    return error.message;
  }
}

/** Begins checks of new endpoints and starts new applications, while the active ones continue. */
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
  if (!applied.workersUnavailable) return rejectedFor(applied.problems.map((problem) => listenError(problem, open)));
  const why = `A worker has not applied the configuration: ${applied.why}.`;
  return { ok: false, kind: 'failed', errors: [why] };
}

/** An address is most often in use by this gateway itself: the same port on fewer or more addresses. */
function listenError(problem: ListenProblem, open: readonly OpenListener[]): string {
  const text = listenProblemText(problem);
  const holder = open.find((one) => one.port === problem.port && overlap(one.host, problem.host));
  if (problem.errno !== 'EADDRINUSE') return text;
  if (holder === undefined) return `${text}: ${portHolderText(problem.port)}`;
  const held = hostPort(holder.host, holder.port);
  return `${text}: this gateway itself holds ${held} as listener ${holder.id}; restart it to change the address`;
}

function overlap(one: string, other: string): boolean {
  const everywhere = ['0.0.0.0', '::', ''];
  return one === other || everywhere.includes(one) || everywhere.includes(other);
}

import type { Event } from '../../core/event.ts';
import type { SuspectKind } from '../../core/live-incident.ts';
import {
  type SuspectContext,
  type SuspectFinding,
  type Rule,
  shownMax,
  seen,
  latestBefore,
  nearness,
  isOf,
  isAbout,
  listOf,
  beforeText,
} from './suspect-facts.ts';
import { applicationsOf } from './watched-upstream.ts';

/** What was changed shortly before: the configuration, a release, by an operator, in DNS; or what ended by itself. */
export const changes: Readonly<Partial<Record<SuspectKind, Rule>>> = {
  out_of_memory: (context) => exited(context, true),
  crash: (context) => exited(context, false),
  operator_action: (context) => {
    const { upstream, routes } = context.incident;
    const found = latestBefore(context, 'overlay_changed', ({ subject }) =>
      isAbout(
        subject,
        upstream,
        routes.map(({ route }) => route),
      ),
    );
    if (found === null || found.event.evidence.after === null) return null;
    return {
      fit: nearness(found.afterMs, isOf(context.incident, 'not_ready', 'full') ? 0.96 : 0.8),
      sentence: `An operator changed ${found.event.subject} ${beforeText(found.afterMs)} the first failure.`,
      evidence: [`${found.event.actor}: ${found.event.reason}`],
      nextStep: 'Run `candor restore` for it if this was not intended.',
    };
  },
  dns_change: (context) => {
    const known = new Set(context.watched.endpoints.map(({ name }) => name));
    const found = latestBefore(context, 'name_addresses', ({ evidence }) => known.has(evidence.name));
    if (found === null || isOf(context.incident, 'full')) return null;
    const { name, added, removed } = found.event.evidence;
    return {
      fit: nearness(found.afterMs, 0.9),
      sentence: `${name} got other addresses ${beforeText(found.afterMs)} the first failure.`,
      evidence: [`added: ${listOf(added)}; removed: ${listOf(removed)}`],
      nextStep: `Check that the application listens at ${listOf(added)}; correct the DNS record if it does not.`,
    };
  },
  gateway_worker: (context) => {
    const found = seen(context, 'worker_lost', () => true);
    if (found.length === 0) return silentWorker(context);
    return {
      fit: isOf(context.incident, 'gateway') ? 0.9 : 0.3,
      sentence: 'A worker of the gateway ended, and with it the requests that it had in flight.',
      evidence: found.slice(0, shownMax).map(({ event }) => event.reason),
      nextStep: 'Run `candor events` for its error; please report it.',
    };
  },
};

/** A worker without processor time takes no bytes: whatever its requests wait for comes too late. */
function silentWorker(context: SuspectContext): SuspectFinding | null {
  const found = seen(context, 'worker_silent', () => true);
  if (found.length === 0 || !isOf(context.incident, 'slow', 'network', 'gone', 'full')) return null;
  return {
    fit: context.incident.upstreams.length > 1 ? 0.93 : 0.62,
    sentence: 'A worker of the gateway did not answer: it had no processor time, or was occupied.',
    evidence: found.slice(0, shownMax).map(({ event }) => event.reason),
    nextStep: 'See with `top` what uses the processor of the machine, and in `candor status` how busy the workers are.',
  };
}

const nameOf = (subject: string): string => subject.slice('instance:'.length);

/** An exit says which instance ended. */
function named({ subject, reason }: Event): string {
  return reason.includes(nameOf(subject)) ? reason : `${nameOf(subject)}: ${reason}`;
}

function exitSentence(ended: readonly string[], outOfMemory: boolean, areSeveral: boolean): string {
  if (!areSeveral || ended.length === 1)
    return outOfMemory ? `${ended[0]} was killed because it had used too much memory.` : `${ended[0]} ended by itself.`;
  return outOfMemory
    ? `The machine had no memory left: ${listOf(ended)} were killed.`
    : `${listOf(ended)} ended by themselves.`;
}

/** The exit of a process that serves the upstream, shortly before the failures or while they go on. */
function exited(context: SuspectContext, outOfMemory: boolean): SuspectFinding | null {
  const { incident, watched } = context;
  const prefixes = applicationsOf(watched).map((application) => `instance:${application}/`);
  if (!isOf(incident, 'gone', 'not_ready', 'slow')) return null;
  const found = seen(
    context,
    'instance_exited',
    ({ subject, from, evidence }) =>
      prefixes.some((prefix) => subject.startsWith(prefix)) &&
      from !== 'stopping' &&
      evidence.outOfMemory === outOfMemory,
  );
  const [first] = found;
  if (first === undefined) return null;
  const { subject, evidence } = first.event;
  const name = nameOf(subject);
  const ended = [...new Set(found.map(({ event }) => nameOf(event.subject)))];
  const { beforeExit = null } = watched.processes?.find(({ instance }) => instance === name) ?? {};
  return {
    fit: outOfMemory ? 0.98 : 0.92,
    sentence: exitSentence(ended, outOfMemory, prefixes.length > 1),
    evidence: [
      ...(beforeExit === null ? [] : [`${name}: ${beforeExit}`]),
      ...found
        .slice(0, shownMax)
        .map(({ event, afterMs }) => `${named(event)} (${beforeText(afterMs)} the first failure)`),
      ...evidence.output.slice(-3).map((line) => `output of ${name}: ${line}`),
    ],
    nextStep:
      outOfMemory && prefixes.length > 1 && ended.length > 1
        ? "Look at what uses the machine's memory (`free -m`, `dmesg`), and give it more, or run less on it."
        : outOfMemory
          ? 'Give the process more memory, or look for what it keeps; fewer requests at a time (`concurrency`) need less.'
          : "Look at the application's last output above; `candor events --full` has all of it that was kept.",
  };
}

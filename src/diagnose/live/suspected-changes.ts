import type { SuspectKind } from '../../core/live-incident.ts';
import {
  type SuspectContext,
  type SuspectFinding,
  type Rule,
  shownMax,
  seen,
  latestBefore,
  nearness,
  namesPart,
  concerns,
  isOf,
  isAbout,
  listOf,
  beforeText,
} from './suspect-facts.ts';

/** What was changed shortly before: the configuration, a release, by an operator, in DNS; or what ended by itself. */
export const changes: Readonly<Partial<Record<SuspectKind, Rule>>> = {
  out_of_memory: (context) => exited(context, true),
  crash: (context) => exited(context, false),
  release: (context) => {
    const { incident, watched } = context;
    if (watched.application === null || isOf(incident, 'dns', 'full')) return null;
    const found = latestBefore(context, 'configuration_applied', ({ evidence }) =>
      evidence.changed.some((part) => namesPart(part, 'applications', watched.application as string)),
    );
    if (found === null) return null;
    return {
      fit: nearness(found.afterMs, 0.97),
      sentence: `A new release of ${watched.application} began ${beforeText(found.afterMs)} the first failure.`,
      evidence: [`revision ${found.event.revision}: ${found.event.reason}`],
      nextStep: `Restore the earlier configuration of ${watched.application} and run \`candor reload\`; the old release is started again.`,
    };
  },
  configuration_change: (context) => {
    const { upstream, routes } = context.incident;
    const found = latestBefore(context, 'configuration_applied', ({ evidence }) =>
      evidence.changed.some((part) =>
        concerns(
          part,
          upstream,
          routes.map(({ route }) => route),
        ),
      ),
    );
    if (found === null) return null;
    return {
      fit: nearness(found.afterMs, 0.93),
      sentence: `The configuration was changed ${beforeText(found.afterMs)} the first failure.`,
      evidence: [`revision ${found.event.revision} changed ${listOf(found.event.evidence.changed)}`],
      nextStep: 'Compare the two configurations; restore the earlier one and run `candor reload` if in doubt.',
    };
  },
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
    if (found.length === 0) return null;
    return {
      fit: isOf(context.incident, 'gateway') ? 0.9 : 0.3,
      sentence: 'A worker of the gateway ended, and with it the requests that it had in flight.',
      evidence: found.slice(0, shownMax).map(({ event }) => event.reason),
      nextStep: 'Run `candor events` for its error; please report it.',
    };
  },
};

/** The exit of a process that serves the upstream, shortly before the failures or while they go on. */
function exited(context: SuspectContext, outOfMemory: boolean): SuspectFinding | null {
  const { incident, watched } = context;
  if (watched.application === null || !isOf(incident, 'gone', 'not_ready', 'slow')) return null;
  const prefix = `instance:${watched.application}/`;
  const found = seen(
    context,
    'instance_exited',
    ({ subject, from, evidence }) =>
      subject.startsWith(prefix) && from !== 'stopping' && evidence.outOfMemory === outOfMemory,
  );
  const [first] = found;
  if (first === undefined) return null;
  const { subject, reason, evidence } = first.event;
  return {
    fit: outOfMemory ? 0.98 : 0.92,
    sentence: outOfMemory
      ? `${subject.slice('instance:'.length)} was killed because it had used too much memory.`
      : `${subject.slice('instance:'.length)} ended by itself.`,
    evidence: [
      ...found
        .slice(0, shownMax)
        .map(({ event, afterMs }) => `${event.reason} (${beforeText(afterMs)} the first failure)`),
      ...evidence.output.slice(-3).map((line) => `its output: ${line}`),
    ].filter((text) => text !== reason),
    nextStep: outOfMemory
      ? 'Give the process more memory, or look for what it keeps; fewer requests at a time (`concurrency`) need less.'
      : "Look at the application's last output above; `candor events --full` has all of it that was kept.",
  };
}

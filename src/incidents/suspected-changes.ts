import { reasonBesideState } from '../core/reason-beside-state.ts';
import type { SuspectKind } from '../core/live-incident.ts';
import {
  type SuspectContext,
  type SuspectFinding,
  type Rule,
  shownMax,
  seen,
  failedBefore,
  latestBefore,
  nearness,
  isOf,
  isAbout,
  listOf,
  beforeText,
} from './suspect-facts.ts';
import { explainedMin, explainedShare, explainedText } from './explained-share.ts';
import { datedLines } from './evidence-lines.ts';

/** What was changed shortly before: the configuration, a release, by an operator, in DNS; or a worker that ended. */
export const changes = {
  operator_action: (context) => {
    const { upstream, routes } = context.incident;
    const found = latestBefore(context, 'overlay_changed', ({ subject }) =>
      isAbout(
        subject,
        upstream,
        routes.map(({ route }) => route),
      ),
    );
    if (found === null || found.event.evidence.after === null || failedBefore(context, found.afterMs))
      return takenOut(context);
    const share = explainedShare(context, found.afterMs, 0);
    if (share < explainedMin) return takenOut(context);
    return {
      fit: nearness(found.afterMs, isOf(context.incident, 'not_ready', 'full') ? 0.96 : 0.8) * share,
      sentence: `An operator changed ${found.event.subject} ${beforeText(found.afterMs)} the first failure${explainedText(context, found.afterMs)}.`,
      evidence: [`${found.event.actor}: ${found.event.reason}`, ...takenOutLines(context)],
      nextStep: 'Run `candor restore` for it if this was not intended.',
    };
  },
  dns_change: (context) => {
    const known = new Set(context.watched.endpoints.map(({ name }) => name));
    const found = latestBefore(context, 'name_addresses', ({ evidence }) => known.has(evidence.name));
    if (found === null || isOf(context.incident, 'full') || failedBefore(context, found.afterMs)) return null;
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
      evidence: datedLines(found, ({ reason }) => reason),
      nextStep: 'Run `candor events` for its error; please report it.',
    };
  },
} satisfies Partial<Record<SuspectKind, Rule>>;

const takenOutOf = ({ watched }: SuspectContext): SuspectContext['watched']['endpoints'] =>
  watched.endpoints.filter(({ takenOutBy }) => takenOutBy !== undefined);

const takenOutLines = (context: SuspectContext): readonly string[] =>
  takenOutOf(context)
    .slice(0, shownMax)
    .map(({ id, state, reason }) => `${id} is ${state}: ${reasonBesideState(state, reason)}`);

/** An endpoint that an operator has taken out stays out however long ago that was. */
function takenOut(context: SuspectContext): SuspectFinding | null {
  const { length } = takenOutOf(context);
  const all = context.watched.endpoints.length;
  if (length === 0 || !isOf(context.incident, 'not_ready', 'full')) return null;
  return {
    fit: length === all ? 0.96 : 0.65,
    sentence: `An operator has taken ${length === all ? 'all endpoints' : `${length} of ${all} endpoints`} out of use.`,
    evidence: takenOutLines(context),
    nextStep: 'Run `candor restore` for what may be used again.',
  };
}

/** A worker without processor time takes no bytes: whatever its requests wait for comes too late. */
function silentWorker(context: SuspectContext): SuspectFinding | null {
  const found = seen(context, 'worker_silent', () => true);
  if (found.length === 0 || !isOf(context.incident, 'slow', 'network', 'gone', 'full')) return null;
  return {
    fit: context.incident.upstreams.length > 1 ? 0.93 : 0.62,
    sentence: 'A worker of the gateway did not answer: it had no processor time, or was occupied.',
    evidence: datedLines(found, ({ reason }) => reason),
    nextStep: 'See with `top` what uses the processor of the machine, and in `candor status` how busy the workers are.',
  };
}

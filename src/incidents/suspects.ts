import { exits } from './suspected-exits.ts';
import { changes, timeouts } from './suspected-changes.ts';
import { releases } from './suspected-releases.ts';
import { suspectedRollout } from './suspected-rollouts.ts';
import { shortages } from './suspected-shortages.ts';
import { connections } from './suspected-connections.ts';
import { applications } from './suspected-applications.ts';
import { authenticationService, changedDependency } from './suspected-dependencies.ts';
import { clients } from './suspected-clients.ts';
import { limits } from './suspected-limits.ts';
import { changedCredentials, metLimits, refusedNewcomer } from './suspected-refusals.ts';
import type { IncidentSuspect, SuspectKind } from '../core/live-incident.ts';
import {
  type SuspectContext,
  type Rule,
  shownMax,
  beforeText,
  certificates,
  otherProtocol,
  refused,
  type SuspectFinding,
} from './suspect-facts.ts';
import type { DirectLook } from './watched-upstream.ts';
import { suspectsWith } from './suspect-traits.ts';
import { splitEvidence } from './compared-requests.ts';
import type { OpenIncident } from './open-incident.ts';

// Each rule looks for one cause. `fit` orders them: what a process's exit or a certificate says is surer than what the
// failures alone say, and "the application is slow" is said where nothing else is known.
const rules: Readonly<Record<SuspectKind, Rule>> = {
  ...exits,
  ...changes,
  ...releases,
  release: (context) => suspectedRollout(context) ?? releases.release(context),
  ...shortages,
  ...timeouts,
  ...connections,
  ...applications,
  ...clients,
  ...limits,
  gateway_limit: (context) => shortages.gateway_limit(context) ?? metLimits(context),
  one_client: (context) => clients.one_client(context) ?? refusedNewcomer(context),
  dependency: (context) =>
    changedDependency(context) ??
    authenticationService(context) ??
    applications.dependency(context) ??
    changedCredentials(context),
};

/** What may have caused the incident, the likeliest first; empty: not known. `isLater`: it has caused only what began later. */
export function rankSuspects(
  context: SuspectContext,
  isLater: (kind: SuspectKind) => boolean = () => false,
): readonly IncidentSuspect[] {
  const found = Object.entries(rules).flatMap(([name, rule]) => {
    const finding = rule(context);
    const kind = name as SuspectKind;
    if (finding === null || isLater(kind)) return [];
    return [{ name: kind, ...weighed(kind, finding, context.directLook, context.incident.startedAt) }];
  });
  return withSplit(shownOf(withoutConsequences(causesFirst(found)), context), context);
}

/** What makes another cause worse is always shown with it, and never in its place. */
function shownOf(ranked: readonly IncidentSuspect[], { retries }: SuspectContext): readonly IncidentSuspect[] {
  const worse = ranked.find(({ name }) => name === 'client_retries');
  if (worse === undefined || retries?.beganIt === true) return ranked.slice(0, shownMax);
  const others = ranked.filter((one) => one !== worse);
  const shown = others.slice(0, shownMax - 1);
  const least = shown.at(-1)?.fit;
  return least === undefined ? shown : [...shown, { ...worse, fit: Math.min(worse.fit, least) }];
}

const splitKinds = suspectsWith('is_of_some_requests');

/** The first suspect says which requests fail, where they have something in common. */
function withSplit(ranked: readonly IncidentSuspect[], { split }: SuspectContext): readonly IncidentSuspect[] {
  const [first, ...others] = ranked;
  if (split === null || first === undefined || !splitKinds.has(first.name)) return ranked;
  const sentence = `${first.sentence.replace(/\.$/, '')}, for requests ${split.which} alone.`;
  return [{ ...first, sentence, evidence: [splitEvidence(split), ...first.evidence] }, ...others];
}

const ends = suspectsWith('is_end');
const followFromEnd = suspectsWith('follows_from_end');
const shownCauses = suspectsWith('shows_itself');
const effects = suspectsWith('is_effect');
const shownFitMin = 0.55;
const effectBelow = 0.01;

/** The likeliest first; an effect is never likelier than what has caused it. */
export function causesFirst(found: readonly IncidentSuspect[]): readonly IncidentSuspect[] {
  const shown = found.filter(({ name, fit }) => shownCauses.has(name) && fit >= shownFitMin);
  const below = Math.max(...shown.map(({ fit }) => fit)) - effectBelow;
  const fitOf = (one: IncidentSuspect): number =>
    shown.length > 0 && effects.has(one.name) ? Math.min(one.fit, below) : one.fit;
  return found.map((one) => ({ ...one, fit: fitOf(one) })).sort((a, b) => b.fit - a.fit);
}

/** What follows from a likelier suspect is no suspect of its own. */
function withoutConsequences(ranked: readonly IncidentSuspect[]): readonly IncidentSuspect[] {
  const end = ranked.findIndex(({ name }) => ends.has(name));
  return end === -1 ? ranked : ranked.filter(({ name }, at) => at < end || !followFromEnd.has(name));
}

type Bearing = 'confirms' | 'contradicts' | null;

/** What a look at an endpoint says of a suspect; kinds that are absent are about what one look does not show. */
const bearings: Readonly<Partial<Record<SuspectKind, (look: DirectLook) => Bearing>>> = {
  nothing_listens: (look) => contradictedIf(look.isAccepting, hasCause(look, refused)),
  network: (look) => contradictedIf(look.isAccepting || hasCause(look, refused), look.isHanging),
  slow_application: ({ isAccepting, isHanging }) => contradictedIf(false, isAccepting && isHanging),
  certificate: (look) => contradictedIf(false, hasCause(look, certificates)),
  another_program: (look) => contradictedIf(false, hasCause(look, otherProtocol)),
};

/** A contradicted suspect stays in the list: the endpoint may listen again, or refuse only some connections. */
const loweredBy = 0.25;
const raisedBy = 0.05;

/** The finding as it stands after the look at an endpoint. */
function weighed(
  kind: SuspectKind,
  finding: SuspectFinding,
  look: DirectLook | null,
  startedAt: number,
): SuspectFinding {
  const bearing = look === null ? null : (bearings[kind]?.(look) ?? null);
  if (look === null || bearing === null) return finding;
  const fit = bearing === 'confirms' ? finding.fit + raisedBy : finding.fit - loweredBy;
  const when = `${beforeText(look.at - startedAt)} the first failure`;
  if (bearing === 'contradicts')
    return { ...finding, fit, refutedBy: `a direct look at ${look.endpoint}, ${when}: ${look.answer}` };
  const evidence = `a direct look at ${look.endpoint}, ${when}, met the same: ${look.answer}`;
  return { ...finding, fit, evidence: [...finding.evidence, evidence] };
}

const contradictedIf = (isOtherwise: boolean, isSame: boolean): Bearing =>
  isOtherwise ? 'contradicts' : isSame ? 'confirms' : null;

const hasCause = ({ cause }: DirectLook, causes: ReadonlySet<string>): boolean => cause !== null && causes.has(cause);

/**
 * While requests fail, the facts of this second count. What kept requests from being sent stays suspected when checks meet something else (`checksChanged`),
 * which is told as an addition.
 */
export function suspectsWhileFailing(
  found: readonly IncidentSuspect[],
  { suspects, additions, root }: Pick<OpenIncident, 'suspects' | 'additions' | 'root'>,
  checksChanged: boolean,
): readonly IncidentSuspect[] {
  if ((additions.laterCauses.size > 0 || checksChanged) && suspects.length > 0)
    return suspects.map((one) => found.find(({ name }) => name === one.name) ?? one);
  return found.length === 0 && root === 'not_ready' ? suspects : found;
}

/** What was true while requests failed stays suspected; what to do is what helps now. `isAdding`: what is found only now is suspected too. */
export function withEarlierSuspects(
  found: readonly IncidentSuspect[],
  earlier: readonly IncidentSuspect[],
  isAdding: boolean,
): readonly IncidentSuspect[] {
  const names = new Set(earlier.map(({ name }) => name));
  const kept = earlier.map((one) => {
    const now = found.find(({ name, sentence }) => name === one.name && sentence === one.sentence);
    return now === undefined ? one : { ...one, nextStep: now.nextStep };
  });
  const added = isAdding ? found.filter(({ name }) => !names.has(name)) : [];
  return [...kept, ...added].sort((a, b) => b.fit - a.fit);
}

import { exits } from './suspected-exits.ts';
import { changes } from './suspected-changes.ts';
import { releases } from './suspected-releases.ts';
import { shortages } from './suspected-shortages.ts';
import { timeouts } from './suspected-timeouts.ts';
import { connections } from './suspected-connections.ts';
import { applications } from './suspected-applications.ts';
import { weighed } from './looked-at.ts';
import type { IncidentSuspect, SuspectKind } from '../core/live-incident.ts';
import { type SuspectContext, type Rule, shownMax } from './suspect-facts.ts';

// Each rule looks for one cause. `fit` orders them: what a process's exit or a certificate says is surer than what the
// failures alone say, and "the application is slow" is said where nothing else is known.
const rules: Readonly<Record<SuspectKind, Rule>> = {
  ...exits,
  ...changes,
  ...releases,
  ...shortages,
  ...timeouts,
  ...connections,
  ...applications,
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
  return withoutConsequences(causesFirst(found)).slice(0, shownMax);
}

const ends: ReadonlySet<SuspectKind> = new Set(['out_of_memory', 'crash', 'not_started']);
/** A process that ends cuts its connections, and then nothing listens. */
const followFromEnd: ReadonlySet<SuspectKind> = new Set(['connections_cut', 'nothing_listens']);

/** A cause that shows itself, in a process, an answer or a check; less likely ones may have another reason. */
const shownFitMin = 0.55;
const shownCauses: ReadonlySet<SuspectKind> = new Set([
  ...ends,
  ...(['descriptors', 'application_descriptors', 'dns', 'certificate', 'tls_settings', 'dependency'] as const),
  ...(['another_program', 'nothing_listens', 'network', 'slow_application'] as const),
]);
/** What follows from each of them: no endpoint is ready, requests wait, and the pool is full. */
const effects: ReadonlySet<SuspectKind> = new Set(['pool_full', 'failing_check']);
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

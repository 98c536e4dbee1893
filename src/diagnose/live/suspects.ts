import { exits } from './suspected-exits.ts';
import { changes } from './suspected-changes.ts';
import { releases } from './suspected-releases.ts';
import { shortages } from './suspected-shortages.ts';
import { timeouts } from './suspected-timeouts.ts';
import { connections } from './suspected-connections.ts';
import { applications } from './suspected-applications.ts';
import { weighed } from './looked-at.ts';
import type { IncidentSuspect, SuspectKind } from '../../core/live-incident.ts';
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
  return withoutConsequences(found.sort((a, b) => b.fit - a.fit)).slice(0, shownMax);
}

const ends: ReadonlySet<SuspectKind> = new Set(['out_of_memory', 'crash', 'not_started']);
/** A process that ends cuts its connections, and then nothing listens. */
const followFromEnd: ReadonlySet<SuspectKind> = new Set(['connections_cut', 'nothing_listens']);

/** What follows from a likelier suspect is no suspect of its own. */
function withoutConsequences(ranked: readonly IncidentSuspect[]): readonly IncidentSuspect[] {
  const end = ranked.findIndex(({ name }) => ends.has(name));
  return end === -1 ? ranked : ranked.filter(({ name }, at) => at < end || !followFromEnd.has(name));
}

import type { SuspectKind } from '../../src/core/live-incident.ts';
import { faultsOf } from './judge-scenario.ts';
import type { IncidentScenario, ScenarioResult } from './play-scenario.ts';

/** What should be said of several upstreams, or of several things at one. */
export interface SharedScenario extends IncidentScenario {
  /** How many incidents are opened, without those that turn out to be part of another. */
  readonly opened: number;
  /** The upstreams of the first one, in the order of their names; absent: not judged. */
  readonly concerns?: readonly string[];
  /** What begins to fail while it goes on, and its first suspect (null: not judged); null: nothing; absent: not judged. */
  readonly also?: { readonly parts: readonly string[]; readonly suspect: SuspectKind | null } | null;
}

/** What is wrong with the result; empty: nothing. */
export function sharedFaultsOf(scenario: SharedScenario, result: ScenarioResult): readonly string[] {
  const first = faultsOf(scenario, result).map(({ text }) => text);
  return [...first, ...faultsOfNumber(scenario, result), ...faultsOfAdditions(scenario, result)];
}

function faultsOfNumber({ opened, concerns }: SharedScenario, { changes, incidents }: ScenarioResult): string[] {
  const joined = incidents.filter((incident) => incident.joined !== undefined).length;
  const reported = changes.filter(({ kind }) => kind === 'opened').map(({ incident }) => incident);
  const faults: string[] = [];
  if (reported.length - joined !== opened)
    faults.push(`opened ${reported.map(({ cause, upstreams }) => `${cause} at ${JSON.stringify(upstreams)}`).join()}`);
  const upstreams = incidents.find(({ id }) => id === reported[0]?.id)?.upstreams.map(({ upstream }) => upstream);
  if (concerns !== undefined && upstreams?.toSorted().join() !== concerns.join())
    faults.push(`is about ${upstreams?.join()}`);
  return faults;
}

function faultsOfAdditions({ also }: SharedScenario, { changes, incidents }: ScenarioResult): string[] {
  if (also === undefined) return [];
  const [addition, ...others] = incidents.flatMap(({ additions }) => additions);
  if (also === null) return addition === undefined ? [] : [`says that ${JSON.stringify(addition)} fails as well`];
  const parts = addition === undefined ? [] : [...addition.routes, ...addition.endpoints];
  const faults: string[] = [];
  if (parts.join() !== also.parts.join() || others.length > 0)
    faults.push(`says that ${parts.join()} and ${others.length} more fail as well`);
  if (also.suspect !== null && addition?.suspects[0]?.name !== also.suspect)
    faults.push(`suspects ${JSON.stringify(addition?.suspects.map(({ name }) => name))} of it`);
  const told = changes.filter(({ kind, incident }) => kind === 'grown' && incident.additions.length > 0);
  if (told.length === 0) faults.push('tells nobody of it');
  return faults;
}

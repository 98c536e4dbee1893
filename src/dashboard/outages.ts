import type { IncidentJson } from './model.ts';

/** Incidents that are one outage for the people who look at them. */
interface ShownOutage {
  /** The one that the others are part of. */
  readonly first: IncidentJson;
  readonly others: readonly IncidentJson[];
}

/** What begins so close together, at the same endpoints, has one reason. */
const sameMs = 60_000;

/** Incidents that have joined another one, and those that began within a minute at the same endpoints, as one; in their order otherwise. */
export function outagesOf(incidents: readonly IncidentJson[]): readonly ShownOutage[] {
  const groups: IncidentJson[][] = [];
  for (const incident of incidents) {
    const [own, ...more] = groups.filter((group) => group.some((one) => areOne(one, incident)));
    if (own === undefined) {
      groups.push([incident]);
      continue;
    }
    own.push(incident, ...more.flat());
    for (const group of more) groups.splice(groups.indexOf(group), 1);
  }
  return groups.map((group) => {
    const first = group.toSorted(rank)[0] as IncidentJson;
    return { first, others: group.filter((one) => one !== first) };
  });
}

function areOne(one: IncidentJson, other: IncidentJson): boolean {
  if (one.joined === other.id || other.joined === one.id) return true;
  if (Math.abs(Date.parse(one.started_at) - Date.parse(other.started_at)) > sameMs) return false;
  if ((one.resolved_at === null) !== (other.resolved_at === null)) return false;
  const failing = new Set(failingEndpoints(one));
  return failingEndpoints(other).some((endpoint) => failing.has(endpoint));
}

function failingEndpoints({ endpoints }: IncidentJson): readonly string[] {
  return endpoints.flatMap(({ endpoint, failed }) => (failed > 0 ? [endpoint] : []));
}

/** Goes on before over, joined last, then the one with the most failures, then the earliest. */
function rank(a: IncidentJson, b: IncidentJson): number {
  const isOver = (one: IncidentJson): number => Number(one.resolved_at !== null);
  return (
    isOver(a) - isOver(b) || Number(a.joined !== null) - Number(b.joined !== null) || b.failed - a.failed || a.id - b.id
  );
}

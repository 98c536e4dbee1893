import type { Filter } from '../../core/filter.ts';
import type { FeatureScope } from '../../core/feature.ts';
import type { FeaturePart, FeaturePorts } from '../worker-feature.ts';
import { CountedOutcomes } from '../worker-counted-outcomes.ts';
import type { AuthenticationReport, AuthenticationSpec } from './settings.ts';
import { Conditions } from './worker-conditions.ts';
import { AuthenticationFilter } from './worker-filter.ts';
import type { AuthenticationScheme, SchemePart } from './worker-scheme.ts';
import { schemesOfWorkers } from './worker-schemes.ts';

export interface AuthenticationPart extends FeaturePart {
  readonly counts: CountedOutcomes;
  readonly schemes: ReadonlyMap<string, SchemePart>;
}

/** What the schemes of a route need; null: everything is there. */
export function loadSchemes({ schemes }: AuthenticationSpec): Promise<unknown> | null {
  const missing = schemes.flatMap(({ name, spec }) => schemeNamed(name).load?.(spec) ?? []);
  return missing.length === 0 ? null : Promise.all(missing);
}

export function preparePart(
  scope: FeatureScope,
  spec: AuthenticationSpec,
  ports: FeaturePorts,
  previous: AuthenticationPart | null,
): AuthenticationPart {
  const schemes = new Map(
    // The order of the registry: what sends people to a login comes last, however the file is written.
    schemesOfWorkers.flatMap((scheme) => {
      const own = spec.schemes.find(({ name }) => name === scheme.name);
      if (own === undefined) return [];
      const part = scheme.prepare(own.spec, portsOf(scope.id, spec, ports), previous?.schemes.get(scheme.name) ?? null);
      return [[scheme.name, part] as const];
    }),
  );
  const counts = previous?.counts ?? new CountedOutcomes();
  const conditions = new Conditions(schemes);
  const filter: Filter = new AuthenticationFilter(spec, schemes, counts);
  const each = (call: (part: SchemePart) => void): void => {
    for (const part of schemes.values()) call(part);
  };
  return {
    counts,
    schemes,
    hooks: { filters: [filter] },
    activate: () => each((part) => part.activate?.()),
    discard: () => each((part) => part.discard?.()),
    close: () => each((part) => part.close?.()),
    report: () => reportOf(counts, conditions),
    onState(state) {
      for (const [name, own] of Object.entries((state ?? {}) as Record<string, object>))
        schemes.get(name)?.onState?.(own);
    },
  };
}

function reportOf(counts: CountedOutcomes, conditions: Conditions): AuthenticationReport | null {
  const outcomes = counts.take();
  const changed = conditions.take();
  if (outcomes === null && changed === null) return null;
  return { ...outcomes, ...(changed === null ? {} : { conditions: changed }) };
}

function schemeNamed(name: string): AuthenticationScheme {
  const found = schemesOfWorkers.find((scheme) => scheme.name === name);
  if (found === undefined) throw new Error(`there is no scheme of authentication ${name}`);
  return found;
}

function portsOf(
  route: string,
  { realm }: AuthenticationSpec,
  { clock, random, deadlines, pool, ask }: FeaturePorts,
): Parameters<AuthenticationScheme['prepare']>[1] {
  return { clock, random, deadlines, pool, ask, route, realm };
}

import { readFileSync } from 'node:fs';
import { mainFeature, type ScopedSpec } from '../main-feature.ts';
import { RouteCounts } from '../main-route-counts.ts';
import { contentHash } from './country-database.ts';
import { accessName, type AccessSpec, type AccessStatus, type CountryRules } from './settings.ts';

/** Adds up what the rules of each route have refused, over all workers and those that are gone, and reads the file of countries for all workers. */
class AccessView extends RouteCounts<AccessSpec> {
  /** By version: a worker that starts later gets it too, whatever has become of the file. */
  readonly #databases = new Map<string, SharedArrayBuffer>();

  override use(scopes: readonly ScopedSpec<AccessSpec>[]): void {
    super.use(scopes);
    const versions = new Set(scopes.map(({ spec }) => spec.countries?.version));
    for (const version of this.#databases.keys()) if (!versions.has(version)) this.#databases.delete(version);
  }

  forWorkers(spec: AccessSpec): AccessSpec {
    const { countries } = spec;
    if (countries === null) return spec;
    const database = this.#databases.get(countries.version) ?? contentOf(countries);
    // Workers reject the revision.
    if (database === null) return spec;
    this.#databases.set(countries.version, database);
    return { ...spec, countries: { ...countries, database } };
  }

  status(): AccessStatus {
    return {
      access: this.scopes.map(({ scope, spec }) => ({
        route: scope.id,
        dryRun: spec.isDryRun,
        refused: this.countsOf(scope).map(([rule, count]) => ({ rule, count })),
      })),
    };
  }
}

/** Null: it cannot be read, or is no longer what was checked. */
function contentOf({ file, version }: CountryRules): SharedArrayBuffer | null {
  try {
    const content = readFileSync(file);
    if (!version.startsWith(contentHash(content))) return null;
    const shared = new SharedArrayBuffer(content.length);
    content.copy(new Uint8Array(shared));
    return shared;
  } catch {
    return null;
  }
}

export const access = mainFeature<AccessSpec, AccessView, AccessStatus>({
  name: accessName,
  metrics: ({ access: views }) => [
    {
      name: 'candor_access_refused_total',
      help: 'Requests that a rule of `access` has refused, by route and rule; with `dry_run` they have passed.',
      samples: views.flatMap(({ route, dryRun, refused }) =>
        refused.map(({ rule, count }) => [{ route, rule, dry_run: String(dryRun) }, count] as const),
      ),
    },
  ],
  start: () => new AccessView(),
});

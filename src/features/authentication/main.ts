import { type FeatureMessages, type FeatureState, scopeKey } from '../../core/feature.ts';
import { mainFeature, type MainFeaturePorts, type ScopedSpec } from '../main-feature.ts';
import { RouteCounts } from '../main-route-counts.ts';
import { SchemeConditions } from './main-conditions.ts';
import type { SchemeForWorkers } from './main-scheme.ts';
import { mainSchemes } from './main-schemes.ts';
import {
  admitted,
  authenticationName,
  type AuthenticationReport,
  type AuthenticationSpec,
  type AuthenticationStatus,
  stepsOfLogin,
} from './settings.ts';

/** Of what the process that takes over gets. */
const stateVersion = 1;

/** Adds up how requests of each route have authenticated, over all workers and those that are gone. */
class AuthenticationCounts extends RouteCounts<AuthenticationSpec> {
  readonly #schemes: Readonly<Record<string, SchemeForWorkers>>;
  /** Routes that have what the file says share one spec, and workers get it once. */
  readonly #sent = new WeakMap<AuthenticationSpec, AuthenticationSpec>();

  readonly #conditions: SchemeConditions;
  readonly #ports: MainFeaturePorts;

  constructor(ports: MainFeaturePorts) {
    super();
    this.#conditions = new SchemeConditions(ports.clock);
    this.#ports = ports;
    this.#schemes = Object.fromEntries(
      Object.entries(mainSchemes).map(([name, start]) => [name, start(ports)] as const),
    );
  }

  forWorkers(spec: AuthenticationSpec): AuthenticationSpec {
    if (spec.schemes.every(({ name }) => this.#schemes[name] === undefined)) return spec;
    const known = this.#sent.get(spec);
    if (known !== undefined) return known;
    const schemes = spec.schemes.map((one) => ({ ...one, spec: this.#schemes[one.name]?.(one.spec) ?? one.spec }));
    const sent = { ...spec, schemes };
    this.#sent.set(spec, sent);
    return sent;
  }

  override use(scopes: readonly ScopedSpec<AuthenticationSpec>[]): void {
    super.use(scopes);
    this.#conditions.keep(new Set(scopes.map(({ scope }) => scopeKey(scope))));
    this.#ports.publish(this.#conditions.states);
  }

  override onReports(reports: FeatureMessages, worker: number): void {
    super.onReports(reports, worker);
    let isNew = false;
    for (const [key, report] of Object.entries(reports))
      if (this.#conditions.onReport(key, worker, report as AuthenticationReport)) isNew = true;
    if (isNew) this.#ports.publish(this.#conditions.states);
  }

  override onWorkerGone(worker: number): void {
    super.onWorkerGone(worker);
    this.#conditions.onWorkerGone(worker);
  }

  export(): FeatureState | null {
    const bytes = this.#conditions.export();
    return bytes === null ? null : { version: stateVersion, bytes };
  }

  import({ version, bytes }: FeatureState): void {
    if (version === stateVersion) this.#conditions.import(bytes);
  }

  status(): AuthenticationStatus {
    return {
      authentication: this.scopes.map(({ scope, spec }) => {
        const outcomes = this.countsOf(scope).map(([name, count]) => {
          const [scheme = '', fault = ''] = name.split(' ');
          return { scheme, fault, count };
        });
        return {
          route: scope.id,
          schemes: spec.schemes.map(({ name }) => name),
          admitted: outcomes.reduce((sum, { fault, count }) => sum + (fault === admitted ? count : 0), 0),
          refused: outcomes.filter(({ fault }) => fault !== admitted && !stepsOfLogin.has(fault)),
          keys: this.#conditions.viewOf(scopeKey(scope)),
        };
      }),
    };
  }
}

export const authentication = mainFeature<AuthenticationSpec, AuthenticationCounts, AuthenticationStatus>({
  name: authenticationName,
  metrics: ({ authentication: views }) => [
    {
      name: 'candor_authentications_admitted_total',
      help: 'Requests whose clients have authenticated and may enter, by route.',
      samples: views.map(({ route, admitted: count }) => [{ route }, count]),
    },
    {
      name: 'candor_authentications_refused_total',
      help: 'Credentials that were not accepted, by route, scheme and what was wrong; `missing`: there were none.',
      samples: views.flatMap(({ route, refused }) =>
        refused.map(({ scheme, fault, count }) => [{ route, scheme, fault }, count] as const),
      ),
    },
    {
      name: 'candor_authentication_keys_age_seconds',
      help: 'How old the public keys are that a route has from an issuer, in the worker with the oldest ones. Above 300 the issuer does not answer, or there are no requests.',
      samples: views.flatMap(({ route, keys }) =>
        keys.flatMap(({ scheme, ageS }) => (ageS === null ? [] : [[{ route, scheme }, ageS] as const])),
      ),
    },
  ],
  start: (ports) => new AuthenticationCounts(ports),
});

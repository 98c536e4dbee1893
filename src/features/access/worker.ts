import { fail, type DeniedBy, type Failure } from '#failures/failure.ts';
import type { Filter, FilterContext, FilterStage } from '../../core/filter.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { NetworkRanges } from './network-ranges.ts';
import { type AccessReport, accessName, type AccessRule, type AccessSpec, type ValueRules } from './settings.ts';
import { agentTest } from './worker-agents.ts';
import { certificateTest } from './worker-certificates.ts';
import { countriesOf, loadCountries } from './worker-countries.ts';

/** Why a request may not pass. */
interface Denial {
  readonly rule: AccessRule;
  readonly by: DeniedBy;
  readonly value: string;
  readonly because: string;
}

type Check = (exchange: FilterContext) => Denial | null;

interface AccessPart extends FeaturePart {
  readonly counts: RefusalCounts;
}

/** Refuses requests of clients that the rules of the route do not let in (ADR 36). */
export const access = workerFeature<AccessSpec, AccessPart>({
  name: accessName,

  loadFor: ({ countries }) => (countries === null ? null : loadCountries(countries)),

  prepare(_, spec, __, previous) {
    const counts = previous?.counts ?? new RefusalCounts();
    const { certificates } = spec;
    const first = checksOf(spec);
    const filters = [
      ...(first.length === 0 ? [] : [accessFilter('network', first, spec, counts)]),
      // After redirects to https: in clear text nobody has a certificate.
      ...(certificates === null
        ? []
        : [accessFilter('authentication', [certificateCheck(certificates)], spec, counts)]),
    ];
    return { counts, hooks: { filters }, report: () => counts.take() };
  },
});

function accessFilter(stage: FilterStage, checks: readonly Check[], rules: AccessSpec, counts: RefusalCounts): Filter {
  const { isDryRun } = rules;
  return {
    name: accessName,
    stage,
    ...(isDryRun ? {} : { rules }),
    onRequestHead(exchange) {
      for (const check of checks) {
        const denial = check(exchange);
        if (denial === null) continue;
        counts.add(denial.rule);
        return isDryRun ? 'continue' : failureOf(denial);
      }
      return 'continue';
    },
  };
}

function failureOf({ by, value, because }: Denial): Failure {
  return fail('access_denied', 'filter', { by, value, because });
}

/** The cheapest first. */
function checksOf({ networks, countries, userAgents }: AccessSpec): readonly Check[] {
  return [
    ...(networks === null ? [] : [networkCheck(networks)]),
    ...(userAgents === null ? [] : [agentCheck(userAgents)]),
    ...(countries === null ? [] : [countryCheck(countries)]),
  ];
}

function networkCheck({ allow, deny }: NonNullable<AccessSpec['networks']>): Check {
  const [allowed, denied] = [allow, deny].map((list) => (list === null ? null : new NetworkRanges(list.packed)));
  return ({ client: { address } }) => {
    const by = 'network';
    if (denied?.has(address) === true)
      return { rule: 'deny', by, value: address, because: 'it is in a network that "deny" names' };
    if (allowed?.has(address) === false)
      return { rule: 'allow', by, value: address, because: 'it is in no network that "allow" names' };
    return null;
  };
}

function certificateCheck({ allow, deny }: NonNullable<AccessSpec['certificates']>): Check {
  const [isAllowed, isDenied] = [allow, deny].map((rules) => (rules === null ? null : certificateTest(rules)));
  return ({ client: { tls } }) => {
    const certificate = tls?.clientCertificate ?? null;
    const denial = (because: string): Denial => ({
      rule: 'certificates',
      by: 'certificate',
      value: certificate?.subject ?? 'none',
      because,
    });
    if (certificate === null) return allow === null ? null : denial('the client has shown none');
    if (isDenied?.(certificate) === true) return denial('a rule in "deny" of "certificates" is for it');
    return isAllowed?.(certificate) === false ? denial('no rule in "allow" of "certificates" is for it') : null;
  };
}

/** A client may send as much as a head has room for. */
const shownMax = 200;

function agentCheck({ allow, deny }: ValueRules): Check {
  const [allowed, denied] = [allow, deny].map((patterns) => (patterns === null ? null : agentTest(patterns)));
  return ({ variables }) => {
    const userAgent = variables.header('user-agent');
    const denial = (because: string): Denial => ({
      ...{ rule: 'user_agents', by: 'user_agent', because },
      value: (userAgent ?? '').slice(0, shownMax),
    });
    const found = denied?.(userAgent) ?? null;
    if (found !== null) return denial(`"${found}" in "deny" of "user_agents" is for it`);
    return allowed?.(userAgent) === null ? denial('nothing in "allow" of "user_agents" is for it') : null;
  };
}

function countryCheck(rules: NonNullable<AccessSpec['countries']>): Check {
  const { allow, deny, allowsUnknown } = rules;
  const source = countriesOf(rules);
  const [allowed, denied] = [allow, deny].map((codes) => (codes === null ? null : new Set(codes)));
  return ({ client: { address } }) => {
    const country = source.countryOf(address);
    const denial = (because: string): Denial => ({
      ...{ rule: 'countries', by: 'country', because },
      value: country ?? 'unknown',
    });
    if (country === null) return allowsUnknown ? null : denial(`the file of countries does not have ${address}`);
    if (denied?.has(country) === true) return denial(`"deny" of "countries" names it, and ${address} is there`);
    if (allowed?.has(country) === false)
      return denial(`"allow" of "countries" does not name it, and ${address} is there`);
    return null;
  };
}

/** How many requests each rule has refused since the worker has had the route. */
class RefusalCounts {
  readonly #refused: Partial<Record<AccessRule, number>> = {};
  #changed = false;

  add(rule: AccessRule): void {
    this.#refused[rule] = (this.#refused[rule] ?? 0) + 1;
    this.#changed = true;
  }

  /** All of them, if there are others than at the last call. */
  take(): AccessReport | null {
    if (!this.#changed) return null;
    this.#changed = false;
    return { refused: { ...this.#refused } };
  }
}

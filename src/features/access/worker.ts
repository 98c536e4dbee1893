import { fail, type DeniedBy, type Failure } from '#failures/failure.ts';
import type { Filter, FilterContext, FilterStage } from '../../core/filter.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { CountedOutcomes } from '../worker-counted-outcomes.ts';
import { NetworkRanges } from './network-ranges.ts';
import { accessName, type AccessRule, type AccessSpec, type RuleLists } from './settings.ts';
import { agentTest } from './worker-agents.ts';
import { certificateTest } from './worker-certificates.ts';
import { countriesOf, loadCountries } from './worker-countries.ts';

/** Why a request may not pass. */
interface Denial {
  readonly rule: AccessRule;
  readonly value: string;
  readonly because: string;
}

/** What of a client each rule is about. */
const deniedBy: Readonly<Record<AccessRule, DeniedBy>> = {
  ...{ deny: 'network', allow: 'network', certificates: 'certificate' },
  ...{ user_agents: 'user_agent', countries: 'country' },
};

type Check = (exchange: FilterContext) => Denial | null;

type RefusalCounts = CountedOutcomes<AccessRule>;

interface AccessPart extends FeaturePart {
  readonly counts: RefusalCounts;
}

/** Refuses requests of clients that the rules of the route do not let in (ADR 36). */
export const access = workerFeature<AccessSpec, AccessPart>({
  name: accessName,

  loadFor: ({ countries }) => (countries === null ? null : loadCountries(countries)),

  prepare(_, spec, __, previous) {
    const counts = previous?.counts ?? new CountedOutcomes();
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

function failureOf({ rule, value, because }: Denial): Failure {
  return fail('access_denied', 'filter', { by: deniedBy[rule], value, because });
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
    if (denied?.has(address) === true)
      return { rule: 'deny', value: address, because: 'it is in a network that "deny" names' };
    if (allowed?.has(address) === false)
      return { rule: 'allow', value: address, because: 'it is in no network that "allow" names' };
    return null;
  };
}

function certificateCheck({ allow, deny }: NonNullable<AccessSpec['certificates']>): Check {
  const [isAllowed, isDenied] = [allow, deny].map((rules) => (rules === null ? null : certificateTest(rules)));
  return ({ client: { tls } }) => {
    const certificate = tls?.clientCertificate ?? null;
    const value = certificate?.subject ?? 'none';
    const denial = (because: string): Denial => ({ rule: 'certificates', value, because });
    if (certificate === null) return allow === null ? null : denial('the client has shown none');
    if (isDenied?.(certificate) === true) return denial('a rule in "deny" of "certificates" is for it');
    return isAllowed?.(certificate) === false ? denial('no rule in "allow" of "certificates" is for it') : null;
  };
}

/** A client may send as much as a head has room for. */
const shownMax = 200;

function agentCheck({ allow, deny }: RuleLists): Check {
  const [allowed, denied] = [allow, deny].map((patterns) => (patterns === null ? null : agentTest(patterns)));
  return ({ variables }) => {
    const userAgent = variables.header('user-agent');
    const value = (userAgent ?? '').slice(0, shownMax);
    const denial = (because: string): Denial => ({ rule: 'user_agents', value, because });
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
    const denial = (because: string): Denial => ({ rule: 'countries', value: country ?? 'unknown', because });
    if (country === null) return allowsUnknown ? null : denial(`the file of countries does not have ${address}`);
    if (denied?.has(country) === true) return denial(`"deny" of "countries" names it, and ${address} is there`);
    if (allowed?.has(country) === false)
      return denial(`"allow" of "countries" does not name it, and ${address} is there`);
    return null;
  };
}

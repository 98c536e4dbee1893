/** What is wrong with rules about who may ask, or without effect. */
import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { type FeatureKeys, reviewReplaced } from '../feature-keys.ts';
import { agentWords } from './agent-groups.ts';
import { insideOf, insideOthers, networksIn, type WrittenNetwork } from './keys-networks.ts';
import type { AccessFileRead, AccessRouteRead } from './keys-schema.ts';
import { accessName } from './settings.ts';

type Read = Exclude<NonNullable<AccessRouteRead['access']>, 'none'>;
type Written = Parameters<NonNullable<FeatureKeys<AccessRouteRead, object, AccessFileRead>['review']>>[0];
type Beside = Pick<Written, 'asksForCertificates' | 'isLocal'> & { readonly file: AccessFileRead };

export function reviewAccess(written: Written, findings: Findings): void {
  const { file, routes, asksForCertificates, isLocal } = written;
  const beside: Beside = { asksForCertificates, isLocal, file: file.read };
  const all: readonly (readonly [AccessRouteRead['access'], Path])[] = [
    [file.read.access, [accessName]],
    ...routes.map(({ read, path }) => [read.access, [...path, accessName]] as const),
  ];
  const rules = all.flatMap(([read, at]) => (read === undefined || read === 'none' ? [] : [[read, at] as const]));
  for (const [read, at] of rules) reviewOne(read, at, beside, findings);
  reviewProxy(rules, beside, findings);
  if (file.read.country_file !== undefined && !rules.some(([{ countries }]) => countries !== undefined))
    findings.warnAtKey(['country_file'], 'no rule asks for countries', 'add "countries" to "access", or remove it');
  reviewReplaced(accessName, written, findings);
}

function reviewOne(read: Read, at: Path, { asksForCertificates, file }: Beside, findings: Findings): void {
  const { dry_run: _, ...rules } = read;
  const { countries, user_agents, certificates } = rules;
  if (Object.values(rules).every((rule) => rule === undefined))
    findings.errorAtKey(at, 'no rule says who may ask', 'add "allow: 10.0.0.0/8", or write none');
  reviewNetworks(read, at, findings);
  for (const name of ['countries', 'user_agents', 'certificates'] as const)
    if (rules[name] !== undefined && rules[name].allow === undefined && rules[name].deny === undefined)
      findings.errorAtKey([...at, name], 'it says neither who may ask nor who may not', 'add "allow" or "deny"');
  if (countries !== undefined) {
    if (file.country_file === undefined)
      findings.errorAtKey(
        [...at, 'countries'],
        'no file says which address is of which country',
        'add "country_file: GeoLite2-Country.mmdb" at the top',
      );
    reviewBoth(countries, [...at, 'countries'], findings);
  }
  if (user_agents !== undefined) {
    reviewBoth(user_agents, [...at, 'user_agents'], findings);
    for (const list of ['allow', 'deny'] as const)
      for (const pattern of user_agents[list] ?? [])
        if ((!pattern.includes('*') || /^(?:~|\/.*\/$)/.test(pattern)) && !agentWords.includes(pattern))
          findings.warnAtValue(
            [...at, 'user_agents', list],
            `${quoted(pattern)} is for a User-Agent that is nothing else, without a version`,
            adviceOnPattern(pattern),
          );
  }
  if (certificates === undefined) return;
  if (!asksForCertificates)
    findings.errorAtKey(
      [...at, 'certificates'],
      `no listener asks clients for certificates: ${certificates.allow === undefined ? 'it has no effect' : 'nobody could enter'}`,
      'add "client_certificates: { ca_file: clients.pem }" to "tls" of a listener',
    );
  for (const list of ['allow', 'deny'] as const)
    for (const [index, rule] of (certificates[list] ?? []).entries())
      if (Object.values(rule).every((value) => value === undefined))
        findings.errorAtValue(
          [...at, 'certificates', list, index],
          'the rule is for every certificate',
          'add "subject", "issuer" or "fingerprint"',
        );
}

function adviceOnPattern(pattern: string): string {
  if (/^[~/^]/.test(pattern)) return 'write a pattern such as "*curl/*": regular expressions are not understood here';
  return `write ${quoted(`*${pattern}*`)}${/^\w+$/.test(pattern) ? `, or a group: ${agentWords.join(', ')}` : ''}`;
}

/** What stands in both lists is refused. */
function reviewBoth(
  {
    allow = [],
    deny = [],
  }: { readonly allow?: readonly string[] | undefined; readonly deny?: readonly string[] | undefined },
  at: Path,
  findings: Findings,
): void {
  for (const value of allow)
    if (deny.includes(value))
      findings.warnAtValue([...at, 'allow'], `"deny" has ${quoted(value)} too, and counts`, 'remove it here, or there');
}

/** Of networks that stand in the configuration; those of files are compared within their file. */
function reviewNetworks(read: Read, at: Path, findings: Findings): void {
  const [allow, deny] = [networksIn(read.allow ?? []), networksIn(read.deny ?? [])];
  for (const [name, list] of [
    ['allow', allow],
    ['deny', deny],
  ] as const) {
    for (const { one, within } of insideOthers(list))
      findings.warnAtValue([...at, name], `${one.text} is within ${within.text} of the same list`, 'remove it');
    for (const { text } of list)
      if (text.endsWith('/0'))
        findings.warnAtValue(
          [...at, name],
          `${text} is every address${text.includes(':') ? ' of IPv6' : ' of IPv4'}`,
          name === 'allow' ? 'remove it' : 'write those that may ask into "allow"',
        );
  }
  for (const { one, within } of insideOf(allow, deny))
    findings.warnAtValue([...at, 'allow'], `${one.text} is within ${within.text} of "deny", which counts`, 'remove it');
  if (allow.length === 0 || read.allow_file !== undefined) return;
  for (const one of deny)
    if (!touches(one, allow))
      findings.warnAtValue(
        [...at, 'deny'],
        `${one.text} has no effect: "allow" does not let it in anyhow`,
        'remove it here',
      );
}

function touches(one: WrittenNetwork, others: readonly WrittenNetwork[]): boolean {
  return insideOf([one], others).length > 0 || insideOf(others, [one]).length > 0;
}

/** Rules by address where the address is not the client's. */
function reviewProxy(rules: readonly (readonly [Read, Path])[], { file, isLocal }: Beside, findings: Findings): void {
  const trusted = networksIn(file.trusted_peers ?? []);
  for (const [read, at] of rules) {
    const { allow, deny, allow_file, deny_file, countries } = read;
    const byAddress = [allow, deny, allow_file, deny_file, countries].some((rule) => rule !== undefined);
    if (byAddress && isLocal && trusted.length === 0)
      findings.warnAtKey(
        at,
        'all clients have the address of the proxy on this machine: no listener is reached from elsewhere, and no peer is trusted to name them',
        'add "trusted_peers: [127.0.0.1]"',
      );
    for (const name of ['allow', 'deny'] as const)
      for (const { one } of insideOf(networksIn(read[name] ?? []), trusted))
        findings.warnAtValue(
          [...at, name],
          `${one.text} is in "trusted_peers": requests that come from there are judged by the client that the peer names`,
          name === 'allow' ? 'name the networks of the clients' : 'name the clients, or trust the peer no more',
        );
  }
}

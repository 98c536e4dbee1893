import * as z from 'zod';
import { declare, describe } from '../../schema/default.ts';
import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { parseNetwork } from '../../schema/format/network.ts';
import { name, nameError, oneOrMany, parsed, whole } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys, inForce } from '../feature-keys.ts';
import { bareRateError, parseKeyPart, parseRate, type RateRead } from './keys-format.ts';
import { keyForms, type RateLimitSpec, rateLimitsName, type RateLimitsSpec, ratesMax } from './settings.ts';

const absent = {
  name: describe('what it counts by', 'One limit of a kind needs no other name.'),
  by: declare('address', 'Every client has one.'),
  burst: describe('the requests of `rate`', 'A page asks for much at once, and then for nothing.'),
  cost: declare('1', 'Most requests are alike.'),
  atOnce: describe('any number', 'Only the operator knows how many the application bears of one client.'),
  exempt: declare('[]', 'Only the operator knows who is welcome.'),
  ipv4: declare('32', 'An address is one client, or one office.'),
  ipv6: declare('64', 'A customer has at least so many addresses, and may use all of them.'),
  dryRun: declare('false', 'A limit is written to hold.'),
  announce: declare('false', 'Only programs read it; a refusal says it always.'),
};

const limit = section({
  name: key(name, 'Its name in responses, metrics and the status.', absent.name),
  by: key(
    oneOrMany(parsed(parseKeyPart, { kind: 'what to count by', examples: ['address', 'header.X-Tenant', 'user'] })),
    `What it counts by: ${keyForms.map((form) => `\`${form}\``).join(', ')}, or a list of them for each combination. \`user\` is who has authenticated, also the owner of an API key; \`claim.NAME\` is one of a token. Requests without the header, cookie, user or claim count by their address.`,
    absent.by,
  ),
  rate: key(
    parsed(parseRate, {
      kind: 'rate',
      pattern: String.raw`^\d+/[\dhmsd]+$`,
      examples: ['100/s', '5/m', '1000/1h'],
      bare: bareRateError,
    }),
    'Requests that each of them may send over time; one more is a 429 (`rate_limited`).',
  ),
  burst: key(whole(1, 1_000_000), 'How many may come at once; they are refilled at the rate.', absent.burst),
  cost: key(whole(1, 1_000_000), 'How many requests each one counts for.', absent.cost),
  at_once: key(
    whole(1, 100_000),
    'Requests that each of them may have in flight; one more is a 429 (`too_many_requests_at_once`).',
    absent.atOnce,
  ),
  exempt: key(
    oneOrMany(parsed(parseNetwork, { kind: 'network', examples: ['10.0.0.0/8'] })),
    'Networks whose requests are not counted.',
    absent.exempt,
  ),
  ipv4_prefix: key(whole(8, 32), 'How many bits of an IPv4 address make a client.', absent.ipv4),
  ipv6_prefix: key(whole(16, 128), 'How many bits of an IPv6 address make a client.', absent.ipv6),
  dry_run: key(z.boolean(), 'Whether it counts what it would refuse, and refuses nothing.', absent.dryRun),
  announce: key(
    z.boolean(),
    'Whether all responses say how much is left (`RateLimit`, `RateLimit-Policy`); a refusal says it always.',
    absent.announce,
  ),
});

const rateLimitsKeys = {
  rate_limits: key(
    z.union([z.literal('none'), limit.transform((one) => [one]), z.array(limit).min(1)]),
    'How many requests each client may send, and have in flight: one limit, or a list of which every one holds; or `none`. At the top for all routes, whose requests count together; a route that has its own has those alone. A route for checks (`readiness`) has none of the top.',
  ),
};

type RateLimitsRead = z.output<z.ZodObject<typeof rateLimitsKeys>>;
type LimitRead = z.output<typeof limit>;

export const rateLimits: FeatureKeys = featureKeys<RateLimitsRead, object, RateLimitsRead>({
  name: rateLimitsName,
  routeKeys: rateLimitsKeys,
  fileKeys: rateLimitsKeys,
  forms: {
    rate_limits: { example: '{ by: address, rate: 100/s }', off: 'write none', stands: ['rate'] },
  },
  ofRoute(route, file): RateLimitsSpec | null {
    const read = inForce(rateLimitsName, route, file) ?? [];
    const limits = read.map((one) => specOf(one, route.rate_limits === undefined)).filter((one) => one !== null);
    return limits.length === 0 ? null : { limits };
  },
  review({ file, routes }, findings) {
    const rates = new Set<string>();
    const ofFile = knownBy(file.read);
    const ofAny = [ofFile, ...routes.flatMap(({ read }) => (read.rate_limits === undefined ? [knownBy(read)] : []))];
    const most = (['claims', 'names'] as const).find((known) => ofAny.includes(known)) ?? 'nothing';
    reviewLimits(file.read.rate_limits, ['rate_limits'], { rates, knows: most }, findings);
    for (const { path, read } of routes) {
      const knows = 'authentication' in read && read.authentication !== undefined ? knownBy(read) : ofFile;
      reviewLimits(read.rate_limits, [...path, 'rate_limits'], { rates, knows }, findings);
    }
    if (rates.size > ratesMax)
      findings.errorAtKey(
        ['rate_limits'],
        `the file has ${rates.size} different rates, and ${ratesMax} is the most`,
        'give limits that are nearly the same the same rate and burst',
      );
  },
});

function specOf(read: LimitRead, ofFile: boolean): RateLimitSpec | null {
  const { rate = null, at_once: atOnce = null } = read;
  if (rate === null && atOnce === null) return null;
  const by = byOf(read);
  return {
    ...{ name: nameOf(read), by, rate, atOnce, ofFile },
    burst: burstOf(read, rate),
    cost: read.cost ?? 1,
    exempt: read.exempt ?? [],
    ipv4Prefix: read.ipv4_prefix ?? 32,
    ipv6Prefix: read.ipv6_prefix ?? 64,
    dryRun: read.dry_run ?? false,
    announce: read.announce ?? false,
  };
}

const byOf = ({ by = ['address'] }: LimitRead): readonly string[] => [...new Set(by)];

const nameOf = (read: LimitRead): string =>
  read.name ??
  byOf(read)
    .join('-')
    .replace(/[^\w.-]/g, '-')
    .slice(0, 63);

const burstOf = ({ burst }: LimitRead, rate: RateRead | null): number =>
  burst ?? Math.min(1_000_000, rate?.requests ?? 1);

/** What is known of the users of requests. */
type Known = 'nothing' | 'names' | 'claims';

function knownBy(read: object): Known {
  const { authentication } = read as { readonly authentication?: unknown };
  if (typeof authentication !== 'object' || authentication === null) return 'nothing';
  return ['jwt', 'oidc', 'forward'].some((scheme) => scheme in authentication) ? 'claims' : 'names';
}

interface Limited {
  /** All that the file has. */
  readonly rates: Set<string>;
  readonly knows: Known;
}

function reviewLimits(
  read: RateLimitsRead['rate_limits'],
  path: Path,
  { rates, knows }: Limited,
  findings: Findings,
): void {
  if (read === undefined || read === 'none') return;
  const names = new Set<string>();
  for (const [index, one] of read.entries()) {
    // One limit may stand without a list.
    const at = read.length === 1 ? path : [...path, index];
    reviewLimit(one, at, findings);
    const part = byOf(one).find((by) =>
      by === 'user' ? knows === 'nothing' : by.startsWith('claim.') && knows !== 'claims',
    );
    if (part !== undefined)
      findings.warnAtKey(
        [...at, 'by'],
        knows === 'nothing'
          ? `nothing says who the user is: ${quoted(part)} counts addresses`
          : `users of passwords and keys have no claims: ${quoted(part)} counts addresses`,
        knows === 'nothing' ? 'add "authentication", or write by: address' : 'write by: user',
      );
    if (one.exempt?.some((network) => network.endsWith('/0')) === true)
      findings.warnAtKey([...at, 'exempt'], 'it names every address', 'name the networks that are not to be counted');
    if (one.rate !== undefined) rates.add(`${one.rate.requests} ${one.rate.periodMs} ${burstOf(one, one.rate)}`);
    const itsName = nameOf(one);
    if (names.has(itsName))
      findings.errorAtKey(at, `two limits have the name ${quoted(itsName)}`, 'give one of them another "name"');
    names.add(itsName);
  }
}

function reviewLimit(one: LimitRead, at: Path, findings: Findings): void {
  const { rate, at_once, cost = 1, by } = one;
  const error = one.name === undefined ? null : nameError(one.name);
  if (error !== null) findings.errorAtValue([...at, 'name'], error.message, error.suggestion);
  if (rate === undefined && at_once === undefined)
    findings.errorAtKey(at, 'the limit limits nothing', 'give it a "rate" such as 100/s, or "at_once" such as 10');
  if (rate === undefined)
    for (const word of ['burst', 'cost'] as const)
      if (one[word] !== undefined)
        findings.warnAtKey([...at, word], 'it has no effect without "rate"', 'remove it, or add a rate');
  if (rate !== undefined && cost > burstOf(one, rate))
    findings.errorAtKey(
      [...at, 'cost'],
      `a request that counts for ${cost} is never admitted: at most ${burstOf(one, rate)} may come at once`,
      `write burst: ${cost} or more`,
    );
  const byAddress = by === undefined || by.some((part) => part !== 'route');
  if (!byAddress)
    for (const word of ['ipv4_prefix', 'ipv6_prefix'] as const)
      if (one[word] !== undefined)
        findings.warnAtKey([...at, word], 'it has no effect: the limit does not count by addresses', 'remove it');
}

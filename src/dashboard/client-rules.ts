import type { StatusJson } from './model.ts';
import { countFigure } from './shown-figures.ts';

/** What a rule of a route has done for which clients may enter, and how often. */
export interface ClientRule {
  readonly route: string;
  readonly rule: string;
  /** Null: it does not count them. */
  readonly admitted: number | null;
  readonly refused: number;
  /** Those refused most: by limits the keys of the last two minutes, by others what was wrong. */
  readonly most: string;
  /** A limit that has refused something in the last two minutes. */
  readonly isRefusing: boolean;
}

type Rules = Pick<StatusJson, 'access' | 'signed_links' | 'authentication' | 'rate_limits'>;

/** In the order in which requests meet them. */
export function clientRules({ access, signed_links: links, authentication, rate_limits: limits }: Rules): ClientRule[] {
  return [
    ...access.map(({ route, dry_run: isDry, refused }) =>
      ruleOf(
        route,
        `access${dry(isDry)}`,
        null,
        refused.map((one) => [one.rule, one.count]),
      ),
    ),
    ...limits.map(
      ({ id, name, by, rate, at_once: atOnce, dry_run: isDry, top_keys: keys, would_refuse: would, ...counts }) => ({
        route: id,
        rule: `${[name, rate, ...(atOnce === null ? [] : [`${atOnce} at once`])].join(' ')} by ${by}${dry(isDry)}`,
        admitted: counts.admitted,
        refused: isDry ? would : counts.refused,
        most: listOf(keys.map(({ key, count }) => [key, count])),
        isRefusing: keys.length > 0,
      }),
    ),
    ...authentication.map(({ route, schemes, admitted, refused }) =>
      ruleOf(
        route,
        schemes.join(' or '),
        admitted,
        refused.map(({ scheme, fault, count }) => [`${scheme} ${fault}`, count]),
      ),
    ),
    ...links.map(({ route, admitted, refused }) =>
      ruleOf(
        route,
        'signed links',
        admitted,
        refused.map(({ fault, count }) => [fault, count]),
      ),
    ),
  ];
}

type Counted = readonly (readonly [what: string, count: number])[];

const dry = (isDry: boolean): string => (isDry ? ', dry run' : '');

const listOf = (counted: Counted): string =>
  counted.map(([what, count]) => `${what} (${countFigure(count)})`).join(', ');

function ruleOf(route: string, rule: string, admitted: number | null, counted: Counted): ClientRule {
  const refused = counted.reduce((sum, [, count]) => sum + count, 0);
  return { route, rule, admitted, refused, most: listOf(counted), isRefusing: false };
}

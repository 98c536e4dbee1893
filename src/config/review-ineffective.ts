/** Settings that are understood and have no effect, because of another one beside them. */
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { ms } from '../schema/fallback.ts';
import { defaults } from './defaults.ts';
import { isLonger, longer, type EffectRule, sectionOf, warnWhere } from '../schema/rules.ts';
import type { EndpointKeysRead } from './application-schema.ts';

/** Of an upstream or an application. */
const endpointRules: readonly EffectRule<EndpointKeysRead>[] = [
  {
    key: ['circuit_breaker'],
    holds: ({ circuit_breaker, outlier_detection }) =>
      circuit_breaker !== undefined && circuit_breaker !== false && outlier_detection === 'none',
    warning: 'with "outlier_detection: none" nothing opens the breaker',
    suggestion: 'remove "outlier_detection"',
  },
  {
    key: ['circuit_breaker', 'open'],
    holds: ({ circuit_breaker: read }) => isLonger(sectionOf(read).open, sectionOf(read).open_max),
    warning: 'it is never open for so long: "open_max" is shorter',
    suggestion: longer('open_max'),
  },
  {
    key: ['outlier_detection', 'ejection'],
    holds: ({ outlier_detection: read }) =>
      isLonger(sectionOf(read).ejection, ms(sectionOf(read).ejection_max, defaults.outlierDetection.ejectionMax)),
    warning: `no endpoint is ejected for so long: "ejection_max" is shorter (${defaults.outlierDetection.ejectionMax.written} without one)`,
    suggestion: longer('ejection_max'),
  },
  {
    key: ['outlier_detection', 'failures_max'],
    holds: ({ outlier_detection: read }) => sectionOf(read).failures_max === 1,
    warning: 'no share of failures is larger than 100%: only failures in a row make an endpoint an outlier',
    suggestion: 'make it smaller, such as 90%',
  },
];

export function reviewIneffective(draft: Draft, collector: ErrorCollector): void {
  for (const [name, read] of draft.upstreams)
    if ('endpoints' in read) warnWhere(endpointRules, read, ['upstreams', name], collector);
  for (const [name, read] of draft.applications) warnWhere(endpointRules, read, ['applications', name], collector);
}

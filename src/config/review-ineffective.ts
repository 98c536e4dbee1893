/** Settings that are understood and have no effect, because of another one beside them. */
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { isLonger, longer, type EffectRule, sectionOf, warnWhere } from '../schema/rules.ts';
import type { EndpointKeysRead } from './application-schema.ts';

/** Of an upstream or an application. */
const endpointRules: readonly EffectRule<EndpointKeysRead>[] = [
  {
    key: ['circuit_breaker', 'open'],
    holds: ({ circuit_breaker: read }) => isLonger(sectionOf(read).open, sectionOf(read).open_max),
    warning: 'it is never open for so long: "open_max" is shorter',
    suggestion: longer('open_max'),
  },
];

export function reviewIneffective(draft: Draft, collector: ErrorCollector): void {
  for (const [name, read] of draft.upstreams)
    if ('endpoints' in read) warnWhere(endpointRules, read, ['upstreams', name], collector);
  for (const [name, read] of draft.applications) warnWhere(endpointRules, read, ['applications', name], collector);
}

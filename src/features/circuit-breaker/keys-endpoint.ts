/** What may be written about the circuit breakers of endpoints. Outlier detection in the main thread opens them (`discovery/endpoints.ts`). */
import * as z from 'zod';
import { declare, describe } from '../../schema/default.ts';
import { ms } from '../../schema/fallback.ts';
import { duration, whole } from '../../schema/leaves.ts';
import { isLonger, longer, type EffectRule, sectionOf, warnWhere } from '../../schema/rules.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { endpointBreakerName, type EndpointBreakerSpec } from './settings.ts';

const absent = {
  breaker: declare('false', 'An endpoint that serves some requests is better than a 503 for all of them.'),
  open: declare('500ms', 'Requests that wait for a timeout pile up; half a second lets them end.'),
  openMax: describe(
    '2s while the checks of the endpoint pass, 30s without checks',
    'A check that passes says that the next try may succeed.',
  ),
  probes: declare('1', 'One request shows whether the application answers; the next ones wait for what it shows.'),
};

/** Of an upstream or an application. */
const upstreamKeys = {
  circuit_breaker: key(
    z.union([
      z.boolean(),
      section({
        open: key(duration, 'How long it is open; each further time is twice as long.', absent.open),
        open_max: key(duration, 'The longest time; as long as `open` if that is longer.', absent.openMax),
        probes: key(
          whole(1, 1000),
          'How many requests at a time an endpoint gets while its breaker is half-open, over all workers. Three answers close it.',
          absent.probes,
        ),
      }),
    ]),
    'Whether an endpoint whose requests fail gets none for a short time even if it is the last one, or too many others are ejected: the answer is then a 503 (`circuit_open`) at once. `true`, or keys that say for how long.',
    absent.breaker,
  ),
};

/** Outlier detection stands beside it. */
type UpstreamRead = z.output<z.ZodObject<typeof upstreamKeys>> & { readonly outlier_detection?: object | 'none' };

const rules: readonly EffectRule<UpstreamRead>[] = [
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
    warning: '"open_max" has no effect: it is shorter',
    suggestion: longer('open_max'),
  },
];

export const endpointBreaker: FeatureKeys = featureKeys<object, UpstreamRead>({
  name: endpointBreakerName,
  upstreamKeys,
  forms: {
    circuit_breaker: { example: '{ open: 1s }', off: 'write false', on: 'write true', stands: ['open'] },
  },
  ofUpstream({ circuit_breaker: read }): EndpointBreakerSpec | null {
    if (read === undefined || read === false) return null;
    const { open, open_max, probes } = read === true ? {} : read;
    return {
      openMs: ms(open, absent.open),
      openMaxMs: open_max ?? null,
      ...(probes === undefined ? {} : { probesMax: probes }),
    };
  },
  review({ upstreams }, findings) {
    for (const { path, read } of upstreams) warnWhere(rules, read, path, findings);
  },
});

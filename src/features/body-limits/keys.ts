import type * as z from 'zod';
import type { BodyLimits } from '../../core/body-limit.ts';
import { describe } from '../../schema/default.ts';
import { sizeOrNone } from '../../schema/leaves.ts';
import { key } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { bodyLimitsName } from './settings.ts';

/** Of a route. */
const bodyLimitsKeys = {
  body_max: key(
    sizeOrNone,
    'The largest request body of this route (413), larger or smaller than `client.body_max`; or `none`.',
    describe('`client.body_max`', 'Most routes take the same.'),
  ),
  response_body_max: key(
    sizeOrNone,
    'The largest response body of endpoints (`response_body_too_large`): one that announces more is answered with 502, one that grows beyond it is truncated. Or `none`.',
    describe('none', 'Bodies are streamed and never kept; only the operator knows how large one may be.'),
  ),
};

type RouteRead = z.output<z.ZodObject<typeof bodyLimitsKeys>>;

export const bodyLimits: FeatureKeys = featureKeys<RouteRead, object>({
  name: bodyLimitsName,
  routeKeys: bodyLimitsKeys,
  forms: {
    body_max: { example: '100MiB', off: 'write none' },
    response_body_max: { example: '1GiB', off: 'write none' },
  },
  ofRoute({ body_max: request, response_body_max: response = null }): BodyLimits | null {
    if (request === undefined && response === null) return null;
    return { ...(request === undefined ? {} : { requestBytesMax: request }), responseBytesMax: response };
  },
  review({ routes }, findings) {
    for (const { path, read, to } of routes)
      if (to === null && typeof read.response_body_max === 'number')
        findings.warnAtKey(
          [...path, 'response_body_max'],
          'it has no effect: this route answers by itself, and no endpoint sends a body',
          'remove it',
        );
  },
});

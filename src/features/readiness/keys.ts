import * as z from 'zod';
import { key } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { readinessName } from './settings.ts';

const readinessKeys = {
  readiness: key(
    z.boolean(),
    'Answers by itself whether the gateway takes requests: 200, or 503 once it drains. For load balancers before it.',
  ),
};

export const readiness: FeatureKeys = featureKeys<z.output<z.ZodObject<typeof readinessKeys>>, object>({
  name: readinessName,
  isAction: true,
  answersChecks: true,
  routeKeys: readinessKeys,
  forms: {
    readiness: {
      example: 'true',
      off: 'write false',
      on: 'write true',
      otherwise: 'write "readiness: true", and "path" for where it is asked, such as "path: /healthz"',
    },
  },
  ofRoute: ({ readiness: read }) => (read === true ? {} : null),
});

import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { ms } from '../../schema/fallback.ts';
import { durationOfHeader, message, messageAlone } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { reviewPlainText } from '../text-keys.ts';
import { maintenanceDefaults, maintenanceName, type MaintenanceSpec } from './settings.ts';

const absent = {
  message: declare(maintenanceDefaults.message, 'Says what a visitor wants to know.'),
  retryAfter: declare(
    `${maintenanceDefaults.retryAfterS / 60}m`,
    'Soon enough for people, seldom enough for machines.',
  ),
};

const maintenanceKeys = {
  maintenance: key(
    z.union([
      z.boolean(),
      message,
      section({
        message: key(messageAlone, 'What visitors read.', absent.message),
        retry_after: key(durationOfHeader, 'When to come back, for machines.', absent.retryAfter),
      }),
    ]),
    'Answers 503 with a page that says so: `true`, a message, or both parts. `false` is as if the key were not there.',
  ),
};

export const maintenance: FeatureKeys = featureKeys<z.output<z.ZodObject<typeof maintenanceKeys>>, object>({
  name: maintenanceName,
  isAction: true,
  routeKeys: maintenanceKeys,
  forms: { maintenance: { example: '{ message: Back at noon. }', stands: ['retry_after'] } },
  ofRoute({ maintenance: read }): MaintenanceSpec | null {
    if (read === undefined || read === false) return null;
    const said = typeof read === 'string' ? { message: read } : read === true ? {} : read;
    const retryAfter = ms('retry_after' in said ? said.retry_after : undefined, absent.retryAfter);
    return { message: said.message ?? maintenanceDefaults.message, retryAfterS: Math.ceil(retryAfter / 1000) };
  },
  review({ routes }, findings) {
    for (const { path, read } of routes) {
      if (typeof read.maintenance === 'string') reviewPlainText(read.maintenance, [...path, 'maintenance'], findings);
      else if (typeof read.maintenance === 'object' && 'message' in read.maintenance)
        reviewPlainText(read.maintenance.message ?? '', [...path, 'maintenance', 'message'], findings);
    }
  },
});

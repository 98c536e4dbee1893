import { featureWords, settingsOf } from '../feature-words.ts';
import {
  type RateLimitSpec,
  rateLimitsName,
  type RateLimitsSpec,
  type RateLimitsStatus,
  type RateLimitView,
} from './settings.ts';

export const rateLimitsWords = featureWords<RateLimitsStatus>({
  settings: settingsOf(rateLimitsName, (spec: RateLimitsSpec) => ({
    limits: Object.fromEntries(spec.limits.map((one) => [`limit ${one.name}`, limitText(one)])),
  })),
  status: {
    title: 'LIMITS',
    rows: ({ rateLimits, rateTable }) => [
      ...rateLimits.map((one) => ({
        tone: one.refused + one.wouldRefuse > 0 && one.topKeys.length > 0 ? ('warn' as const) : ('good' as const),
        cells: [`${one.kind} ${one.id}`, `${one.name} ${boundsText(one)}`, countsText(one)],
        note: one.dryRun ? 'dry run' : '',
        reason: one.topKeys.length === 0 ? '' : `Most refusals in the last two minutes: ${keysText(one)}.`,
      })),
      ...(rateTable === null || rateTable.evicted + rateTable.untracked === 0
        ? []
        : [
            {
              tone: 'warn' as const,
              cells: [
                `The memory for limits is full: ${rateTable.evicted} keys made room for others, and ${rateTable.untracked} requests found none.`,
              ],
            },
          ]),
    ],
  },
});

function limitText({ by, rate, burst, atOnce, cost, dryRun, exempt }: RateLimitSpec): string {
  return [
    `by ${by.join(' and ')}`,
    ...(rate === null ? [] : [rate.written, `${burst} at a time`]),
    ...(atOnce === null ? [] : [`${atOnce} in flight`]),
    ...(cost === 1 ? [] : [`each counts for ${cost}`]),
    ...(exempt.length === 0 ? [] : [`not ${exempt.join(' ')}`]),
    ...(dryRun ? ['dry run'] : []),
  ].join(', ');
}

function boundsText({ rate, atOnce }: RateLimitView): string {
  return [...(rate === null ? [] : [rate]), ...(atOnce === null ? [] : [`${atOnce} at once`])].join(', ');
}

function countsText({ dryRun, refused, wouldRefuse, admitted }: RateLimitView): string {
  const all = admitted + refused;
  return dryRun ? `would refuse ${wouldRefuse} of ${all}` : `${refused} of ${all} refused`;
}

const keysText = ({ topKeys }: RateLimitView): string =>
  topKeys.map(({ key, count }) => `${key} (${count})`).join(', ');

/** What may be written about the prices of what applications use. */
import * as z from 'zod';
import { declare, describe } from '../../schema/default.ts';
import { decimal, parsed } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { succeed } from '#failures/result.ts';
import { quoted, reject } from '../../schema/error-detail.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { pricesName, type PricesSpec, sharings } from './settings.ts';

const currency = parsed(
  (written: string) =>
    /^[A-Z]{3}$/.test(written)
      ? succeed(written)
      : reject(`${quoted(written)} is no currency`, 'write its three letters, such as EUR or USD'),
  { kind: 'currency', pattern: '^[A-Z]{3}$', examples: ['EUR', 'USD'] },
);

const price = decimal(0, 1e9);
const free = describe('none', 'Only your bill knows; without a price the quantity is shown alone.');

const absent = {
  prices: describe('none', '`candor cost` shows what was used, without a price.'),
  sharedBy: declare('cpu_and_memory', 'A machine is full when either of them is used up.'),
};

const prices = section({
  currency: currency.meta({ description: 'The currency of all prices: three letters (ISO 4217).' }),
  cpu_hour: key(price, 'Of an hour of CPU time: one core that is busy for an hour.', free),
  memory_gb_hour: key(price, 'Of a gigabyte (10^9 bytes) of memory that is held for an hour.', free),
  storage_gb_month: key(price, 'Of a gigabyte on the disk for a month.', free),
  bandwidth_out_gb: key(price, 'Of a gigabyte that is sent to clients.', free),
  million_requests: key(price, 'Of a million requests.', free),
  request_hour: key(
    price,
    'Of an hour that requests took, added up: of functions, the price of a GB-hour times the memory of the function.',
    free,
  ),
  month: key(price, 'What the machine costs a month, whatever is used. It is divided among its applications.', free),
  month_shared_by: key(
    z.enum(sharings),
    'By what `month` is divided: CPU time, memory times its duration, the mean of the two shares, or requests.',
    absent.sharedBy,
  ),
});

const topKeys = {
  prices: key(prices, 'What the things that applications use cost, for `candor cost`.', absent.prices),
};

type FileRead = z.output<z.ZodObject<typeof topKeys>>;

export const pricesKeys: FeatureKeys = featureKeys<object, object, FileRead>({
  name: pricesName,
  topKeys,
  forms: { prices: { example: '{ currency: EUR, month: 6.49 }', off: 'remove the key' } },
  ofFile({ prices: read }): PricesSpec | null {
    if (read === undefined) return null;
    const { month, month_shared_by: sharedBy = 'cpu_and_memory' } = read;
    const units = {
      cpuHour: read.cpu_hour,
      memoryGbHour: read.memory_gb_hour,
      storageGbMonth: read.storage_gb_month,
      bandwidthOutGb: read.bandwidth_out_gb,
      millionRequests: read.million_requests,
      requestHour: read.request_hour,
    };
    return {
      currency: read.currency,
      units: Object.fromEntries(Object.entries(units).filter(([, one]) => one !== undefined)),
      month: month === undefined ? null : { price: month, sharedBy },
    };
  },
  review({ file: { read }, applications, hasAllApplications }, findings) {
    const { prices: given } = read;
    if (given === undefined) return;
    if (Object.keys(given).every((name) => name === 'currency' || name === 'month_shared_by'))
      return findings.errorAtKey(['prices'], '"prices" names no price', 'add one, such as "cpu_hour" or "month"');
    if (given.month_shared_by !== undefined && given.month === undefined)
      findings.warnAtKey(
        ['prices', 'month_shared_by'],
        '"month_shared_by" has no effect without "month"',
        'add "month", or remove it',
      );
    if (applications.length === 0 && hasAllApplications)
      findings.warnAtKey(
        ['prices'],
        '"prices" has no effect: the file has no application',
        'add "applications", or remove it',
      );
  },
});

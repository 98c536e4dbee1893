import type * as z from 'zod';
import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { declare, describe } from '../../schema/default.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import { parseBytes } from '../../schema/format/bytes.ts';
import { parsed, size } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { bandwidthName, type BandwidthSpec } from './settings.ts';

const absent = {
  response: describe('none', 'A response is sent as fast as its client takes it.'),
  route: describe('none', 'Only the operator knows what the line bears.'),
  after: declare('0B', 'A download is slow from its beginning.'),
};

const slowest = 1024;
const fastest = 10 * 2 ** 30;

/** `1MiB/s` */
function parseSpeed(text: string): Result<number, ErrorDetail> {
  const [, amount = '', unit] = /^(.+?)\s*(\/s|ps)?$/.exec(text) ?? [];
  const bytes = parseBytes(amount);
  if (!bytes.ok) return reject(`${quoted(text)} is not a speed`, suggestion(text, amount));
  if (unit !== '/s') return reject(`${quoted(text)} has no time`, `write ${amount}/s`);
  if (bytes.value < slowest || bytes.value > fastest)
    return reject(`${quoted(text)} is not between 1KiB/s and 10GiB/s`, bytes.value > fastest ? 'remove the key' : null);
  return succeed(bytes.value);
}

/** `2MB/s` is written `2MiB/s`, and `10Mbit/s` in bytes. */
function suggestion(text: string, amount: string): string {
  const [, count, unit = ''] = /^(\d+)\s*([kmg])bit(?:\/s|ps)?$/i.exec(text) ?? [];
  const bits = Number(count) * 1000 ** (1 + 'kmg'.indexOf(unit.toLowerCase()));
  const size = count === undefined ? amount.replace(/^([\d.]+\s*[kmgt]?)$/i, '$1B') : `${Math.ceil(bits / 8192)}KiB`;
  const read = parseBytes(size);
  const meant = read.ok ? size : /^write (\d+\w+)$/.exec(read.failure.suggestion ?? '')?.[1];
  return meant === undefined ? 'write a size and a time, such as 512KiB/s or 10MiB/s' : `write ${meant}/s`;
}

const speed = parsed(parseSpeed, {
  kind: 'speed',
  examples: ['512KiB/s', '10MiB/s'],
  bare: (value) => ({ message: `${value} has no unit`, suggestion: 'write a size and a time, such as 512KiB/s' }),
});

const bandwidthKeys = {
  bandwidth: key(
    section({
      response: key(speed, 'How fast the body of one response is sent.', absent.response),
      route: key(speed, 'How fast those of all responses together are sent, by all workers.', absent.route),
      after: key(size, 'How much of each response is sent before `response` holds.', absent.after),
    }),
    'How fast bodies of responses are sent to clients. It delays, and refuses nothing. Tunnels are not delayed.',
  ),
};

type RouteRead = z.output<z.ZodObject<typeof bandwidthKeys>>;

export const bandwidth: FeatureKeys = featureKeys<RouteRead, object>({
  name: bandwidthName,
  routeKeys: bandwidthKeys,
  forms: { bandwidth: { example: '{ response: 1MiB/s }', off: 'remove the key', stands: ['response'] } },
  ofRoute({ bandwidth: read }): BandwidthSpec | null {
    const { response = null, route = null, after = 0 } = read ?? {};
    return response === null && route === null
      ? null
      : { responseBytesPerS: response, routeBytesPerS: route, freeBytes: after };
  },
  review({ routes }, findings) {
    for (const { path, read } of routes) {
      if (read.bandwidth === undefined) continue;
      const { response, route, after } = read.bandwidth;
      const at = [...path, 'bandwidth'];
      if (response === undefined && route === undefined)
        findings.errorAtKey(at, 'it limits nothing', 'give it a "response" or a "route", such as 1MiB/s');
      else if (response === undefined && after !== undefined)
        findings.warnAtKey([...at, 'after'], 'it has no effect without "response"', 'remove it');
      if (response !== undefined && route !== undefined && response >= route)
        findings.warnAtKey([...at, 'response'], 'it has no effect: "route" is no faster', 'remove it, or write less');
    }
  },
});

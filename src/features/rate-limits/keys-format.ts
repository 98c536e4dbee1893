import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { type ErrorDetail, orList, quoted, reject } from '../../schema/error-detail.ts';
import { parseDuration } from '../../schema/format/duration.ts';
import { isToken } from '../../schema/format/field.ts';
import { keyForms } from './settings.ts';

export interface RateRead {
  readonly requests: number;
  readonly periodMs: number;
  readonly written: string;
}

const requestsMax = 1_000_000_000;
const perSecondMax = 1_000_000;
const periods: Readonly<Record<string, string>> = { second: 's', minute: 'm', hour: 'h', day: 'd' };

/** `100/s`, `5/m`, `1000/10m`. */
export function parseRate(text: string): Result<RateRead, ErrorDetail> {
  const [, count = '', period = ''] = /^(\d+)\/([\dhmsd]+)$/.exec(text) ?? [];
  if (count === '') return reject(`${quoted(text)} is not a rate`, suggestion(text));
  const requests = Number(count);
  if (requests === 0)
    return reject('a rate of 0 would refuse everything', 'write "access" or "respond" for a route that is closed');
  const read = parseDuration(/^\d/.test(period) ? period : `1${period}`);
  if (!read.ok) return reject(`${quoted(period)} is not a time`, `write it such as ${requests}/m or ${requests}/10m`);
  const perSecond = (requests * 1000) / read.value;
  if (requests > requestsMax || perSecond > perSecondMax)
    return reject(
      `${quoted(text)} is more than a million requests in a second`,
      'remove the limit: no client sends so many',
    );
  return succeed({ requests, periodMs: read.value, written: text });
}

/** What others write: `5r/m`, `5 per minute`, `10 req/s`, `0.5/s`. */
function suggestion(text: string): string {
  const [, decimal, per = ''] = /^(\d*\.\d{1,3})\/([smhd])$/.exec(text) ?? [];
  for (let times = 2; decimal !== undefined && times <= 100; times++) {
    const whole = Number((Number(decimal) * times).toFixed(6));
    if (Number.isInteger(whole) && whole > 0) return `write ${whole}/${times}${per}`;
  }
  const [, count, unit = ''] = /^\s*(\d+)\s*(?:r|req|requests?)?\s*(?:\/|per|a)\s*([a-z]+?)s?\s*$/i.exec(text) ?? [];
  const letter = periods[unit.toLowerCase()] ?? (/^(?:s|m|h|d)$/i.test(unit) ? unit.toLowerCase() : null);
  const short: Readonly<Record<string, string>> = { sec: 's', min: 'm', hr: 'h' };
  const found = letter ?? short[unit.toLowerCase()];
  return count !== undefined && found !== undefined
    ? `write ${count}/${found}`
    : 'write requests and a time, such as 100/s, 5/m or 1000/1h';
}

export function bareRateError(value: number): ErrorDetail {
  return {
    message: `${value} has no time`,
    suggestion: `write ${Math.max(1, Math.round(value))}/s for so many in each second`,
  };
}

/** What a limit counts by. */
export function parseKeyPart(text: string): Result<string, ErrorDetail> {
  if (keyForms.some((form) => form === text && !form.endsWith('.NAME'))) return succeed(text);
  const [kind, name] = [text.slice(0, text.indexOf('.')), text.slice(text.indexOf('.') + 1)];
  if (kind === 'header' && isToken(name)) return succeed(`header.${name.toLowerCase()}`);
  if (kind === 'cookie' && isToken(name)) return succeed(text);
  if (kind === 'claim' && /^[\w.:/-]{1,128}$/.test(name)) return succeed(text);
  if (/^(?:ip|client|client_ip|remote_addr|source_ip)$/i.test(text))
    return reject(`${quoted(text)} is nothing to count by`, 'write address');
  if (/^(?:api_?key|key|name)$/i.test(text))
    return reject(
      `${quoted(text)} is nothing to count by`,
      'write user: it is the owner of the key that the route asks for',
    );
  return reject(`${quoted(text)} is nothing to count by`, `write ${orList(keyForms)}`);
}

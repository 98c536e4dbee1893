import { succeed, type Result } from '#failures/result.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import { isSwitchWord } from '../../schema/format/switch-word.ts';
import { agentWords } from './agent-groups.ts';

/** Made with the first country: it reads all locales of the machine, a tenth of the time in which a configuration is read. */
let names: Intl.DisplayNames | undefined;

/** Codes that people write, and files of countries do not have. */
const others: Readonly<Record<string, string>> = { UK: 'GB', EL: 'GR' };

/** ISO 3166-1 alpha-2, in capitals. */
export function parseCountry(written: string): Result<string, ErrorDetail> {
  const code = written.toUpperCase();
  const other = others[code];
  if (other !== undefined)
    return reject(`the code of this country is ${other}, not ${quoted(written)}`, `write ${other}`);
  names ??= new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  if (!/^[A-Z]{2}$/.test(code) || names.of(code) === undefined)
    return reject(`${quoted(written)} is no code of a country`, 'write two letters of ISO 3166-1, such as DE');
  return succeed(code);
}

const patternMax = 200;

export function parseAgent(written: string): Result<string, ErrorDetail> {
  if (isSwitchWord(written)) return reject(`${quoted(written)} is no User-Agent`, 'write a pattern such as "*BadBot*"');
  if (written.trim() === '')
    return reject('an empty User-Agent is written with a word', 'write missing for requests without one');
  if (written.length > patternMax)
    return reject(`the pattern has ${written.length} characters, and ${patternMax} is the most`, 'name a part of it');
  if (/^[a-z]+_[a-z_]+$/.test(written) && !agentWords.includes(written))
    return reject(`${quoted(written)} is no group of programs`, `groups are ${agentWords.join(', ')}`);
  return succeed(written);
}

/** SHA-256 in hexadecimal digits, with or without colons. */
export function parseFingerprint(written: string): Result<string, ErrorDetail> {
  const digits = written
    .replace(/^sha256[:=]/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return succeed(digits);
  const isSha1 = /^[0-9a-f]{40}$/.test(digits);
  return reject(
    isSha1
      ? 'this is a fingerprint by SHA-1, and SHA-256 is needed'
      : `${quoted(written)} is no fingerprint by SHA-256`,
    'openssl x509 -in client.pem -noout -fingerprint -sha256',
  );
}

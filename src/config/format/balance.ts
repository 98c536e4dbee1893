import type { BalanceSpec, HashKey } from '../../core/configuration.ts';
import type { Result } from '../../core/result.ts';
import { succeed } from '../../core/result.ts';
import type { ErrorDetail } from '../error-detail.ts';
import { quoted, reject } from '../error-detail.ts';
import { plainKey } from '../plain-key.ts';

/** Null: two choices, the default. */
export type WrittenBalance = BalanceSpec | null;

export const balanceWords = ['two_choices', 'round_robin', 'peak_ewma'] as const;

/** Without an example of a cookie: what follows `cookie:` is hidden in messages. */
const named = '{ hash: address } or { hash: path }, or name the header or cookie whose value is hashed';

/** What other gateways call them, lowercase without hyphens and underscores. */
const foreignBalances: Readonly<Record<string, string>> = {
  leastconn: 'two_choices',
  leastconnections: 'two_choices',
  leastrequest: 'two_choices',
  leastload: 'two_choices',
  p2c: 'two_choices',
  random: 'two_choices',
  randomchoose: 'two_choices',
  default: 'two_choices',
  rr: 'round_robin',
  wrr: 'round_robin',
  weightedroundrobin: 'round_robin',
  staticrr: 'round_robin',
  leasttime: 'peak_ewma',
  leastlatency: 'peak_ewma',
  ewma: 'peak_ewma',
  latency: 'peak_ewma',
  iphash: '{ hash: address }',
  clientiphash: '{ hash: address }',
  source: '{ hash: address }',
  sourceip: '{ hash: address }',
  uri: '{ hash: path }',
  urihash: '{ hash: path }',
  url: '{ hash: path }',
  hash: named,
  ringhash: named,
  maglev: named,
  sticky: named,
  cookie: named,
  header: named,
};

/** A way to balance, in a word. */
export function parseBalanceWord(text: string): Result<WrittenBalance, ErrorDetail> {
  if (text === 'two_choices') return succeed(null);
  if (text === 'round_robin' || text === 'peak_ewma') return succeed({ kind: text });
  const plain = plainKey(text);
  const meant = balanceWords.find((word) => plainKey(word) === plain) ?? foreignBalances[plain];
  return reject(
    `${quoted(text)} is no way to balance`,
    meant === undefined ? 'write two_choices, round_robin, peak_ewma, or { hash: … }' : `write ${meant}`,
  );
}

/** What is hashed, in a word. */
export function parseHashWord(text: string): Result<HashKey, ErrorDetail> {
  if (text === 'address' || text === 'path') return succeed({ kind: text });
  const plain = plainKey(text);
  if (/^(?:ip|client|clientip|source|sourceip|remoteaddr|clientaddress|remoteip)$/.test(plain))
    return reject(`${quoted(text)} is nothing that can be hashed`, 'write address');
  if (/^(?:uri|url|requesturi)$/.test(plain))
    return reject(`${quoted(text)} is nothing that can be hashed`, 'write path');
  return reject(
    `${quoted(text)} is nothing that can be hashed`,
    'write address or path, or a map that has the name of a "header" or of a "cookie"',
  );
}

import type { BalanceSpec, HashKey } from '../../core/upstream-spec.ts';
import { balanceChoices, balancerWords, defaultBalancer, namedBalancers } from '../../core/named-balancers.ts';
import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { quoted, reject } from '../../schema/error-detail.ts';
import { plainKey } from '../../core/plain-key.ts';

/** Null: two choices, the default. */
export type WrittenBalance = BalanceSpec | null;

/** Without an example of a cookie: what follows `cookie:` is hidden in messages. */
const named = '{ hash: address } or { hash: path }, or name the header or cookie whose value is hashed';

/** What other gateways call what is hashed, lowercase without hyphens and underscores. */
const foreignHashes: Readonly<Record<string, string>> = {
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
  cookie: named,
  header: named,
  sticky: 'two_choices, and "sticky: true" beside "balance"',
};

/** A way to balance, in a word. */
export function parseBalanceWord(text: string): Result<WrittenBalance, ErrorDetail> {
  const word = balancerWords.find((one) => one === text);
  if (word !== undefined) return succeed(word === defaultBalancer ? null : { kind: word });
  const meant = meantBalance(plainKey(text));
  return reject(`${quoted(text)} is no way to balance`, `write ${meant ?? balanceChoices}`);
}

function meantBalance(plain: string): string | undefined {
  const word = balancerWords.find((one) => {
    return plainKey(one) === plain || namedBalancers[one].elsewhere.split(' ').includes(plain);
  });
  return word ?? foreignHashes[plain];
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

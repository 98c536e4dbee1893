/** What may be written about endpoints and how one is picked for each request. */
import * as z from 'zod';
import type { HashKey } from '../core/upstream-spec.ts';
import { balancerWords } from '../core/named-balancers.ts';
import { weightMax } from '../core/overlay.ts';
import { defaults } from './defaults.ts';
import type { WrittenEndpoint } from './format/address.ts';
import { barePortError, parseEndpoint } from './format/address.ts';
import { parseBalanceWord, parseHashWord, type WrittenBalance } from './format/balance.ts';
import { parseHeaderName } from '../schema/format/field.ts';
import { durationOrNone, encodeDetail, parsed, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';

/** An endpoint as it was written, with its place among the others. */
export interface ReadEndpoint extends WrittenEndpoint {
  readonly weight?: number | undefined;
  readonly priority?: number | undefined;
}

const priorityMax = 100;

const endpointAddress = parsed<ReadEndpoint>(parseEndpoint, {
  kind: 'address',
  bare: barePortError,
  examples: ['127.0.0.1:3000', 'unix:/run/app.sock', 'https://app.internal'],
});

const endpoint = z.union([
  endpointAddress,
  section({
    address: endpointAddress.meta({
      description: 'Where it listens: `host:port`, `unix:/path`, `https://host`.',
    }),
    weight: key(
      whole(0, weightMax),
      'Its share of the requests, relative to the weights of the others. With 0 it gets requests only while no other may. `candor weight` changes it at run time. Each address of a name has it.',
      defaults.endpointWeight,
    ),
    priority: key(
      whole(0, priorityMax),
      'Endpoints of the lowest number get the requests. Those of the next number get them while none of the lowest is ready, and get retries that have tried all of those.',
      defaults.endpointPriority,
    ),
  }).transform(({ address, weight, priority }): ReadEndpoint => ({ ...address, weight, priority })),
]);

/** One endpoint as its address, or a list of endpoints. */
export const endpoints = z.union([endpointAddress.transform((address) => [address]), z.array(endpoint).min(1)]);

const cookieName = parsed(parseHeaderName, { kind: 'name', examples: ['session'] });
const headerName = parsed(parseHeaderName, { kind: 'header name', examples: ['X-User'] });

/** What of a request is hashed. */
export const hashKey = z.union([
  parsed(parseHashWord, { kind: '`address`, `path`', pattern: '^(?:address|path)$' }),
  section({
    header: key(headerName, 'The header whose value is hashed.'),
    cookie: key(cookieName, 'The cookie whose value is hashed.'),
  }).transform(({ header, cookie }, context): HashKey => {
    if (header !== undefined && cookie === undefined) return { kind: 'header', name: header.toLowerCase() };
    if (cookie !== undefined && header === undefined) return { kind: 'cookie', name: cookie };
    const message = header === undefined ? 'nothing to hash is named' : 'a header and a cookie are named';
    context.addIssue({
      code: 'custom',
      message: encodeDetail({ message, suggestion: 'give it one of them: "header" or "cookie"' }),
    });
    return z.NEVER;
  }),
]);

export const balance = z.union([
  parsed(parseBalanceWord, {
    kind: balancerWords.map((word) => `\`${word}\``).join(', '),
    pattern: `^(?:${balancerWords.join('|')})$`,
  }),
  section({
    hash: hashKey.meta({
      description:
        'Requests with the same key go to the same endpoint: `address` of the client, `path`, or the value of a header or cookie. An endpoint that comes or goes moves only its own share of the keys. Requests without a key are balanced by `two_choices`.',
    }),
  }).transform(({ hash }): WrittenBalance => ({ kind: 'hash', key: hash })),
]);

export const whenNoneReady = section({
  wait: key(
    durationOrNone,
    'How long a request waits for an endpoint; then it is answered with the failure. `none`: it is answered at once.',
    defaults.whenNoneReady.wait,
  ),
  wait_max: key(
    whole(1, 100_000),
    'How many requests may wait in each worker; one more is answered at once.',
    defaults.whenNoneReady.waitMax,
  ),
  then: key(
    z.enum(['fail', 'try']),
    '`fail`: endpoints whose checks fail get nothing. `try`: they get requests while no other endpoint may; those that refuse connections are still waited for. Only for `endpoints`, not for instances that Candor runs.',
    defaults.whenNoneReady.then,
  ),
});

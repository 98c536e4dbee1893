import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilterContext } from '../core/filter.ts';
import { PairHeaders } from '../core/pair-headers.ts';
import type { MaintenanceSetting } from '../core/overlay.ts';
import { operatorMaintenance } from './maintenance.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');

interface Asked {
  readonly host?: string;
  readonly address?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookieLines?: readonly string[];
  readonly at?: number;
}

/** 'continue', or the Retry-After of the refusal, and the headers and cookies that endpoints do not get. */
function ask(
  setting: Partial<MaintenanceSetting>,
  { host = 'a', address = '192.0.2.1', headers = {}, cookieLines = [], at = noon }: Asked,
) {
  const passes = {
    isAllowed: (one: string) => one.startsWith('10.'),
    isPass: (token: string) => token === 'right',
  };
  const whole = { kind: 'maintenance', route: null, message: 'Soon.', retryAfterS: 300, ...setting } as const;
  const removed: string[] = [];
  const lines = cookieLines.map((line) => ['cookie', line] as const);
  const decision = operatorMaintenance('/a', whole, passes).onRequestHead?.({
    request: { authority: host, headers: new PairHeaders([...Object.entries(headers), ...lines]) },
    client: { address },
    clock: { wallTime: () => at },
    removeRequestHeader: (name: string) => void removed.push(name),
    removeRequestCookies: (isRemoved: (name: string) => boolean) =>
      removed.push(
        ...['a', 'candor-pass', 'candor-pass.1'].flatMap((name) => (isRemoved(name) ? `cookie ${name}` : [])),
      ),
  } as unknown as FilterContext);
  const seen = decision as { evidence?: { retryAfterS?: number } } | 'continue';
  return { decision: seen === 'continue' ? seen : seen.evidence?.retryAfterS, removed };
}

const host = { host: 'shop.example.org' };
const times = { since: '2026-03-01T12:00:00.000Z', until: '2026-03-01T12:10:00.000Z' };
const allow = { allow: ['10.0.0.0/8'] };
const pass = { pass: 'the hash of right' };

const cases: readonly [name: string, Partial<MaintenanceSetting>, Asked, 'continue' | number][] = [
  ['is for every request', {}, {}, 300],
  ['is for its host', host, { host: 'shop.example.org' }, 300],
  ['is for its host, at any port and in any spelling', host, { host: 'Shop.Example.org:8080' }, 300],
  ['is not for another host', host, { host: 'blog.example.org' }, 'continue'],
  ['does not begin early', times, { at: noon - 1 }, 'continue'],
  ['begins in time, and says when it ends', times, { at: noon }, 600],
  ['says at the end that a second is left', times, { at: noon + 599_500 }, 1],
  ['ends in time', times, { at: noon + 600_000 }, 'continue'],
  ['says a day if it lasts longer', { until: '2026-03-05T12:00:00.000Z' }, {}, 86_400],
  ['lets networks pass', allow, { address: '10.1.2.3' }, 'continue'],
  ['lets no other network pass', allow, {}, 300],
  ['lets the pass of a header pass', pass, { headers: { 'candor-pass': 'right' } }, 'continue'],
  ['lets the pass of a cookie pass', pass, { headers: { cookie: 'a=b; candor-pass=right; c=d' } }, 'continue'],
  ['lets the pass of a further Cookie line pass', pass, { cookieLines: ['a=b', 'c=d; candor-pass=right'] }, 'continue'],
  ['lets no other token pass', pass, { headers: { 'candor-pass': 'wrong', cookie: 'candor-pass=wrong' } }, 300],
  ['lets no other cookie pass', pass, { headers: { cookie: 'x-candor-pass=right' } }, 300],
  ['lets nobody pass without a condition', {}, { address: '10.1.2.3', headers: { 'candor-pass': 'right' } }, 300],
];

for (const [name, setting, asked, expected] of cases)
  test(`maintenance ${name}`, () => assert.equal(ask(setting, asked).decision, expected));

test('endpoints get the pass neither as a header nor as a cookie', () =>
  assert.deepEqual(ask(pass, { headers: { 'candor-pass': 'right' } }).removed, ['candor-pass', 'cookie candor-pass']));

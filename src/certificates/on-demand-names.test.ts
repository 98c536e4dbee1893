import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type PermissionAnswer, OnDemandNames } from './on-demand-names.ts';

const yes: PermissionAnswer = { isPermitted: true, isAnswer: true, text: 'yes' };
const no: PermissionAnswer = { isPermitted: false, isAnswer: true, text: 'it said no (status 404)' };
const silent: PermissionAnswer = { isPermitted: false, isAnswer: false, text: 'it did not answer' };

function namesWith(allow: readonly string[], answerOf: ((name: string) => PermissionAnswer) | null) {
  const clock = new SimulatedClock();
  const wanted: string[] = [];
  const asked: string[] = [];
  const states = new Map<string, { isPending: boolean; isDue: boolean }>();
  const issuer = {
    state: (name: string) => states.get(name) ?? null,
    counts: () => ({ names: states.size, pending: [...states.values()].filter(({ isPending }) => isPending).length }),
    want(name: string) {
      wanted.push(name);
      states.set(name, { isPending: true, isDue: false });
    },
  };
  const permission = answerOf === null ? null : { ask: async (name: string) => (asked.push(name), answerOf(name)) };
  const ask = answerOf === null ? null : 'http://127.0.0.1/';
  const own = new OnDemandNames({ routes: null, allow, ask }, clock, issuer, permission);
  const names = {
    /** Each from another client, unless it is named. */
    note: (name: string, client = name) => own.note({ name, client }),
    reasonFor: (name: string) => own.reasonFor(name),
  };
  const issue = () => states.forEach((state) => (state.isPending = false));
  /** Lets answers arrive. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { clock, names, wanted, asked, states, issue, settle };
}

test('a name of the list is ordered once, and no other one', () => {
  const { names, wanted } = namesWith(['a.test', '*.b.test'], null);
  for (const name of ['a.test', 'a.test', 'x.b.test', 'c.test', 'x.y.b.test', 'a.test']) names.note(name);
  assert.deepEqual(wanted, ['a.test', 'x.b.test']);
  assert.equal(names.reasonFor('c.test'), null);
});

test('the endpoint is asked for names that are not in the list, once, and its answers are kept for a while', async () => {
  const made = namesWith(['a.test'], (name) => (name === 'yes.test' ? yes : no));
  const { names, wanted, asked, clock, settle } = made;
  for (let n = 0; n < 3; n++) for (const name of ['a.test', 'yes.test', 'no.test']) names.note(name);
  assert.equal(names.reasonFor('no.test'), 'the endpoint of "ask" is being asked');
  await settle();
  assert.deepEqual(wanted, ['a.test', 'yes.test']);
  assert.equal(names.reasonFor('no.test'), 'it said no (status 404)');
  clock.advanceSync(299_000);
  names.note('no.test');
  assert.deepEqual(asked, ['yes.test', 'no.test']);
  clock.advanceSync(1000);
  names.note('no.test');
  assert.equal(asked.length, 3);
  await settle();
});

test('an endpoint that did not answer is asked again after ten seconds', async () => {
  const { names, asked, clock, settle } = namesWith([], () => silent);
  names.note('a.test');
  await settle();
  clock.advanceSync(9999);
  names.note('a.test');
  assert.equal(asked.length, 1);
  clock.advanceSync(1);
  names.note('a.test');
  assert.equal(asked.length, 2);
  await settle();
});

test('a permission that could not be used is kept, without another question', async () => {
  const list = Array.from({ length: 7 }, (_, n) => `${n}.full.test`);
  const { names, asked, wanted, issue, settle } = namesWith(list, () => yes);
  for (const name of list) names.note(name);
  names.note('a.test');
  names.note('b.test');
  await settle();
  assert.deepEqual(wanted.slice(7), ['a.test']);
  assert.match(names.reasonFor('b.test') ?? '', /^8 names on demand are being obtained, which is the most at once$/);
  issue();
  names.note('b.test');
  assert.deepEqual(
    [wanted.slice(7), asked],
    [
      ['a.test', 'b.test'],
      ['a.test', 'b.test'],
    ],
  );
});

test('a flood of random names that the endpoint does not know costs ten questions a second, no order and bounded memory', async () => {
  const { names, wanted, asked, clock, settle } = namesWith(['a.test'], () => no);
  const before = process.memoryUsage().heapUsed;
  for (let second = 0; second < 100; second++) {
    for (let n = 0; n < 500; n++) {
      names.note(`${second}-${n}.random.test`);
      if (n % 50 === 0) await settle();
    }
    clock.advanceSync(1000);
  }
  assert.deepEqual([wanted, asked.length <= 100 * 10, asked.length > 500], [[], true, true]);
  assert.ok(process.memoryUsage().heapUsed - before < 30e6);
  names.note('a.test');
  assert.deepEqual(wanted, ['a.test'], 'a name of the list is ordered all the same');
});

test('a flood of names that a wildcard of the list has orders eight at once, sixty an hour and 500 in all', () => {
  const { names, wanted, clock, states, issue } = namesWith(['*.test'], null);
  for (let n = 0; n < 10_000; n++) names.note(`at-once-${n}.test`);
  assert.equal(wanted.length, 8);
  for (let minute = 0; minute < 60; minute++) {
    issue();
    for (let n = 0; n < 100; n++) names.note(`${minute}-${n}.test`);
    clock.advanceSync(59_000);
  }
  assert.equal(wanted.length, 60);
  assert.match(names.reasonFor('59-99.test') ?? '', /^60 names were ordered on demand within an hour/);
  for (let hour = 0; hour < 20; hour++) {
    for (let n = 0; n < 60; n++) {
      issue();
      names.note(`${hour}-${n}.later.test`.replace('.later', '-later'));
    }
    clock.advanceSync(3_600_000);
  }
  assert.deepEqual([wanted.length, states.size], [500, 500]);
  assert.match(names.reasonFor('19-59-later.test') ?? '', /^there are 500 names on demand/);
});

test('a certificate that is due is renewed when it is used, also where no further name is taken', () => {
  const { names, wanted, states } = namesWith(['*.test'], null);
  for (let n = 0; n < 500; n++) states.set(`${n}.test`, { isPending: false, isDue: n === 7 });
  names.note('7.test');
  names.note('8.test');
  names.note('new.test');
  assert.deepEqual(wanted, ['7.test']);
});

test('a flood of one client takes half of the orders, and other clients get theirs', () => {
  const { names, wanted, clock, issue } = namesWith(['*.test'], null);
  for (let n = 0; n < 1000; n++) names.note(`flood-${n}.test`, 'flood');
  assert.equal(wanted.length, 4, 'half of those at once');
  names.note('a.test', 'other');
  assert.equal(wanted.at(-1), 'a.test');
  for (let minute = 0; minute < 50; minute++) {
    issue();
    for (let n = 0; n < 100; n++) names.note(`flood-${minute}-${n}.test`, 'flood');
    clock.advanceSync(60_000);
  }
  assert.ok(wanted.length <= 31, `${wanted.length}`);
  assert.match(
    names.reasonFor('flood-49-99.test') ?? '',
    /ordered for the client flood within an hour, and the rest is/,
  );
  for (let n = 0; n < 10; n++) {
    issue();
    names.note(`later-${n}.test`, `client ${n}`);
  }
  assert.equal(wanted.filter((name) => name.startsWith('later')).length, 10);
});

test('a flood of names of one pattern, from any number of clients, leaves orders to the other patterns and to literal names', () => {
  const { names, wanted, issue } = namesWith(['*.a.test', '*.b.test', 'shop.test'], null);
  for (let n = 0; n < 1000; n++) {
    issue();
    names.note(`${n}.a.test`);
  }
  assert.equal(wanted.length, 30);
  for (const name of ['x.b.test', 'shop.test']) {
    issue();
    names.note(name);
  }
  assert.deepEqual(wanted.slice(30), ['x.b.test', 'shop.test']);
});

test('names that the list has literally are ordered when a flood has used up the hour', () => {
  const { names, wanted, issue } = namesWith(['*.test', 'shop.example.org'], null);
  for (let n = 0; n < 1000; n++) {
    issue();
    names.note(`${n}.test`);
    names.note(`${n}.more.test`);
  }
  issue();
  names.note('shop.example.org');
  assert.equal(wanted.at(-1), 'shop.example.org');
});

test('of names that the endpoint permits, those of one domain leave orders to those of others', async () => {
  const { names, wanted, issue, settle, clock } = namesWith([], () => yes);
  for (let n = 0; n < 100; n++) {
    issue();
    names.note(`${n}.flood.co.uk`);
    await settle();
    clock.advanceSync(200);
  }
  assert.equal(wanted.length, 30);
  issue();
  names.note('shop.customer.co.uk');
  await settle();
  assert.equal(wanted.at(-1), 'shop.customer.co.uk');
});

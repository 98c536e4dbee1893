import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../core/event.ts';
import { KeptEvents } from './addition-watch.ts';

const exit = (instance: string): Event => ({ kind: 'instance_exited', subject: `instance:${instance}` }) as Event;

const countOf = (kept: KeptEvents, application: string): number =>
  kept.all.filter(({ event }) => event.subject.startsWith(`instance:${application}/`)).length;

test('the exits of an application that ends again and again push out none of another', () => {
  const kept = new KeptEvents();
  for (let at = 0; at < 20; at++) kept.add(exit('web/1'), at);
  for (let at = 20; at < 5000; at++) kept.add(exit('mail/1'), at);
  assert.equal(countOf(kept, 'web'), 20);
  assert.ok(countOf(kept, 'mail') >= 290 && countOf(kept, 'mail') <= 600, `${countOf(kept, 'mail')}`);
});

test('of two applications that end again and again, both keep their newest exits', () => {
  const kept = new KeptEvents();
  for (let at = 0; at < 5000; at++) kept.add(exit(at % 2 === 0 ? 'web/1' : 'mail/1'), at);
  assert.ok(kept.all.length <= 600);
  for (const application of ['web', 'mail']) assert.ok(countOf(kept, application) >= 150, application);
  assert.equal(kept.all.at(-1)?.ms, 4999);
});

test('many exits push out no event of another kind', () => {
  const kept = new KeptEvents();
  kept.add({ kind: 'configuration_applied', subject: 'gateway' } as Event, 0);
  for (let at = 1; at < 2000; at++) kept.add(exit('web/1'), at);
  assert.equal(kept.all[0]?.event.kind, 'configuration_applied');
});

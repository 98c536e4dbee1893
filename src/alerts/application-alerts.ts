import { sentenceOf } from '../core/first-letter.ts';
import type { Event } from '../core/event.ts';
import { type AlertContent, noneOf } from './alert-content.ts';

type EventOf<K extends Event['kind']> = Extract<Event, { kind: K }>;

/** A release, or a first start, of which an instance does not become ready: `critical` where no other instance serves. */
export function releaseAlert({ evidence, to, reason }: EventOf<'application_not_ready'>): AlertContent {
  const { application, instance, serving } = evidence;
  const isFailing = to === 'failing';
  return {
    ...noneOf,
    key: `release:${application}`,
    kind: 'release',
    change: isFailing ? 'opened' : 'resolved',
    severity: severityOf(isFailing, serving),
    upstreams: [application],
    title: isFailing
      ? `${instance} does not become ready`
      : `${instance} ${to === 'ready' ? 'is ready' : 'is no longer wanted'}`,
    text: sentenceOf(reason),
    nextStep: isFailing
      ? 'See its last output in `candor status`, and correct the application; if an earlier configuration of it worked, restore that and run `candor reload`.'
      : null,
    steps: isFailing ? ['failing'] : [],
  };
}

/** An instance that was ready ends again and again: `critical` where no other instance serves. */
export function crashLoopAlert({ evidence, to, reason }: EventOf<'application_crash_loop'>): AlertContent {
  const { application, instance, serving, fix } = evidence;
  const isFailing = to === 'failing';
  return {
    ...noneOf,
    key: `application:${application}`,
    kind: 'application',
    change: isFailing ? 'opened' : 'resolved',
    severity: severityOf(isFailing, serving),
    upstreams: [application],
    title: isFailing ? `${instance} ends again and again` : `${instance} no longer ends again and again`,
    text: sentenceOf(reason),
    nextStep: fix,
    steps: !isFailing ? [] : serving.length === 0 ? ['failing', 'none serves'] : ['failing'],
  };
}

function severityOf(isFailing: boolean, serving: readonly string[]): AlertContent['severity'] {
  return !isFailing ? 'info' : serving.length === 0 ? 'critical' : 'warning';
}

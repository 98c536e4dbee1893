import { sentenceOf } from '#failures/first-letter.ts';
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

/** A release that was refused or taken back without an operator's wish; until another one is in force. Null: nothing that people must know. */
export function rolloutAlert({ evidence, to, reason }: EventOf<'rollout'>): AlertContent | null {
  const { application, release, before, ordered } = evidence;
  const isBad = (to === 'refused' || to === 'aborted') && !ordered;
  if (!isBad && to !== 'promoted') return null;
  return {
    ...noneOf,
    key: `rollout:${application}`,
    kind: 'release',
    change: isBad ? 'opened' : 'resolved',
    severity: isBad ? 'warning' : 'info',
    upstreams: [application],
    title: isBad
      ? `${release} was ${to === 'refused' ? 'refused' : 'taken back'}, ${before} serves`
      : `${release} is in force`,
    text: sentenceOf(reason),
    nextStep: isBad
      ? `See its output and its figures with \`candor releases ${application}\`, and deploy a corrected release.`
      : null,
    steps: isBad ? [`${release} ${to}`] : [],
  };
}

/** An instance that was ready ends again and again: `critical` where no other instance serves. */
export function crashLoopAlert({ evidence, to, reason }: EventOf<'application_crash_loop'>): AlertContent {
  const { application, instance, serving, fix } = evidence;
  const isFailing = to === 'failing';
  return {
    ...noneOf,
    key: `${applicationPrefix}${application}`,
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

/** The last run of a job has failed, or it could not be started. Requests are served. */
export function jobAlert({ evidence, to, reason }: EventOf<'job_failing'>): AlertContent {
  const { job, run, fix } = evidence;
  const isFailing = to === 'failing';
  const ends = { succeeded: 'has succeeded', removed: 'is no job any more' };
  return {
    ...noneOf,
    key: `job:${job}`,
    kind: 'job',
    change: isFailing ? 'opened' : 'resolved',
    severity: isFailing ? 'warning' : 'info',
    title: isFailing
      ? `${job} ${run === null ? 'was not run' : 'has failed'}`
      : `${job} ${ends[to as keyof typeof ends]}`,
    text: sentenceOf(reason),
    nextStep: fix,
    steps: isFailing ? ['failing'] : [],
  };
}

/** No endpoint of an upstream is available: requests would get a 503. */
export function upstreamAlert({ evidence, to, reason }: EventOf<'upstream_unavailable'>): AlertContent {
  const { upstream, fix } = evidence;
  const isOut = to === 'unavailable';
  const ends = { available: 'is available again', closed: 'was taken out of use', removed: 'was removed' };
  return {
    ...noneOf,
    key: upstreamKey(upstream),
    kind: 'upstream',
    change: isOut ? 'opened' : 'resolved',
    severity: isOut ? 'critical' : 'info',
    upstream,
    upstreams: [upstream],
    title: `${upstream} ${isOut ? 'has no endpoint that is available' : ends[to as keyof typeof ends]}`,
    text: sentenceOf(reason),
    nextStep: fix,
    steps: isOut ? ['unavailable'] : [],
  };
}

/** What applications depend on is down. What it does to requests is an incident; that it says itself that it is degraded is for the status. */
export function dependencyAlert({ evidence, to, from, reason }: EventOf<'dependency_state'>): AlertContent | null {
  const { dependency, dependents, then, fix } = evidence;
  const isDown = to === 'down';
  if (isDown === (from === 'down')) return null;
  return {
    ...noneOf,
    key: `dependency:${dependency}`,
    kind: 'dependency',
    change: isDown ? 'opened' : 'resolved',
    severity: isDown ? 'warning' : 'info',
    upstreams: dependents,
    title: isDown
      ? `${dependency} is down: it ${then}`
      : `${dependency} is ${to === 'removed' ? 'checked no more' : 'no longer down'}`,
    text: sentenceOf(reason),
    evidence:
      dependents.length === 0
        ? []
        : [`${dependents.join(', ')} ${dependents.length === 1 ? 'depends' : 'depend'} on it`],
    nextStep: isDown ? fix : null,
    steps: isDown ? ['down'] : [],
  };
}

/** What the key of a crash loop begins with, and what incidents of its crashes are about. */
export const applicationPrefix = 'application:';

/** The key of alerts about an upstream without an available endpoint. */
export const upstreamKey = (upstream: string): string => `upstream:${upstream}`;

function severityOf(isFailing: boolean, serving: readonly string[]): AlertContent['severity'] {
  return !isFailing ? 'info' : serving.length === 0 ? 'critical' : 'warning';
}

import { lowerFirst } from '#failures/first-letter.ts';
import { specOfCause, shapeOfType, whoseOf } from '#failures/failure-texts.ts';
import { failuresText } from '#failures/quantity-text.ts';
import { familyOfCause, isCause, isWithoutFailure } from './failure-family.ts';
import {
  type AnswerChange,
  type IncidentAddition,
  isOfChecksAlone,
  type Lateness,
  type LiveIncident,
  type RarerFailures,
  type CountedCause,
} from '../core/live-incident.ts';
import { askingSentence } from './asked-service.ts';
import type { Failure } from '#failures/failure.ts';

/** What an incident is, in a few sentences: what fails, how much of it, and what probably has caused it. */
export function incidentSentence(whole: LiveIncident): string {
  const incident = presentView(whole);
  const { id, resolvedAt, startedAt, lastAt, suspects, joined } = incident;
  const what = `Incident ${id}: ${lowerFirst(incidentTitle(incident))}`;
  if (joined !== undefined) return `${what}. It is part of incident ${joined}, and goes on there.`;
  const [suspect] = suspects;
  const seconds = Math.max(1, Math.round((lastAt - startedAt) / 1000));
  const [lasted, end] = resolvedAt === null ? ['', ''] : [` in ${durationOf(seconds)}`, '; no more since'];
  const why = suspect === undefined ? 'What has caused it is not known.' : suspect.sentence;
  return [
    `${what}: ${extentOf(incident)}${lasted}${firstOf(incident)}${end}.`,
    // It goes into chats and mails, where a path that a client has chosen would become a link.
    ...mostSentences(incident, 'route'),
    ...askingSentence(incident, listOf),
    why,
    ...suspects.slice(1).flatMap(({ name, sentence }) => (name === 'client_retries' ? [sentence] : [])),
    ...(incident.rarer === undefined || resolvedAt !== null ? [] : [rarerSentence(incident.rarer, incident)]),
    ...(incident.isRemoved === true ? [removedSentence(incident)] : []),
    ...incident.additions.map(additionSentence),
  ].join(' ');
}

/** Fewer of the failed requests are not what the incident is about. */
const mostMin = 0.5;
const pathCharactersMax = 80;

/** 'All 146 are POST /api/checkout (route checkout), answered with 504 by the gateway after 3 s.'; empty: too few are alike. */
export function mostSentences(
  { most, failed, family, resolvedAt }: Pick<LiveIncident, 'most' | 'failed' | 'family' | 'resolvedAt'>,
  shows: 'path' | 'route',
): readonly string[] {
  if (most === undefined || isWithoutFailure(family) || most.failed < mostMin * failed) return [];
  const { route, status, isOfApplication, tookMs } = most;
  const share = most.failed >= failed ? `All ${failed}` : `${percentText(most.failed / failed)} of them`;
  const path = shows === 'path' ? most.path : null;
  const method = most.method === 'other' ? 'requests' : most.method;
  const where =
    path === null ? '' : ` ${path.length > pathCharactersMax ? `${path.slice(0, pathCharactersMax)}…` : path}`;
  const on = route === '' || route === path ? '' : path === null ? ` on the route ${route}` : ` (route ${route})`;
  const by = isOfApplication ? 'the application' : 'the gateway';
  const answer = status === 0 ? 'without a response' : `answered with ${status} by ${by}`;
  const after = tookMs === null ? '' : ` after ${msText(tookMs)}`;
  return [`${share} ${resolvedAt === null ? 'are' : 'were'} ${method}${where}${on}, ${answer}${after}.`];
}

/** Another cause than the one that was told, and what was told. */
export function correctionSentence(incident: LiveIncident): string {
  const { id, corrected } = incident;
  if (corrected === undefined) return incidentSentence(incident);
  const before = corrected.from?.sentence ?? 'What has caused it is not known.';
  return `Incident ${id} has probably another cause than was told when it opened. Now: ${corrected.to.sentence} Before: ${before}`;
}

const removedSentence = ({ upstreams }: LiveIncident): string =>
  `It ended because the configuration no longer has the upstream${upstreams.length === 1 ? '' : 's'} ${listOf(upstreams.map(({ upstream }) => upstream))}.`;

/** 'It fails more rarely now: 4 % of /cart.' */
export function rarerSentence({ route, share }: RarerFailures, { family }: Pick<LiveIncident, 'family'>): string {
  const what = isWithoutFailure(family) ? 'It happens' : 'It fails';
  const of = route === null ? 'the requests of its routes' : route === '' ? 'requests without a route' : route;
  return `${what} more rarely now: ${percentText(share)} of ${of}.`;
}

/** '4 %', '0.4 %', 'less than 0.1 %' */
function percentText(share: number): string {
  const percent = share * 100;
  if (percent < 0.1) return 'less than 0.1 %';
  return `${percent < 1 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** A few words: what fails now; of an incident that is over, what it began with. */
export function incidentTitle(whole: LiveIncident): string {
  const incident = presentView(whole);
  const { upstream, upstreams } = incident;
  const what = titleOf(incident);
  if (upstreams.length > 1) return `${what} (upstreams ${listOf(upstreams.map((one) => one.upstream))})`;
  return upstream === '' ? what : `${what} (upstream ${upstream})`;
}

/** Nearly all failures of garbage have the title's cause; else several kinds are told. */
const sameKindMin = 0.9;

function titleOf({ family, cause, causes, suspects, lateness }: LiveIncident): string {
  if (isOfChecksAlone({ cause, suspects })) return 'The health check fails where no request had failed';
  if (family === 'slower' && lateness?.left !== undefined) return 'Clients leave requests after one time';
  if (family === 'slower')
    return `Responses ${lateness?.isOfBody === true ? 'come much more slowly' : 'begin much later'} than before`;
  if (family === 'changed') return 'The application answers otherwise than before';
  if (cause === null) return 'The application answers with errors';
  const bad = causes.filter((one) => isCause(one.cause) && familyOfCause(one.cause) === 'garbage');
  const all = bad.reduce((sum, { count }) => sum + count, 0);
  const own = bad.find((one) => one.cause === cause)?.count;
  return own === undefined || own >= sameKindMin * all
    ? specOfCause(cause).title
    : 'The application sends responses that are no valid HTTP';
}

/**
 * 'Since 12:04:05 UTC the route /pay fails as well: shop/2 ended by itself.', 'Since 12:04:05 UTC requests also fail with response_head_timeout (40 requests): …',
 * 'Since 12:04:05 UTC also: …'. Of what has ended: 'From 12:04:05 to 12:04:36 UTC requests also failed with …'.
 */
export function additionSentence(addition: IncidentAddition): string {
  const { since, until, routes, endpoints, causes, suspects } = addition;
  const alsoFailing = [...partOf('route', routes), ...partOf('endpoint', endpoints)];
  const hasEnded = until !== undefined;
  const verb = hasEnded ? 'failed' : routes.length + endpoints.length > 1 ? 'fail' : 'fails';
  const parts = [
    ...(alsoFailing.length === 0 ? [] : [`${alsoFailing.join(' and ')} ${verb} as well`]),
    ...(causes.length === 0
      ? []
      : [`requests also ${hasEnded ? 'failed' : 'fail'} with ${listOf(causes)}${countsText(addition)}`]),
  ];
  const what = parts.length === 0 ? 'also' : parts.join(', and ');
  const why =
    suspects[0]?.sentence ??
    (parts.length === 0 ? `requests ${hasEnded ? 'failed' : 'fail'} for another reason.` : null);
  const when = hasEnded ? `From ${timeOf(since)} to ${timeOf(until)}` : `Since ${timeOf(since)}`;
  return `${when} UTC ${what}${why === null ? '.' : `: ${why}`}`;
}

/** The step for the cause with which requests fail now: that of an addition, where the failures that the incident began with have ended. Null: it is over, or the cause is not known. */
export function presentStep(incident: LiveIncident): string | null {
  if (incident.resolvedAt !== null) return null;
  return (presentView(incident).suspects[0] ?? incident.suspects[0])?.nextStep ?? null;
}

const timeOf = (wallMs: number): string => new Date(wallMs).toISOString().slice(11, 19);

function countsText({ failed, attemptsFailed }: IncidentAddition): string {
  if (failed === undefined || attemptsFailed === undefined) return '';
  return ` (${failuresText({ failed, attemptsFailed })})`;
}

/** Where others fail in a way that is told with its count: how many failed in the way that the title names. */
function firstOf({ family, cause, causes, additions }: LiveIncident): string {
  if (isWithoutFailure(family)) return '';
  const own = causes.find((one) => one.cause === (cause ?? 'app_error'))?.failed ?? 0;
  return own === 0 || additions.every(({ failed }) => failed === undefined)
    ? ''
    : `, ${own} of them with ${cause ?? 'app_error'}`;
}

function partOf(noun: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`the ${noun}${names.length === 1 ? '' : 's'} ${listOf(names)}`];
}

/** 'N of M requests failed'; or that clients saw nothing of it. */
function extentOf({ family, failed, attemptsFailed, requests, lateness, answers }: LiveIncident): string {
  if (family === 'changed') return `${failed} of ${requests} requests were answered with ${changeText(answers)}`;
  if (family === 'slower') {
    const where = lateness === undefined ? '' : `: ${latenessText(lateness)}`;
    const what = lateness?.left === undefined ? 'took longer than usual' : 'were left by their clients';
    return `${failed} of ${requests} requests ${what}${where}`;
  }
  if (failed === 0) return `${attemptsFailed} attempts failed, and other attempts answered their requests`;
  return `${failed} of ${requests} requests failed`;
}

/** 'shop at /orders/#' */
const whereOf = ({ route, path }: Pick<Lateness, 'route' | 'path'>): string =>
  path === undefined ? route : `${route} at ${path}`;

/** 'HTML on the route /cart, where JSON was usual' */
export function changeText(answers: AnswerChange | undefined): string {
  if (answers?.missing !== undefined)
    return `404 on the route ${answers.route} at paths that never were, and as many requests are missing at ${whereOf(answers.missing)}`;
  return answers === undefined
    ? '4xx'
    : `${answers.now} on the route ${whereOf(answers)}, where ${answers.usual} was usual`;
}

/** 'half of those of the route /search take 4.1 s, where 35 ms were usual' */
export function latenessText(lateness: Lateness): string {
  const { usualMs, nowMs, limitMs, left, isOfBody = false } = lateness;
  const route = whereOf(lateness);
  const until = isOfBody ? ' until they are complete' : '';
  if (left?.isInBody === true)
    return `some of those of the route ${route} after ${msText(left.afterMs)}, before their response was complete`;
  if (left !== undefined)
    return `some of those of the route ${route} after ${msText(left.afterMs)}, where half take ${msText(usualMs)}`;
  if (nowMs <= limitMs)
    return `some of those of the route ${route} take longer than ${msText(limitMs)}${until}, where half took ${msText(usualMs)}`;
  return `half of those of the route ${route} take ${msText(nowMs)}${until}, where ${msText(usualMs)} were usual`;
}

export const msText = (ms: number): string =>
  ms >= 1000 ? `${Math.round(ms / 100) / 10} s` : `${Math.max(1, Math.round(ms))} ms`;

const shownMax = 5;

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, shownMax).map((name) => (name === '' ? '(none)' : name));
  const rest = names.length > shownMax ? ` and ${names.length - shownMax} more` : '';
  return `${shown.join(', ')}${rest}`;
}

function durationOf(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

/**
 * The incident with the cause with which requests fail now in front: where the failures that it began with have ended while those of an addition go on,
 * the two change places. Its number, counts and start stay.
 */
export function presentView<T extends LiveIncident>(incident: T): T {
  const { resolvedAt, firstUntil, additions } = incident;
  // Without suspects of its own, an addition follows from what the incident is about.
  const present = additions.findLast(
    ({ until, causes, suspects }) => until === undefined && causes.length > 0 && suspects.length > 0,
  );
  const [kind] = present?.causes ?? [];
  if (resolvedAt !== null || firstUntil === undefined || present === undefined || kind === undefined) return incident;
  const { firstUntil: _ended, ...facts } = incident;
  return {
    ...facts,
    ...factsOf(kind),
    suspects: present.suspects,
    additions: [firstAsAddition(incident, firstUntil), ...additions.filter((one) => one !== present)],
  } as LiveIncident as T;
}

function factsOf(kind: CountedCause['cause']): Pick<LiveIncident, 'cause' | 'shape' | 'whose'> {
  if (!isCause(kind)) return { cause: null, shape: 'app_error', whose: 'application' };
  const whose = whoseOf({ cause: kind, evidence: {} } as Failure, null);
  return { cause: kind, shape: shapeOfType(specOfCause(kind).type), whose };
}

/** What it began with, as what has ended. */
function firstAsAddition({ cause, causes, startedAt, suspects }: LiveIncident, until: number): IncidentAddition {
  const kind = cause ?? 'app_error';
  const counted = causes.find((one) => one.cause === kind);
  return {
    ...{ since: startedAt, until, routes: [], endpoints: [], causes: [kind], suspects },
    ...(counted === undefined ? {} : { failed: counted.failed, attemptsFailed: counted.attemptsFailed }),
  };
}

import { sentenceOf } from '#failures/first-letter.ts';
import { connectionRefusals } from '../core/connection-refusals.ts';
import { descriptorsStep } from '../core/descriptor-need.ts';
import { workersStep } from '../core/workers-step.ts';
import type { ConnectionRefusalReason, Event } from '../core/event.ts';
import { isPrivateAddress } from '../policy/private-address.ts';
import { type AlertContent, noneOf } from './alert-content.ts';

type EventOf<K extends Event['kind']> = Extract<Event, { kind: K }>;

/** The gateway itself has hardly any descriptor left: `critical` as soon as it refuses clients. */
export function descriptorsAlert({ evidence, to, reason }: EventOf<'descriptors_exhausted'>): AlertContent {
  const { limit, needed, open, closed, refused } = evidence;
  const isRefusing = to === 'refusing';
  const facts = [
    ...(open === null ? [] : [`${open} of ${limit} descriptors were open when this was reported`]),
    ...(closed === 0 ? [] : [`${closed} idle connections were closed`]),
    ...(refused === 0 ? [] : [`${refused} clients were refused`]),
  ];
  const common = {
    ...noneOf,
    key: 'gateway:descriptors',
    kind: 'gateway',
    text: sentenceOf(reason),
    evidence: facts,
  } as const;
  if (to === 'enough')
    return { ...common, change: 'resolved', severity: 'info', title: 'the gateway has enough descriptors' };
  return {
    ...common,
    change: 'opened',
    severity: isRefusing ? 'critical' : 'warning',
    title: isRefusing
      ? 'the gateway refuses clients: no descriptor is left'
      : 'the gateway has hardly any descriptor left',
    nextStep: descriptorsStep({ limit, needed }),
    steps: isRefusing ? ['scarce', 'refusing'] : ['scarce'],
  };
}

/** Workers have to be replaced again and again: `critical` where none serves. */
export function workersAlert({ evidence, to, reason }: EventOf<'workers_failing'>): AlertContent {
  const { serving, wanted } = evidence;
  const isFailing = to === 'failing';
  return {
    ...noneOf,
    key: 'gateway:workers',
    kind: 'gateway',
    change: isFailing ? 'opened' : 'resolved',
    severity: !isFailing ? 'info' : serving === 0 ? 'critical' : 'warning',
    title: isFailing ? 'workers of the gateway end again and again' : 'the workers of the gateway go on running',
    text: sentenceOf(reason),
    evidence: serving === null ? [] : [`${serving} of ${wanted} workers served when this was reported`],
    nextStep: isFailing ? workersStep : null,
    steps: !isFailing ? [] : serving === 0 ? ['failing', 'none serves'] : ['failing'],
  };
}

const titles: Readonly<Record<Exclude<ConnectionRefusalReason, 'descriptors'>, string>> = {
  connections_max: 'as many are connected as are allowed',
  connections_per_address_max: 'one address has as many connections as it may have',
  memory: 'a worker has hardly any memory left',
  not_counted: 'the workers cannot count their connections',
};

/**
 * The gateway refuses clients. Null: without descriptors, since their own alert says so; and for a public address that has too many connections,
 * which is refused by itself.
 */
export function refusalAlert({ evidence, to, reason: text }: EventOf<'connections_refused'>): AlertContent | null {
  const { reason, count, address } = evidence;
  if (reason === 'descriptors') return null;
  const isOver = to === 'accepting';
  const privateAddress = address !== null && isPrivateAddress(address) ? address : null;
  const isOfAddress = reason === 'connections_per_address_max';
  if (isOfAddress && privateAddress === null && !isOver) return null;
  return {
    ...noneOf,
    key: `gateway:refused:${reason}`,
    kind: 'gateway',
    change: isOver ? 'resolved' : 'opened',
    severity: isOver ? 'info' : isOfAddress ? 'warning' : 'critical',
    title: isOver
      ? `the gateway refuses no client any more (${reason})`
      : `the gateway refuses clients: ${titles[reason]}`,
    text: sentenceOf(text),
    evidence: isOver ? [] : [`${count} ${count === 1 ? 'client was' : 'clients were'} refused at first`],
    nextStep: isOver ? null : connectionRefusals[reason].nextStep(privateAddress),
    steps: isOver ? [] : ['refusing'],
  };
}

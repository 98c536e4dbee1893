import { sentenceOf } from '#failures/first-letter.ts';
import type { Alert, AlertSeverity } from '../core/alert.ts';
import type { Event, IncidentFacts, ConnectionRefusalReason } from '../core/event.ts';
import { faultsOfOneFile, storeFaultStep } from '../core/store-fault.ts';
import { nearestThere } from '../deploy/private-folder.ts';
import { type AlertContent, noneOf } from './alert-content.ts';
import { resolvedPrefix } from './alert-json.ts';
import {
  applicationPrefix,
  crashLoopAlert,
  jobAlert,
  dependencyAlert,
  releaseAlert,
  rolloutAlert,
  upstreamAlert,
} from './application-alerts.ts';
import { connectionRefusals } from '../core/connection-refusals.ts';
import { missingRequestsQuery } from '../core/objective.ts';
import { descriptorsStep } from '../core/descriptor-need.ts';
import { workersStep } from '../core/workers-step.ts';
import { isPrivateAddress } from '../policy/private-address.ts';

type EventOf<K extends Event['kind']> = Extract<Event, { kind: K }>;

/** The gateway itself has hardly any descriptor left: `critical` as soon as it refuses clients. */
function descriptorsAlert({ evidence, to, reason }: EventOf<'descriptors_exhausted'>): AlertContent {
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
function workersAlert({ evidence, to, reason }: EventOf<'workers_failing'>): AlertContent {
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
function refusalAlert({ evidence, to, reason: text }: EventOf<'connections_refused'>): AlertContent | null {
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

/** Where an alert comes from. */
interface AlertOrigin {
  readonly deployment: string;
}

/** The alert that follows from an event; null: people are not told of it. */
export function alertOfEvent(event: Event, { deployment }: AlertOrigin): Alert | null {
  const about = contentOf(event);
  if (about === null) return null;
  const { epoch, seq, at, member, subject } = event;
  const { title, change, key } = about;
  const said = change === 'resolved' ? `${resolvedPrefix}${title}` : title;
  return { id: `${epoch}-${seq}`, at, deployment, member, subject, about: key, ...about, title: said };
}

function contentOf(event: Event): AlertContent | null {
  switch (event.kind) {
    case 'incident_opened':
      return incident(event.evidence, event.reason, 'opened');
    case 'incident_grown':
      return incident(event.evidence, event.reason, 'grown');
    case 'incident_corrected':
      return incident(event.evidence, event.reason, 'corrected');
    case 'incident_resolved':
      return incident(event.evidence, event.reason, 'resolved');
    case 'certificate_expiring':
    case 'certificate_not_yet_valid':
    case 'certificate_renewal_failed':
    case 'certificate_issued':
      return certificate(event);
    case 'store_failing':
    case 'log_dropped':
      return records(event);
    case 'slo_burning':
      return objective(event);
    case 'disk_space':
      return disk(event);
    case 'descriptors_exhausted':
      return descriptorsAlert(event);
    case 'connections_refused':
      return refusalAlert(event);
    case 'workers_failing':
      return workersAlert(event);
    case 'application_not_ready':
      return releaseAlert(event);
    case 'rollout':
      return rolloutAlert(event);
    case 'job_failing':
      return jobAlert(event);
    case 'application_crash_loop':
      return crashLoopAlert(event);
    case 'dependency_state':
      return dependencyAlert(event);
    case 'upstream_unavailable':
      return upstreamAlert(event);
    default:
      return null;
  }
}

/** A tenth of the requests is more than a few unlucky ones. */
const criticalShare = 0.1;

function incident(facts: IncidentFacts, text: string, change: Alert['change']): AlertContent {
  const { key, upstream, upstreams, family, routes, suspects, nextStep, requests, failed, incident } = facts;
  const isCritical = failed > 0 && failed >= requests * criticalShare && !isOfOneClientAlone(facts);
  return {
    key: `incident:${key}`,
    kind: 'incident',
    change,
    severity: failed === 0 ? 'info' : isCritical ? 'critical' : 'warning',
    about: isOfCrash(facts) ? `${applicationPrefix}${upstream}` : `incident:${upstream}:${family}`,
    upstream: upstream === '' ? null : upstream,
    upstreams,
    routes,
    title: `incident ${incident}${whereText(facts)}: ${change === 'corrected' ? 'another cause than was told' : extentOf(facts)}`,
    text,
    evidence: [...suspects.map(({ sentence }) => sentence), ...facts.additions],
    nextStep: change === 'resolved' ? null : nextStep,
    incident,
    steps: facts.additions.map((_, index) => `addition ${index + 1}`),
    ...(suspects[0] === undefined ? {} : { cause: suspects[0].name }),
  };
}

/** Requests of one client that the gateway refuses for what they say of themselves: others miss nothing. */
const isOfOneClientAlone = ({ family, suspects }: IncidentFacts): boolean =>
  family === 'gateway' && suspects[0]?.name === 'one_client';

/** An incident as it is now, told as opened. */
export function openedAlert(
  facts: IncidentFacts,
  text: string,
  { id, at, deployment, member, subject }: Pick<Alert, 'id' | 'at' | 'deployment' | 'member' | 'subject'>,
): Alert {
  const { about, ...content } = incident(facts, text, 'opened');
  return { id, at, deployment, member, subject, about: about ?? content.key, ...content };
}

/** The application's process has ended by itself, or was killed: its next end is the same thing, and a crash loop of it too. */
function isOfCrash({ upstream, suspects }: IncidentFacts): boolean {
  const [first] = suspects;
  return upstream !== '' && (first?.name === 'out_of_memory' || first?.name === 'crash');
}

function whereText({ upstream, upstreams }: IncidentFacts): string {
  if (upstreams.length > 1) return ` at ${upstreams.length} upstreams`;
  return upstream === '' ? '' : ` at ${upstream}`;
}

function extentOf({ family, failed, requests, attemptsFailed }: IncidentFacts): string {
  if (family === 'slower') return `${failed} of ${requests} requests took longer than usual`;
  if (family === 'changed') return `${failed} of ${requests} requests were answered otherwise than before`;
  return failed === 0
    ? `${attemptsFailed} attempts failed, hidden by retries`
    : `${failed} of ${requests} requests failed`;
}

type CertificateEvent = Extract<Event, { kind: `certificate_${string}` }>;

const day = 86_400_000;

const expirySteps = ['21 days', '7 days', '1 day', 'expired'] as const;

function certificate(event: CertificateEvent): AlertContent {
  const [name = 'no name'] = event.evidence.names;
  const of = (
    title: string,
    change: Alert['change'],
    severity: AlertSeverity,
    rest: Partial<AlertContent> = {},
  ): AlertContent => ({
    ...noneOf,
    key: `certificate:${name}`,
    kind: 'certificate',
    title,
    text: sentenceOf(event.reason),
    change,
    severity,
    ...rest,
  });
  switch (event.kind) {
    case 'certificate_issued':
      return of(`a certificate for ${name} was obtained`, 'resolved', 'info');
    case 'certificate_not_yet_valid':
      return of(`the certificate for ${name} is not valid yet`, 'opened', 'critical', { steps: ['early'] });
    case 'certificate_renewal_failed': {
      const { validUntil, fix } = event.evidence;
      const leftMs = validUntil === null ? 0 : Date.parse(validUntil) - event.at;
      const severity = leftMs < 3 * day ? 'critical' : 'warning';
      return of(`no certificate for ${name} could be obtained`, 'opened', severity, {
        nextStep: fix,
        steps: severity === 'critical' ? ['failed', 'failed, three days left'] : ['failed'],
      });
    }
    case 'certificate_expiring': {
      if (event.to === 'valid') return of(`the certificate for ${name} was replaced`, 'resolved', 'info');
      const { daysLeft, notAfter } = event.evidence;
      const reached = event.to === 'expired' ? 4 : daysLeft <= 1 ? 3 : daysLeft <= 7 ? 2 : 1;
      const title =
        event.to === 'expired'
          ? `the certificate for ${name} has expired`
          : `the certificate for ${name} expires within ${expirySteps[reached - 1]}`;
      return of(title, 'opened', daysLeft <= 1 ? 'critical' : 'warning', {
        steps: expirySteps.slice(0, reached).map((step) => `${notAfter} ${step}`),
      });
    }
  }
}

function records(event: Extract<Event, { kind: 'store_failing' | 'log_dropped' }>): AlertContent {
  const isStore = event.kind === 'store_failing';
  const what = isStore ? 'the store' : 'the log';
  const isFailing = event.to === 'failing';
  // What cannot be written waits in memory at first.
  const hasLost = event.kind === 'log_dropped' && event.evidence.count > 0;
  // Another file has taken its place already: there is no end to report.
  const isOnce = isStore && faultsOfOneFile.has(event.evidence.fault);
  return {
    ...noneOf,
    about: `records:${isStore ? 'store' : 'log'}`,
    key: `records:${isStore ? 'store' : 'log'}${isOnce ? `:${event.epoch}-${event.seq}` : ''}`,
    kind: 'records',
    change: isFailing ? 'opened' : 'resolved',
    severity: 'warning',
    title: !isFailing ? `${what} is written again` : hasLost ? `${what} loses records` : `${what} cannot be written`,
    text: sentenceOf(event.reason),
    nextStep: isFailing ? `${recordsStep(event)}.` : null,
    steps: !isFailing ? [] : hasLost ? ['failing', 'lost'] : ['failing'],
  };
}

function recordsStep(event: Extract<Event, { kind: 'store_failing' | 'log_dropped' }>): string {
  if (event.kind === 'store_failing')
    return storeFaultStep({ ...event.evidence, path: nearestThere(event.evidence.path) });
  return 'Look at the space and the owner of its folder (`df -h`, `ls -ld`)';
}

/** Of burn rates; the fastest is the worst. */
const tiers = ['slow', 'medium', 'fast'] as const;

function objective({ evidence, reason, to }: Extract<Event, { kind: 'slo_burning' }>): AlertContent {
  const { route, objective: kind, tier, burnRate, budgetLeft } = evidence;
  return {
    ...noneOf,
    key: `slo:${kind}:${route}`,
    kind: 'slo',
    change: tier === null ? 'resolved' : 'opened',
    severity: tier === null ? 'info' : tier === 'slow' ? 'warning' : 'critical',
    routes: [route],
    title: `the ${kind} of ${route} ${tier !== null ? 'is missed' : to === 'removed' ? 'is no objective any more' : 'is kept again'}`,
    text: sentenceOf(reason),
    evidence:
      tier === null
        ? []
        : [`burn rate ${burnRate}`, `${Math.round(budgetLeft * 100)} % of the budget of three days left`],
    nextStep:
      tier === null
        ? null
        : `Run \`candor incidents\` for what fails, and \`candor logs '${missingRequestsQuery(route, evidence.underMs)}'\` for single requests.`,
    steps: tier === null ? [] : tiers.slice(0, tiers.indexOf(tier) + 1),
  };
}

function disk({ subject, evidence, reason, to }: Extract<Event, { kind: 'disk_space' }>): AlertContent {
  const isLow = to === 'low';
  const { path } = evidence;
  return {
    ...noneOf,
    key: subject,
    kind: 'disk',
    change: isLow ? 'opened' : 'resolved',
    severity: 'warning',
    title: isLow ? `the disk of ${path} is nearly full` : `the disk of ${path} is no longer nearly full`,
    text: sentenceOf(reason),
    nextStep: isLow ? `Free space there (\`du -xh --max-depth=1 ${path}\`).` : null,
    steps: isLow ? ['low'] : [],
  };
}

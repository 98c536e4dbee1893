import { lowerFirst, upperFirst } from '#failures/first-letter.ts';
import { specOfCause } from '#failures/failure-texts.ts';
import { mayBeTimeout } from './error-waits.ts';
import { familyOfCause, isNotHttp } from './failure-family.ts';
import type { SuspectKind } from '../core/live-incident.ts';
import { changeText, latenessText } from './incident-sentence.ts';
import { datedLines } from './evidence-lines.ts';
import { withTarget, outputStepOf, foreignLogStep } from './step-target.ts';
import { stoppedEvidence, stoppedFinding } from './stopped-processes.ts';
import { failedStarts, ownExits } from './suspected-exits.ts';
import { shortages } from './suspected-shortages.ts';
import type { CountedFailure } from './upstream-failures.ts';
import { applicationsOf, type NewestFailure, type WatchedUpstream } from './watched-upstream.ts';
import {
  type Rule,
  type SuspectContext,
  type SuspectFinding,
  shownMax,
  checksFound,
  checksMet,
  mostFrequentOf,
  specOfMost,
  races,
  refused,
  causesOfAnotherProgram,
  invalid,
  otherProtocol,
  sawNothingListening,
  seen,
  isOf,
  isEndpointOf,
  shareOf,
  sum,
  names,
  usualWithin,
  duration,
  listOf,
  percent,
} from './suspect-facts.ts';

/** What processes of the application have nearly used up, and that they are stopped. */
function strainsOf(watched: WatchedUpstream): readonly string[] {
  const { processes = [] } = watched;
  const strains = processes.flatMap(({ instance, strains: all }) => all.map((strain) => `${instance}: ${strain}`));
  return [...stoppedEvidence(watched), ...strains].slice(0, shownMax);
}

/** Whether a check asks the application for something: there may be none, or one that only connects. */
const looksAtApplication = (check: string): boolean => check !== 'none' && check !== 'tcp';

/** What asks several times, in parentheses. Requests that may change something are not repeated. */
function repeatedGet(newest: NewestFailure | null): string {
  const method = newest?.method ?? null;
  if (method !== null && method !== 'GET') return '';
  const which = method === null ? 'for requests with GET, ' : '';
  return ` (${which}\`for n in $(seq 20); do curl -s --http0.9 --raw -i http://HOST:PORT/PATH | head -c 400 | cat -v; done\` asks several times, since one response may be good)`;
}

/** Whether another endpoint, with at most half their share of failures, would have got the requests if the check had taken these out. */
function hasOtherEndpoint({ incident, watched }: SuspectContext, subjects: ReadonlySet<string>): boolean {
  const isOwn = (endpoint: string): boolean => subjects.has(`endpoint:${endpoint}`);
  const own = incident.endpoints.filter(({ endpoint }) => isOwn(endpoint));
  const attempts = sum(own);
  const share = attempts === 0 ? 1 : own.reduce((all, { failed }) => all + failed, 0) / attempts;
  const failing = new Set(
    incident.endpoints.filter((one) => one.failed > 0.5 * share * one.attempts).map(({ endpoint }) => endpoint),
  );
  return watched.endpoints.some(({ id, state }) => state === 'healthy' && !isOwn(id) && !failing.has(id));
}

/** No instance has become ready yet, and none has ended: what keeps them is what their checks see. Null: it is not so. */
function neverReadyFinding(context: SuspectContext): SuspectFinding | null {
  const { incident, watched } = context;
  const { application, endpoints } = watched;
  const isStarting = endpoints.length > 0 && endpoints.every(({ state }) => state === 'starting');
  if (
    application === null ||
    !isOf(incident, 'not_ready') ||
    !isStarting ||
    ownExits(context).length + failedStarts(context).length > 0
  )
    return null;
  const output = outputStepOf(context) ?? 'See what it printed last in `candor status`';
  const fix = endpoints.find(({ finding }) => finding?.fix != null)?.finding?.fix ?? null;
  return {
    fit: 0.5,
    sentence: 'The application was started, and has not become ready.',
    evidence: endpoints.slice(0, shownMax).map(({ id, reason }) => `${id}: ${reason}`),
    nextStep:
      fix === null ? `${output}, and fix what keeps its readiness path from answering 200.` : `${upperFirst(fix)}.`,
  };
}

/** Where requests fail while processes do nothing: they wait, fill the pool and its queue, and then checks fail. */
const effectsOfStop = ['slow', 'full', 'not_ready', 'gone', 'network', 'gateway'] as const;

/** Checks, or a look at the endpoint, have got no answer: whatever else requests meet follows from that. */
function hangs(context: SuspectContext): boolean {
  const { incident, directLook } = context;
  if (checksFound(context, (cause) => familyOfCause(cause) === 'slow')) return true;
  return isOf(incident, 'full') && directLook?.isAccepting === true && directLook.isHanging;
}

/** Requests on kept connections are answered as ever: only new connections wait. */
const asEverMax = 0.03;

function acceptedLate({ connectsAgain }: SuspectContext): SuspectFinding | null {
  if (connectsAgain === null || (connectsAgain.slowShareOfUsed ?? 1) >= asEverMax) return null;
  const { connects, again } = connectsAgain;
  return {
    fit: 0.78,
    sentence:
      'The application takes new connections late: its queue of connections is full, and requests on kept connections are answered as ever.',
    evidence: [`${again} of ${connects} new connections took a second or more to come about`],
    nextStep:
      'See with `ss -ltn` whether Recv-Q of its socket reaches Send-Q, and give the application more workers or threads that accept connections, or a longer backlog (`net.core.somaxconn`).',
  };
}

/** The share of the routes on which some requests wait, where all of them do. */
const everyRouteMin = 0.75;

/** Some requests are not answered, and the others as fast as ever: what serves them does not stand still as a whole. */
function waitingPart({ incident, part, split, watched }: SuspectContext): SuspectFinding | null {
  if (part === null) return null;
  const { requests, long, limitMs, routes, routesOf } = part;
  const isEverywhere = routes.length > 1 && routes.length >= everyRouteMin * routesOf;
  const where = isEverywhere
    ? 'all routes and clients alike'
    : `the ${routes.length === 1 ? 'route' : 'routes'} ${listOf(routes)}`;
  const share = percent(Math.max(0.01, long / requests));
  const isOfWorkers = split === null;
  return {
    fit: 0.62,
    sentence: isOfWorkers
      ? `A part of the application's workers, threads or connections does not answer, or only late: ${share} of the requests of ${where} wait, and the others are answered as fast as ever.`
      : `The application does not answer some of its requests: ${share} of those of ${where}.`,
    evidence: [
      `${long} of ${requests} requests of the last minute waited longer than ${duration(limitMs)}`,
      ...(incident.lateness === undefined ? [] : [latenessText(incident.lateness)]),
      ...strainsOf(watched),
    ],
    nextStep: isOfWorkers
      ? 'See which of its workers, threads or connections to a database stand still: take a thread or stack dump of each process, and look for pauses of the garbage collector and locks that are not given back; a restart of these frees them meanwhile.'
      : 'Send one of these requests by hand, and see in `candor logs` what they have in common.',
  };
}

/** What it sends begins as soon as ever: it has the answer, and cannot read or send the rest of it. */
function sendsSlowly({ incident: { lateness }, watched }: SuspectContext): SuspectFinding | null {
  if (lateness?.isOfBody !== true) return null;
  return {
    fit: 0.56,
    sentence: `The application, or something it waits for, has become slow: responses of the route ${lateness.route} begin as soon as ever, and their bodies come slowly.`,
    evidence: [latenessText(lateness), ...strainsOf(watched)],
    nextStep: `Fetch one of them at the endpoint itself with \`curl\`: if it comes slowly there too, look at the storage that it is read from (its own limits and credits), and at what it is made of piece by piece; if not, at the network in between, and at \`bandwidth\` of the route ${lateness.route}.`,
  };
}

/** Short pauses that repeat: a collection of garbage, a save to disk, a link that fails for a moment. */
function repeatedPauses({ incident, pauses, watched }: SuspectContext): SuspectFinding | null {
  if (pauses === null) return null;
  const { count, withinS, everyS } = pauses;
  return {
    fit: 0.6,
    sentence: `The application, or something it waits for, stands still for a moment every ${everyS} s; in between it answers as fast as ever.`,
    evidence: [
      `${count} pauses in the last ${withinS} s, each with late responses to several clients or on several routes`,
      ...(incident.lateness === undefined ? [] : [latenessText(incident.lateness)]),
      ...strainsOf(watched),
    ],
    nextStep: `Look for what runs every ${everyS} s: collections of garbage, a database or cache that saves to disk, a job, backups, a network link that fails for a moment; the log of the application at these times may name it.`,
  };
}

/** What begins well and breaks off. */
const truncated: ReadonlySet<CountedFailure> = new Set(['response_chunked_truncated', 'response_body_short']);

/** A smaller share of the requests fails than a check could be expected to show. */
const rareShare = 0.4;

/** So many requests, and this share of those that are late, were left at the same time. */
const abandonedMin = 8;
const abandonedShareMin = 0.3;

/** With what an application answers when it has waited in vain: other statuses say something else, such as that it refuses the request. */
const statusesOfWait: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** The other routes fail so much more seldom that they do not use what does not answer. */
const wellShareMax = 0.1;

/** Where so few requests fail, the time says whether it is a timeout. */
const smallShare = 0.1;

/** The application's own errors come after one time, which is its timeout for something that it calls. */
function waitedInVain(context: SuspectContext): SuspectFinding | null {
  const { incident, waited } = context;
  if (!isOf(incident, 'application') || waited === null) return null;
  const { routes, errors, afterMs, status, elsewhere } = waited;
  // What all endpoints need does not fail at one of them.
  if ((status !== null && !statusesOfWait.has(status)) || shortages.one_endpoint(context) !== null) return null;
  const isTimeout = mayBeTimeout(afterMs) || incident.failed > smallShare * incident.requests;
  const isWellElsewhere = elsewhere !== null && elsewhere.failed <= wellShareMax * elsewhere.requests;
  const after = duration(afterMs);
  const failing = incident.endpoints.filter(({ failed }) => failed > 0).length;
  const output = outputStepOf(context) ?? "Look at the application's log at that time";
  return {
    // Where every route fails so, it may also be what the application waits for in itself.
    fit: !isTimeout ? 0.49 : isWellElsewhere ? 0.84 : 0.76,
    sentence: `Something that the application calls does not answer: its own errors come after ${after}, its timeout for it, on the ${routes.length === 1 ? 'route' : 'routes'} ${listOf(routes)}.`,
    evidence: [
      `${errors} of its errors in the last minute${status === null ? '' : `, ${status}`}: nearly all after ${after}`,
      ...(failing > 1 ? [`${failing} endpoints alike`] : []),
      ...(elsewhere === null
        ? []
        : [
            `${elsewhere.routes === 1 ? 'the other route' : `${elsewhere.routes} other routes`}: ${elsewhere.failed} of ${elsewhere.requests} requests failed`,
          ]),
    ],
    nextStep: `${output}: what does it call on ${routes[0]} with a timeout of ${after}, such as another service or a database? Look there; until it answers, a shorter timeout fails sooner and keeps the rest free.`,
  };
}

/** What the application does by itself. */
export const applications = {
  dependency: (context) => {
    const { incident, watched } = context;
    const advice = watched.endpoints.flatMap(({ id, advice: text }) => (text === null ? [] : [`${id} says: ${text}`]));
    if (advice.length === 0) return waitedInVain(context);
    if (isOf(incident, 'dns', 'tls', 'garbage', 'gateway', 'network')) return null;
    return {
      fit: isOf(incident, 'application', 'slow', 'slower', 'not_ready') ? 0.88 : 0.6,
      sentence: 'Something that the application needs does not work, as its health document says.',
      evidence: advice.slice(0, shownMax),
      nextStep: 'Look at what the health document names; the application fails because of it.',
    };
  },
  lying_check: (context) => {
    const { incident, watched } = context;
    const found = seen(
      context,
      'health_disagreement',
      // From unhealthy: its checks fail while most of its requests are answered.
      ({ subject, from, evidence }) =>
        isEndpointOf(subject, incident.upstream) &&
        from !== 'unhealthy' &&
        evidence.failures > 0 &&
        looksAtApplication(evidence.check),
    );
    // A check of the connection would have seen that nothing listens.
    if (shareOf(incident, refused) >= 0.5 || sawNothingListening(context)) return null;
    // A check uses a connection of its own, and sees nothing of what happens to those that are kept.
    if (shareOf(incident, races) >= 0.5 && context.staleReusesFailed >= 0.5 * incident.failed) return null;
    // A check that fails too, even if later than requests, does look at what fails.
    const failing = new Set(
      watched.endpoints.flatMap(({ id, state }) => (state === 'unhealthy' ? `endpoint:${id}` : [])),
    );
    const passing = found.filter(({ event }) => !failing.has(event.subject));
    if (passing.length === 0) return null;
    const subjects = new Set(passing.map(({ event }) => event.subject));
    const isElsewhere = hasOtherEndpoint(context, subjects);
    const key = applicationsOf(watched).length > 0 ? 'readiness.path' : 'check.path';
    // Its own words say more than that the check has missed it.
    const isExplained = incident.excerpts?.some(({ source }) => source !== 'check') === true;
    const isCommon = subjects.size * 2 < watched.endpoints.length || (isOf(incident, 'slow') && !isElsewhere);
    // A check is not expected to meet what some requests meet, or what is late.
    const isRare = incident.failed < rareShare * incident.requests || isOf(incident, 'slower');
    // Nor what breaks off behind a good beginning.
    const breaksOff = shareOf(incident, truncated) >= 0.5;
    return {
      // Where every endpoint hangs, a better check would not get any request answered: why they hang comes first.
      fit: breaksOff ? 0.44 : isRare || (isOf(incident, 'application') && isExplained) ? 0.45 : isCommon ? 0.5 : 0.74,
      sentence: 'The health check passes while requests fail: it does not look at what fails.',
      evidence: datedLines(passing),
      nextStep: `Let the path that the check requests (\`${key}\`) use what the application needs, or report it in the health document.`,
    };
  },
  failing_check: (context) => {
    const { incident, watched } = context;
    const neverReady = neverReadyFinding(context);
    if (neverReady !== null) return neverReady;
    // A check that met a failure of its own has shown that the application does not answer.
    const unhealthy = watched.endpoints.filter(({ state, checkCause }) => state === 'unhealthy' && checkCause === null);
    if (!isOf(incident, 'not_ready') || unhealthy.length === 0 || incident.attemptsFailed > 0) return null;
    // They are out because the process ended, and not by a check.
    if (ownExits(context).length > 0 || failedStarts(context).length > 0) return null;
    return {
      fit: 0.7,
      sentence: 'Health checks have taken all endpoints out; no request had failed there.',
      evidence: unhealthy.slice(0, shownMax).map(({ id, reason }) => `${id}: ${reason}`),
      nextStep: 'Request the path of the check by hand; correct the check if the application works.',
    };
  },
  invalid_responses: (context) => {
    const { incident, validBetween, watched, newestFailure } = context;
    if (shareOf(incident, causesOfAnotherProgram(context)) >= 0.5) return null;
    const met = checksMet(context, (cause) => invalid.has(cause) && !otherProtocol.has(cause));
    if (met !== null) {
      const { title, nextStep } = specOfCause(met.cause);
      return {
        fit: 0.68,
        sentence: `The application sends responses that are no valid HTTP: ${lowerFirst(title)}.`,
        evidence: met.evidence,
        nextStep: withTarget(nextStep, incident, watched),
      };
    }
    if (shareOf(incident, invalid) < 0.3) return null;
    const most = mostFrequentOf(incident, invalid);
    if (validBetween !== null && most !== null)
      return {
        fit: 0.745,
        sentence: 'The application sends some responses that are no valid HTTP, and others that are.',
        evidence: [names(incident, null), `${validBetween} responses of the same endpoints were HTTP meanwhile`],
        nextStep: withTarget(
          `See in \`candor explain ${newestFailure?.id ?? 'ID'}\` which bytes came${repeatedGet(newestFailure)}, and search the application for what writes them before a response, within its head, or after the end of an earlier one.`,
          incident,
          watched,
        ),
      };
    const spec = specOfMost(incident, invalid);
    // The title of what is not HTTP at all says no more than the sentence.
    const title = most === null || isNotHttp(most) || spec === null ? '' : `: ${lowerFirst(spec.title)}`;
    return {
      fit: 0.68,
      sentence: `The application sends responses that are no valid HTTP${title}.`,
      evidence: [names(incident, null)],
      nextStep: withTarget(spec?.nextStep ?? 'See in `candor explain ID` which bytes came.', incident, watched),
    };
  },
  slow_application: (context) => {
    const { incident, watched } = context;
    const output = outputStepOf(context);
    const { isWhole = false, ...stopped } = stoppedFinding(context) ?? {};
    const isHung = hangs(context);
    const isStopped = isWhole && isOf(incident, ...effectsOfStop);
    const { lateness } = incident;
    if (!isOf(incident, 'slow', 'slower') && !isHung && !isStopped) return null;
    const late = isStopped ? null : acceptedLate(context);
    if (late !== null) return late;
    const slowBodies = isStopped ? null : sendsSlowly(context);
    if (slowBodies !== null) return slowBodies;
    const part = isStopped ? null : (waitingPart(context) ?? repeatedPauses(context));
    if (part !== null) return part;
    const usualMs = usualWithin(context, 0.5);
    return {
      // Its connections are all in use because nothing is answered.
      fit: isHung && isOf(incident, 'full') ? 0.8 : 0.55,
      sentence: 'The application, or something it waits for, has become slow or hangs.',
      evidence: [
        ...(lateness === undefined ? [names(incident, null)] : [latenessText(lateness)]),
        ...(usualMs === null || lateness !== undefined
          ? []
          : [`half of its responses used to take up to ${duration(usualMs)}`]),
        ...strainsOf(watched),
      ],
      nextStep:
        output === null
          ? 'See what the application waits for: its log, its database, its CPU; `candor explain` shows single requests.'
          : `${output}, and in \`candor status\` how much processor time it uses: what does it wait for, such as its database? \`candor explain\` shows single requests.`,
      ...stopped,
    };
  },
  client_timeout: ({ incident, abandoned }) => {
    if (!isOf(incident, 'slower', 'slow') || abandoned === null || abandoned.afterMs === null) return null;
    const { route, count, afterMs } = abandoned;
    if (count < abandonedMin || count < abandonedShareMin * incident.failed) return null;
    return {
      fit: 0.58,
      sentence: `Clients, or a gateway in front of this one, give up after ${duration(afterMs)}, before the application answers.`,
      evidence: [`${count} requests of the route ${route} were left after ${duration(afterMs)}, in the last minute`],
      nextStep: `See what makes ${route} slow; until then make the timeout of the gateway or client in front longer than ${duration(afterMs)}, or answer sooner and do the work later.`,
    };
  },
  changed_responses: ({ incident }) => {
    if (!isOf(incident, 'changed')) return null;
    const { routes: changed, answers, failed } = incident;
    if (answers?.missing !== undefined)
      return {
        fit: 0.5,
        sentence: `Clients ask for paths that are not there: 404 on the route ${answers.route}, and as many requests are missing at ${answers.missing.path} of the route ${answers.missing.route}.`,
        evidence: [`${failed} responses with 404, of many clients, which began when the others went missing`],
        nextStep: `See in \`candor logs\` which paths of ${answers.route} get 404 and what asks for them: a new version of an app, a plug-in or a page builds wrong addresses. Until it is corrected, a route for these paths helps.`,
      };
    const routes = `the ${changed.length === 1 ? 'route' : 'routes'} ${listOf(changed.map(({ route }) => route))}`;
    return {
      fit: 0.5,
      sentence:
        answers === undefined
          ? `The application answers with 4xx what it answered well before, on ${routes}.`
          : `The application answers with ${changeText(answers)}.`,
      evidence: [
        `${failed} responses with ${changeText(answers)}; of those of the last hour fewer than one in 20 were so`,
      ],
      nextStep:
        answers === undefined
          ? 'See in `candor logs` the paths and statuses: 404 means that other code, another application or other data answers there, 401 and 403 that logins or their provider do not work.'
          : `Open a page of ${routes} as a visitor would: other content with a good status is mostly a login or error page, a feature that was switched, another application, or a store that has lost its data.`,
    };
  },
  application_errors: (context) => {
    const { incident, watched } = context;
    const output = outputStepOf(context);
    if (!isOf(incident, 'application')) return null;
    return {
      fit: 0.5,
      sentence:
        'The application itself answers with errors (5xx, or gRPC statuses that say the same); the gateway passes its responses on.',
      evidence: [
        incident.routes.length === 1
          ? `all on the route ${incident.routes[0]?.route}`
          : `on ${incident.routes.length} routes: ${listOf(incident.routes.map(({ route }) => route))}`,
        ...strainsOf(watched),
      ],
      nextStep: output === null ? foreignLogStep(incident) : `${output}.`,
    };
  },
} satisfies Partial<Record<SuspectKind, Rule>>;

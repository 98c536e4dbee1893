import { conditionText } from '../core/exchange-query.ts';
import type { SuspectKind } from '../core/live-incident.ts';
import { userPrefix } from '../core/route-traffic.ts';
import { percent, type Rule, isOf, rate, rounded, type SuspectContext, type SuspectFinding } from './suspect-facts.ts';
import { settingText } from './present-settings.ts';
import { retriedShare } from './retried-routes.ts';
import { shortages } from './suspected-shortages.ts';

/** Fewer failures may all be of one client by chance. */
const failuresMin = 10;

/** Nearly all: a few of others come with every application. */
const clientShareMin = 0.75;

/** Requests of others that were answered show that what they need works. */
const othersMin = 20;

/** Where more of the others' requests fail, something else is wrong as well, and is worse. */
const othersFailedMax = 0.05;

/** So many times more often requests of the client fail than those of others: else it only makes most of the requests. */
const oftenerMin = 5;

/** The growth is of one client where it has so much of all requests. Nearly all come from one address where a proxy is in front. */
const floodShare = { min: 0.4, max: 0.95 } as const;

/** A wave that began longer before an incident is another one. */
const limitedBeforeMs = 300_000;

function flooding(context: SuspectContext): SuspectFinding | null {
  const growth = shortages.traffic_growth(context);
  const { busiest, watched } = context;
  if (growth === null || busiest === null || busiest.share < floodShare.min || busiest.share > floodShare.max)
    return null;
  const { client, share } = busiest;
  return {
    fit: growth.fit + 0.01,
    sentence: `One client, ${client}, sends some ${percent(share)} of all requests, and there are far more than before.`,
    evidence: [...growth.evidence, ...limitedText(context, client)],
    nextStep: `See with ${logsOf(client, watched)} what it requests, and bound it with \`rate_limits\` by ${isUser(client) ? 'user' : 'address'} until it sends less.`,
  };
}

/** Few requests may be dear: reports, searches, exports. What the application cannot do beside them fails or is slow on every route. */
function demanding(context: SuspectContext): SuspectFinding | null {
  const { incident, demanding: found, watched } = context;
  if (found === null || !isOf(incident, 'application', 'slow', 'slower', 'full', 'gone')) return null;
  const { client, route, share, before, perS } = found;
  return {
    fit: 0.78,
    sentence: `One client, ${client}, sends some ${percent(share)} of the requests of the route ${route}, which has far more than usual.`,
    evidence: [
      `${route}: ${rate(before)} as usual, ${rate(perS)} in the last seconds`,
      ...limitedText(context, client),
    ],
    nextStep: `See with ${logsOf(client, watched)} what it requests; bound it with \`rate_limits\` of the route ${route}, and see whether the other requests are answered again.`,
  };
}

/** What limits have refused of it meanwhile: the application has got the rest. */
function limitedText({ events }: SuspectContext, client: string): string[] {
  const name = isUser(client) ? client.slice(userPrefix.length) : client;
  for (const { event, afterMs } of events.toReversed())
    if (event.kind === 'limit_refusals' && event.evidence.client === name && afterMs > -limitedBeforeMs) {
      const { limit, refused, admitted, ofClient } = event.evidence;
      return [
        `the limit ${limit} has refused ${ofClient} of its requests in ten seconds, ${refused} of all ${refused + admitted}`,
      ];
    }
  return [];
}

const isUser = (client: string): boolean => client.startsWith(userPrefix);

const searchFor = (client: string): string =>
  isUser(client) ? conditionText('user', client.slice(userPrefix.length)).replaceAll("'", `'\\''`) : `client:${client}`;

export const logsOf = (client: string, { storesOutput }: SuspectContext['watched']): string =>
  `\`candor logs '${searchFor(client)}'\`${storesOutput === true ? '' : ' (needs a `store`)'}`;

function failingAlone(context: SuspectContext): SuspectFinding | null {
  const { incident, topClient, watched } = context;
  if (topClient === null || !isOf(incident, 'application', 'garbage', 'slow', 'slower', 'gone')) return null;
  const { client, failed, answered, shareOfAnswered } = topClient;
  if (incident.failed < failuresMin || failed < clientShareMin * incident.failed) return null;
  const others = { failed: incident.failed - failed, answered: Math.round(answered * (1 - shareOfAnswered)) };
  if (others.answered < othersMin) return null;
  if (others.failed > othersFailedMax * (others.failed + others.answered)) return null;
  const share = failed / (failed + answered * shareOfAnswered);
  if (oftenerMin * others.failed > share * (others.failed + others.answered)) return null;
  const logs = logsOf(client, watched);
  return {
    // Clients that stay at one endpoint fail with it.
    fit: shortages.one_endpoint(context) === null ? 0.82 : 0.7,
    sentence: `Nearly all requests that ${isOf(incident, 'slower') ? 'wait' : 'fail'} are those of one client, ${client}; other clients are answered.`,
    evidence: [
      `${client} has ${percent(failed / incident.failed)} of the ${incident.failed} failed requests`,
      `of the requests of other clients on the same routes ${others.failed} failed, and about ${others.answered} were answered`,
    ],
    nextStep: `See with ${logs} what it requests, and send one of these requests by hand: the application fails on it, or this client sends what it must not. Until that is corrected the other clients need nothing.`,
  };
}

/** A client can write the headers itself by which loops are found. */
function claimingLoop({ incident, loopClient, watched }: SuspectContext): SuspectFinding | null {
  if (loopClient === null) return null;
  const { client, share } = loopClient;
  return {
    fit: 0.85,
    sentence: `Nearly all requests that are refused for the gateways which they name come from one client, ${client}, which may have made up these names.`,
    evidence: [`${client} has ${percent(share)} of the ${incident.failed} failed requests`],
    nextStep: `See with ${logsOf(client, watched)} what it requests. If ${client} is no gateway and no application of yours, refuse it in front of the gateway, and nothing else is to be done; if it is one, see whether it sends requests back to where they come from.`,
  };
}

/** Retries that have begun an overload, and those that only make another cause worse, which stand behind it. */
const retriesFit = { first: 0.93, behind: 0.4 } as const;

/** What clients do. */
export const clients = {
  one_client: (context) => claimingLoop(context) ?? flooding(context) ?? failingAlone(context) ?? demanding(context),
  client_retries: (context) => {
    const { worst, isNow, beganIt } = context.retries ?? { worst: null };
    if (worst === null) return null;
    const { route, requestsPerS, retriesPerS, usualPerS } = worst;
    const bound = `bound its requests in flight with ${settingText('concurrency', context)}, so that the application gets no more than it can answer, and let the clients wait longer before each further attempt, and give up after a few`;
    return {
      fit: beganIt ? retriesFit.first : retriesFit.behind,
      sentence: `${percent(retriedShare(worst))} of the requests of ${route} ${isNow ? 'are' : 'were'} repetitions after a failure: ${rate(requestsPerS)} instead of ${rounded(usualPerS ?? 0)}.`,
      evidence: [
        `at least ${rate(retriesPerS)} of ${route} came from a client whose same request had failed within the 5 s before`,
        beganIt
          ? 'there were far more requests than before, for the most part such repetitions, before the first failure of the incident'
          : 'they came after the first failure of the incident: they have not caused it, and keep the application busy',
      ],
      nextStep: beganIt
        ? `See which requests of ${route} are repeated, and ${bound}.`
        : `First correct what fails; if ${route} stays overloaded, ${bound}.`,
    };
  },
} satisfies Partial<Record<SuspectKind, Rule>>;

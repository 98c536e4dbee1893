import type { SuspectKind } from '../core/live-incident.ts';
import { percent, type Rule, isOf } from './suspect-facts.ts';
import { shortages } from './suspected-shortages.ts';

/** Fewer failures may all be of one client by chance. */
const failuresMin = 10;

/** Nearly all: a few of others come with every application. */
const clientShareMin = 0.75;

/** Requests of others that were answered show that what they need works. */
const othersMin = 20;

/** So many times more often requests of the client fail than those of others: else it only makes most of the requests. */
const oftenerMin = 5;

/** What clients do. */
export const clients = {
  one_client: (context) => {
    const { incident, topClient, watched } = context;
    if (topClient === null || !isOf(incident, 'application', 'garbage', 'slow', 'gone')) return null;
    const { client, failed, answered, shareOfAnswered } = topClient;
    if (incident.failed < failuresMin || failed < clientShareMin * incident.failed) return null;
    const others = { failed: incident.failed - failed, answered: Math.round(answered * (1 - shareOfAnswered)) };
    if (others.answered < othersMin) return null;
    const share = failed / (failed + answered * shareOfAnswered);
    if (oftenerMin * others.failed > share * (others.failed + others.answered)) return null;
    const logs = `\`candor logs 'client:${client}'\`${watched.storesOutput === true ? '' : ' (needs a `store`)'}`;
    return {
      // Clients that stay at one endpoint fail with it.
      fit: shortages.one_endpoint(context) === null ? 0.82 : 0.7,
      sentence: `Nearly all requests that fail are those of one client, ${client}; other clients are answered.`,
      evidence: [
        `${client} has ${percent(failed / incident.failed)} of the ${incident.failed} failed requests`,
        `of the requests of other clients on the same routes ${others.failed} failed, and about ${others.answered} were answered`,
      ],
      nextStep: `See with ${logs} what it requests, and send one of these requests by hand: the application fails on it, or this client sends what it must not. Until that is corrected the other clients need nothing.`,
    };
  },
} satisfies Partial<Record<SuspectKind, Rule>>;

import type { DeniedBy } from '../failure.ts';
import type { FailureTable } from '../failure-spec.ts';
import { clause, quoted } from './formatting.ts';

/** Rules of the operator about who may enter, and how much. No endpoint was involved. */
export const declined = {
  rate_limited: {
    type: 'http_request_denied',
    status: 429,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'Too many requests',
    sentence: ({ policy, key, value, rate }) =>
      `More requests of ${key}${value === '' ? '' : ` ${quoted(value)}`} have come than the limit ${quoted(policy)} allows (${rate}).`,
    forClient: 'Too many requests came from you in a short time. Please wait a little before you try again.',
    usualCauses: [
      'a program asks in a loop, or without a pause after errors',
      'an office or a mobile network has one address for all of its people',
      'the limit is lower than what a page needs when it is opened',
      'somebody tries passwords or collects pages',
    ],
    nextStep:
      'See in `candor status` which keys reach the limit; if they are welcome, raise `rate` or `burst` of the limit, or name their networks in its `exempt`.',
  },
  too_many_requests_at_once: {
    type: 'http_request_denied',
    status: 429,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'Too many requests at once from one client',
    sentence: ({ policy, key, value, limit }) =>
      `${limit} requests of ${key}${value === '' ? '' : ` ${quoted(value)}`} are in flight already, as many as the limit ${quoted(policy)} allows.`,
    forClient: 'Too many of your requests are being worked on. Please wait until some of them are done.',
    usualCauses: [
      'a program sends many requests without waiting for answers',
      'the application answers so slowly that requests of one client add up',
      'people behind one address open the page at the same time',
    ],
    nextStep:
      'Compare the duration of these requests with what is usual (`candor logs`); if they are slow, look at the application first, else raise `at_once` of the limit.',
  },
  access_denied: {
    type: 'http_request_denied',
    status: 403,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'Access is denied',
    sentence: ({ by, value, because }) =>
      `The ${deniedBy[by] ?? by} ${quoted(value)} may not ask this route: ${clause(because)}.`,
    forClient: 'The rules of this site do not let you use this page. If you should be able to, ask its operators.',
    usualCauses: [
      'a client that the operator did not mean to let in',
      'an office or a VPN has another address than before',
      'the address is that of a proxy in front, which `trusted_peers` does not name',
      'a program or a certificate that a pattern is for, or that no pattern of `allow` is for',
    ],
    nextStep:
      'Compare the address, country, program or certificate above with `access` of the route (`candor route URL`); if all clients have one address, name the proxy in front in `trusted_peers`.',
  },
  not_authenticated: {
    type: 'http_request_denied',
    status: 401,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'The client has not authenticated',
    sentence: ({ scheme, fault }) => `The route asks for ${scheme}, and ${clause(fault)}.`,
    forClient: 'You have to log in, or to send a valid key, before you can use this page.',
    usualCauses: [
      'the client sent no credentials: browsers ask for a password after this answer',
      'a password, key or token that is wrong, has expired, or was withdrawn',
      "the client's clock or that of the issuer is wrong",
    ],
    nextStep:
      'Read in the record what was wrong; `candor route URL` shows how the route authenticates, and which file or issuer it believes.',
  },
  not_permitted: {
    type: 'http_request_denied',
    status: 403,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'The user may not do this',
    sentence: ({ scheme, user, lacks }) =>
      `The user ${quoted(user)} has authenticated by ${scheme}, and lacks ${clause(lacks)}.`,
    forClient: 'You are logged in, and this page is not for you. If it should be, ask its operators.',
    usualCauses: [
      'the user is in none of the groups that the route wants',
      'the issuer of the token does not put groups into it',
      'a token for another audience',
    ],
    nextStep: 'Compare what the route requires (`candor route URL`) with what the issuer says of the user.',
  },
  login_failed: {
    type: 'http_request_denied',
    status: 403,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The login did not succeed',
    sentence: ({ service, fault }) => `The login at ${quoted(service)} was not completed: ${clause(fault)}.`,
    forClient: 'The login did not succeed. Please open the page again and log in once more.',
    usualCauses: [
      'the person took longer than the login may take, or opened an old link',
      'cookies are blocked, or the login was begun in another browser',
      'the provider has refused the user, or does not know this client',
    ],
    nextStep: 'Read in the record what the provider said; the settings of the client must be the same at the provider.',
  },
  link_refused: {
    type: 'http_request_denied',
    status: 403,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'The link is not valid',
    sentence: ({ fault }) => `The route takes signed links alone, and ${clause(fault)}.`,
    forClient: 'This link is not valid, or not valid any more. Ask for a new one where you have it from.',
    usualCauses: [
      'the link has expired',
      'somebody has changed the link, or typed it',
      'the application signs with another key, or signs another text, than the gateway checks',
    ],
    nextStep: 'Make a link with `candor sign URL` and compare it with that of the application, part by part.',
  },
  authentication_busy: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'gateway',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'Too many passwords wait to be checked',
    sentence: ({ waiting }) =>
      `${waiting} passwords wait to be checked already; each takes a core for a while, so that nobody can try many.`,
    forClient: 'Many people log in at this moment. Please try again in a few seconds.',
    usualCauses: [
      'somebody tries passwords',
      'a program sends its password with each request, and its answers are not kept',
      'all users log in after a restart',
    ],
    nextStep:
      'See in `candor logs` which addresses send passwords; limit them with `rate_limits` on the route, or give programs API keys.',
  },
  authentication_unavailable: {
    type: 'destination_unavailable',
    status: 503,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'The service that decides who may enter did not answer',
    sentence: ({ service, reason }) =>
      `The gateway asked ${quoted(service)} whether the request may pass, and got no usable answer: ${clause(reason)}. Nothing was passed on.`,
    forClient: 'The service that checks logins is not available at the moment. Please try again soon.',
    usualCauses: [
      'the authentication service is down, restarts, or is slow',
      'its address or path in the configuration is wrong, or the secret by which it knows the gateway',
      'its certificate has expired, or is for another name',
    ],
    nextStep:
      'Look at the authentication service first: the record of its own request has the same time and the route "authentication of …" (`candor logs`).',
  },
} satisfies Partial<FailureTable>;

/** Records of a newer gateway may have others. */
const deniedBy: Readonly<Record<string, string>> = {
  network: 'address',
  country: 'country',
  user_agent: 'User-Agent',
  certificate: 'client certificate',
} satisfies Record<DeniedBy, string>;

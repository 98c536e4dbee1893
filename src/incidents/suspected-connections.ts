import { lowerFirst } from '#failures/first-letter.ts';
import type { Cause } from '#failures/failure.ts';
import { specOfCause } from '#failures/failure-texts.ts';
import { guessWords, type SpokenProtocol, stepOfOtherProtocol } from '#failures/guess-words.ts';
import { familyOfCause, isCause } from './failure-family.ts';
import type { CountedCause, FailureFamily, LiveIncident, SuspectKind } from '../core/live-incident.ts';
import { withTarget, outputStepOf } from './step-target.ts';
import { settingAside } from './present-settings.ts';
import { ownExits } from './suspected-exits.ts';
import {
  duration,
  percent,
  type Rule,
  type SuspectContext,
  type SuspectFinding,
  shownMax,
  checksFound,
  checksMet,
  specOfMost,
  refused,
  unheard,
  races,
  otherProtocol,
  causesOfAnotherProgram,
  certificates,
  reasons,
  isOf,
  sawNothingListening,
  shareOf,
  shareText,
  sheds,
  listOf,
  names,
} from './suspect-facts.ts';

/** Connections are cut again and again if some are so long after the first. */
const cutAgainMs = 3000;

/** The look itself is added as evidence, as it is for each suspect that it confirms. */
function otherProtocolSpoken(protocol: SpokenProtocol): SuspectFinding {
  return {
    fit: 0.92,
    sentence: `The endpoint speaks ${guessWords[protocol]}, ${protocol === 'http2' ? 'and the gateway speaks HTTP/1.1 with it' : 'which the gateway does not speak'}.`,
    evidence: [],
    nextStep: stepOfOtherProtocol[protocol],
  };
}

/** A few may have been closed for another reason. */
const quickResetsMax = 0.34;

/** That all failures come from one of several endpoints is chance with at most this probability. */
const ofOneByChanceMax = 0.05;

function isOfOneEndpoint({ endpoints }: LiveIncident): boolean {
  const [worst, ...others] = endpoints.toSorted((a, b) => b.failed - a.failed);
  if (worst === undefined || others.some(({ failed }) => failed > 0)) return false;
  const attempts = endpoints.reduce((sum, one) => sum + one.attempts, 0);
  return (worst.attempts / Math.max(1, attempts)) ** worst.failed <= ofOneByChanceMax;
}

function keepAliveRace(context: SuspectContext): SuspectFinding | null {
  const { incident } = context;
  // Those of all upstreams are counted together.
  const staleReusesFailed = Math.min(context.staleReusesFailed, incident.failed);
  const failed = Math.max(incident.failed, incident.attemptsFailed);
  if (shareOf(incident, races) < 0.8 || staleReusesFailed < incident.failed * 0.5 || staleReusesFailed === 0)
    return null;
  if (failed > incident.requests * 0.2) {
    // More than a race: unless a process has ended, which cuts all its connections at once.
    if (staleReusesFailed < incident.failed * 0.9 || incident.failed > incident.requests * 0.6) return null;
    if (incident.lastAt - incident.startedAt < cutAgainMs || ownExits(context).length > 0) return null;
    return {
      fit: 0.86,
      sentence: 'The application, or something before it, cuts connections that it has kept open.',
      evidence: [
        `${staleReusesFailed} of ${incident.failed} failed requests were sent on a connection that had served others`,
        `${incident.requests - incident.failed} requests were answered meanwhile`,
      ],
      nextStep:
        'Set `connections: { reuse: never }` for the upstream until the application keeps its connections; see why it cuts them, such as a limit of requests for each.',
    };
  }
  // A timeout for idle connections ends none that has been idle for less than others.
  if (context.quickResets !== null && context.quickResets > quickResetsMax) return null;
  return {
    // All endpoints of an application close idle connections alike.
    fit: isOfOneEndpoint(incident) ? 0.5 : 0.86,
    sentence: 'The application closes idle connections at the moment at which the gateway sends a request there.',
    evidence: [
      `${staleReusesFailed} requests failed on a connection that the endpoint was closing`,
      `${incident.requests - incident.failed} others were answered meanwhile`,
    ],
    nextStep: `Make the application's keep-alive timeout longer than the gateway's ${settingAside('connections.idle_timeout', context)}: in Node \`server.keepAliveTimeout\`.`,
  };
}

/** Requests that waited in vain were sent on connections that had been idle for longer than any on which a response came. */
function forgottenConnections(context: SuspectContext): SuspectFinding | null {
  const { incident, silent } = context;
  if (!isOf(incident, 'slow') || silent === null) return null;
  const { endpoint, requests, idleMs, answeredMs } = silent;
  const idle = duration(idleMs);
  return {
    fit: 0.88,
    sentence: `Something between the gateway and ${endpoint}, such as a firewall or an address translation, forgets connections that have been idle for ${idle}, and drops what is sent on them.`,
    evidence: [
      `${requests} requests waited in vain on connections that had been idle for ${idle} or longer`,
      answeredMs === 0
        ? 'on other connections responses came'
        : `responses came on connections that had been idle for ${duration(answeredMs)} at most`,
    ],
    nextStep: `Make the gateway's ${settingAside('connections.idle_timeout', context)} shorter than ${idle}, or have what is between keep idle connections for longer.`,
  };
}

/** What is late is late on the way. */
function slowNetwork({ incident, slowConnects }: SuspectContext): SuspectFinding | null {
  if (slowConnects === null || !isOf(incident, 'slow', 'slower', 'full')) return null;
  const { usualMs, nowMs } = slowConnects;
  return {
    fit: 0.8,
    sentence: `The network between the gateway and the endpoints is slow: a new connection takes ${duration(nowMs)} to come about.`,
    evidence: [`it used to take ${duration(usualMs)}; the application has no part in that`],
    nextStep:
      'Look with `ping` and `ip -s link` at the way to the endpoints: a full line, lost packets, or a host that moved.',
  };
}

/** What is lost on the way is sent again on kept connections too, and comes late there. */
const lostShareMin = 0.03;

/** The first packet of new connections is sent again: it is lost, or the queue of connections at the application is full. */
function lostPackets({ incident, connectsAgain }: SuspectContext): SuspectFinding | null {
  if (connectsAgain === null || !isOf(incident, 'slow', 'slower', 'full', 'network')) return null;
  const { connects, again, slowShareOfUsed } = connectsAgain;
  const isLost = slowShareOfUsed !== null && slowShareOfUsed >= lostShareMin;
  if (!isLost) return null;
  return {
    fit: 0.83,
    sentence:
      'Packets between the gateway and the endpoints are lost: new connections take one, three or seven seconds to come about, and requests on kept ones are late as well.',
    evidence: [
      `${again} of ${connects} new connections took a second or more to come about: their first packet was sent again`,
      `${percent(slowShareOfUsed)} of the requests on kept connections took a second or more`,
    ],
    nextStep:
      'See with `nstat -az TcpRetransSegs` and `ss -ti` how much is sent again, and with `mtr` and `ip -s link` where packets are lost on the way to the endpoints.',
  };
}

const quickly = ({ quickResets }: SuspectContext): readonly string[] =>
  quickResets === null || quickResets <= quickResetsMax
    ? []
    : [
        `${percent(quickResets)} of the kept connections that ended had been idle for less than half as long as others that were answered on: that is not why they ended`,
      ];

const listeningFamilies: ReadonlySet<FailureFamily | null> = new Set(['garbage', 'tls', 'slow', 'application']);

/** Only what accepts connections can fail so. */
const showsListening = (cause: CountedCause['cause']): boolean =>
  listeningFamilies.has(isCause(cause) ? familyOfCause(cause) : 'application');

/** So many of the endpoints are gone that the others may have too much to do. */
const goneShareMin = 0.5;

/** The application answers late, or refuses what is too much for it, since most of its processes are gone. */
function endpointsMissing(context: SuspectContext, is: (cause: Cause) => boolean): EndpointsMissing | null {
  const { incident, watched } = context;
  if (!sheds(context) && !isOf(incident, 'slow', 'slower', 'full')) return null;
  const all = watched.endpoints.filter(({ isRemoved, takenOutBy }) => isRemoved !== true && takenOutBy === undefined);
  const gone = all.filter(({ state, checkCause }) => state === 'unhealthy' && checkCause !== null && is(checkCause));
  const cause = gone[0]?.checkCause ?? null;
  if (cause === null || gone.length === all.length || gone.length < goneShareMin * all.length) return null;
  return {
    cause,
    names: listOf(gone.map(({ id }) => id)),
    areOne: gone.length === 1,
    which: `${gone.length} of ${all.length} endpoints of the application, and the others have more to do than they can`,
    evidence: gone.slice(0, shownMax).map(({ id, reason }) => `${id}: ${reason}`),
  };
}

interface EndpointsMissing {
  /** With which the checks of the first fail. */
  readonly cause: Cause;
  readonly names: string;
  readonly areOne: boolean;
  readonly which: string;
  readonly evidence: readonly string[];
}

const missingFit = 0.82;

function nothingListensAtSome(context: SuspectContext): SuspectFinding | null {
  const missing = endpointsMissing(context, (cause) => refused.has(cause));
  if (missing === null) return null;
  const { names: gone, areOne, which, evidence } = missing;
  return {
    fit: missingFit,
    sentence: `Nothing listens at ${which}.`,
    evidence,
    nextStep: `Start ${gone} again; the log of the application, or of what starts and stops its processes, says why ${areOne ? 'it has' : 'they have'} ended.`,
  };
}

/** Checks that TLS keeps from some endpoints leave the others with too much to do. */
function handshakesFailAtSome(context: SuspectContext, is: (cause: Cause) => boolean): SuspectFinding | null {
  const missing = endpointsMissing(context, is);
  if (missing === null) return null;
  const { cause, which, evidence } = missing;
  const { title, nextStep } = specOfCause(cause);
  return {
    fit: missingFit,
    sentence: `TLS fails at ${which}: ${lowerFirst(title)}.`,
    evidence,
    nextStep: withTarget(nextStep, context.incident, context.watched),
  };
}

const isOfTlsSettings = (cause: Cause): boolean =>
  familyOfCause(cause) === 'tls' && !certificates.has(cause) && !otherProtocol.has(cause);

/** What keeps connections from coming about, or ends them. */
export const connections = {
  dns: (context) => {
    const { incident, watched } = context;
    if (!isOf(incident, 'dns') && !checksFound(context, (cause) => familyOfCause(cause) === 'dns')) return null;
    const cause = incident.cause === null ? null : specOfCause(incident.cause);
    const { length } = incident.upstreams;
    return {
      fit: 0.9,
      sentence:
        length > 1
          ? `No name can be looked up for ${length} upstreams: the name server of this machine does not answer, or fails.`
          : 'The name of an endpoint cannot be looked up.',
      evidence: [names(incident, null), ...reasons(context, 'name_state', ({ to }) => to !== 'resolved')],
      nextStep: withTarget(cause?.nextStep ?? 'Ask the name server with `dig NAME`.', incident, watched),
    };
  },
  certificate: (context) => {
    const { incident, watched } = context;
    const share = shareOf(incident, certificates);
    const met = checksMet(context, (cause) => certificates.has(cause));
    if (share < 0.5 && met === null) return handshakesFailAtSome(context, (cause) => certificates.has(cause));
    const spec = share >= 0.5 || met === null ? specOfMost(incident, certificates) : specOfCause(met.cause);
    return {
      fit: 0.94,
      sentence: `The endpoint's certificate is not accepted: ${lowerFirst(spec?.title ?? 'see the failures')}.`,
      evidence: [...(share > 0 ? [shareText(incident, certificates)] : []), ...(met?.evidence ?? [])],
      nextStep: withTarget(spec?.nextStep ?? 'Renew the certificate of the endpoint.', incident, watched),
    };
  },
  tls_settings: (context) => {
    const { incident, watched } = context;
    const met = checksMet(context, isOfTlsSettings);
    if (met === null && (!isOf(incident, 'tls') || incident.cause === 'tls_timeout'))
      return handshakesFailAtSome(context, isOfTlsSettings);
    if (shareOf(incident, certificates) >= 0.5) return null;
    const cause = met?.cause ?? incident.cause;
    const spec = cause === null ? null : specOfCause(cause);
    return {
      fit: 0.7,
      sentence: `TLS with the endpoint fails: ${lowerFirst(spec?.title ?? 'see the failures')}.`,
      evidence: met?.evidence ?? [names(incident, null)],
      nextStep: withTarget(
        spec?.nextStep ?? 'Compare the versions, the server name and the certificates on both sides.',
        incident,
        watched,
      ),
    };
  },
  keep_alive_race: keepAliveRace,
  another_program: (context) => {
    const { incident, directLook } = context;
    if (directLook?.speaks !== undefined && isOf(incident, 'gone', 'garbage', 'not_ready'))
      return otherProtocolSpoken(directLook.speaks);
    const kinds = causesOfAnotherProgram(context);
    const share = shareOf(incident, kinds);
    const met = checksMet(context, (cause) => otherProtocol.has(cause));
    if (share < 0.5 && met === null) return null;
    return {
      fit: 0.88,
      sentence: 'Something that does not speak the configured protocol answers at that address.',
      evidence: [...(share > 0 ? [shareText(incident, kinds)] : []), ...(met?.evidence ?? [])],
      nextStep:
        outputStepOf(context) === null
          ? 'See with `ss -ltnp` which program listens on that port, and compare port and scheme with the configuration.'
          : 'See in `candor explain ID` which bytes came: the application that the gateway runs listens there, and must speak HTTP in clear text (`http2` of the application: HTTP/2) at the port that it was told by PORT.',
    };
  },
  connections_cut: (context) => {
    const { incident, directLook } = context;
    if (directLook?.speaks !== undefined || sawNothingListening(context)) return null;
    const output = outputStepOf(context);
    const met = checksMet(context, (cause) => familyOfCause(cause) === 'gone' && !unheard.has(cause));
    if (met === null && (!isOf(incident, 'gone') || shareOf(incident, refused) >= 0.5)) return null;
    // It says of the same connections when they were cut.
    if (keepAliveRace(context) !== null) return null;
    return {
      fit: 0.45,
      sentence: 'The application, or something before it, cuts its connections.',
      evidence: [...(met?.evidence ?? [names(incident, null)]), ...quickly(context)],
      nextStep:
        output === null
          ? 'Look at its log: a process that ends, a timeout of its own, or a proxy between it and the gateway.'
          : `${output}, and in \`candor events\` whether its process ended; else it has a timeout of its own, or ends connections by itself.`,
    };
  },
  nothing_listens: (context) => {
    const { incident, watched, directLook } = context;
    if (!isOf(incident, 'gone', 'not_ready')) return nothingListensAtSome(context);
    const share = shareOf(incident, unheard);
    const isDown = checksFound(context, (cause) => unheard.has(cause));
    const isSeen = sawNothingListening(context);
    if (share < 0.5 && !isDown && !isSeen) return null;
    const wasCut = isSeen ? share < 0.5 && isOf(incident, 'gone') : shareOf(incident, races) > 0;
    const hasChanged = incident.additions.some(({ causes }) => causes.some(showsListening));
    const listensAgain = directLook?.isAccepting === true;
    const output = outputStepOf(context);
    return {
      fit: 0.6,
      sentence: wasCut
        ? 'The application ended: its connections were cut, and then nothing listened at its address.'
        : hasChanged
          ? 'At first nothing listened at the address of the application; later something did.'
          : listensAgain
            ? 'Nothing listened at the address of the application for a while; it listened again when the gateway looked.'
            : 'Nothing listens at the address of the application.',
      evidence: [
        names(incident, null),
        ...watched.endpoints.slice(0, shownMax).map(({ id, reason }) => `${id}: ${reason}`),
      ],
      nextStep:
        output !== null
          ? `${output}, and in \`candor events\` whether and why its process ended.`
          : hasChanged
            ? 'See with `ss -ltnp` which program listens there now, and in the log of the application why it had ended.'
            : listensAgain
              ? 'See in its own log why it had ended; it may end again.'
              : 'Start the application, or compare its address with the configuration; its own log says why it ended.',
    };
  },
  network: (context) => {
    const { incident, watched } = context;
    const found = forgottenConnections(context) ?? slowNetwork(context) ?? lostPackets(context);
    if (found !== null) return found;
    if (!isOf(incident, 'network') && !checksFound(context, (cause) => familyOfCause(cause) === 'network')) return null;
    const spec = incident.cause === null ? null : specOfCause(incident.cause);
    const { length } = incident.upstreams;
    if (length > 1)
      return {
        fit: 0.85,
        sentence: `No connection comes about to the endpoints of ${length} upstreams, since the same moment: the network of this machine, or what they share.`,
        evidence: [names(incident, null)],
        nextStep:
          'Look at `ip route`, `ip -s link` and the firewall of this machine first, then at what the upstreams share.',
      };
    return {
      fit: 0.7,
      sentence:
        'No connection comes about, and nothing refuses it: a firewall, a lost host, or a full queue of connections.',
      evidence: [names(incident, null)],
      nextStep: withTarget(spec?.nextStep ?? 'Run `candor probe` against the endpoint.', incident, watched),
    };
  },
} satisfies Partial<Record<SuspectKind, Rule>>;

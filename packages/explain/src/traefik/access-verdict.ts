import { type ProxyErrorType, proxyErrors } from '../../../failures/src/proxy-error.ts';
import type { Fix } from '../finding.ts';
import { goMeanings } from '../go-causes.ts';
import { type Verdict, harmlessVerdict } from '../verdict.ts';
import { noRouter, noServer, ownAnswer, raiseLevel, traefikFixes } from './fixes.ts';

/** The fields of an access line, in either format. A field that the format leaves out is null. */
export interface TraefikAccess {
  readonly status: number | null;
  readonly method: string | null;
  /** Bytes of the body that the client was sent. */
  readonly sizeBytes: number | null;
  readonly router: string | null;
  /** The server that was chosen. */
  readonly server: string | null;
  /** Whether the format has a field for the server. */
  readonly namesServer: boolean;
  readonly durationMs: number | null;
  /** A header that only a response of the application has, in the line's own spelling. */
  readonly applicationSign: string | null;
}

interface TraefikJudgement {
  readonly verdict: Verdict;
  readonly evidence: readonly string[];
}

/** Traefik's own responses have only their reason phrase as a body. */
const ownSizes: Readonly<Record<number, number>> = { 500: 21, 502: 11, 504: 15 };

/** `no available server` with its line end; the response of a circuit breaker is the reason phrase. */
const noServerBytes = 20;

const dialTimeoutMs = 30_000;
const dialToleranceMs = 500;

const noFailure: TraefikJudgement = { verdict: harmlessVerdict, evidence: [] };

export function judgeAccess(access: TraefikAccess): TraefikJudgement {
  const { status } = access;
  if (status === null) return noFailure;
  if (status === 499) return clientLeft;
  if (status < 500) return refusal(access, status);
  if (access.applicationSign !== null) return appError(status, [`status=${status}`, access.applicationSign]);
  if (access.namesServer && access.server === null) return notForwarded(access, status);
  return failureOrAnswer(access, status);
}

const clientLeft: TraefikJudgement = {
  verdict: {
    ...harmlessVerdict,
    shape: 'client_abort',
    type: 'http_request_error',
    born: 'client',
    whose: 'client',
    sentence: 'The client closed the connection before the response came.',
  },
  evidence: ['status=499'],
};

function refused(type: ProxyErrorType, sentence: string, fix: Fix, whose: 'operator' | 'application'): Verdict {
  const { shape } = proxyErrors[type];
  return { shape, type, stage: 'route', born: 'reverse-proxy', whose, sentence, fix };
}

/** A 4xx is the application's, unless no server was chosen for it. */
function refusal({ namesServer, server, router }: TraefikAccess, status: number): TraefikJudgement {
  if (!namesServer || server !== null) return noFailure;
  const evidence = [`status=${status}`, `router=${router ?? '-'}`, 'server=-'];
  if (status === 404 && router === null)
    return {
      verdict: refused('destination_not_found', 'No router matches this request.', noRouter, 'operator'),
      evidence,
    };
  if (status !== 429 && status !== 403) return noFailure;
  const sentence =
    status === 429 ? 'A limit of Traefik denied this request.' : 'A middleware of Traefik denied this request.';
  return { verdict: refused('http_request_denied', sentence, ownAnswer, 'operator'), evidence };
}

function notForwarded({ sizeBytes }: TraefikAccess, status: number): TraefikJudgement {
  const evidence = [`status=${status}`, 'server=-', ...sizeText(sizeBytes)];
  if (status === 503) {
    const isNone = sizeBytes === noServerBytes;
    const sentence = isNone
      ? 'The service has no available server.'
      : 'No server was contacted: none exists, or a circuit breaker is open.';
    const verdict = refused('destination_unavailable', sentence, noServer, 'application');
    return { verdict: { ...verdict, isConsequence: true }, evidence };
  }
  const sentence = `Traefik answered with ${status} itself, without contacting a server.`;
  const verdict: Verdict = {
    ...harmlessVerdict,
    shape: 'refused_by_gateway',
    stage: 'route',
    born: 'reverse-proxy',
    sentence,
    fix: ownAnswer,
  };
  return { verdict, evidence };
}

function sizeText(sizeBytes: number | null): readonly string[] {
  return sizeBytes === null ? [] : [`size=${sizeBytes}`];
}

/**
 * If the origin never answered, the status logged as the origin's is Traefik's own. The size distinguishes them: a body
 * of another size than Traefik's own text is the application's.
 */
function failureOrAnswer(access: TraefikAccess, status: number): TraefikJudgement {
  const { sizeBytes, durationMs } = access;
  const evidence = [`status=${status}`, ...sizeText(sizeBytes)];
  const ownBytes = ownSizes[status];
  const isCounted = sizeBytes !== null && access.method !== 'HEAD';
  if (isCounted && sizeBytes !== ownBytes) return appError(status, evidence);
  if (!isCounted && ownBytes === undefined) return appError(status, evidence);
  const overMs = durationMs === null ? -1 : durationMs - dialTimeoutMs;
  if (status === 504 && isCounted && overMs >= 0 && overMs < dialToleranceMs)
    return { verdict: dialTimeout(access.server), evidence: [...evidence, `duration=${durationMs}ms`] };
  return { verdict: unknownFailure(status), evidence };
}

function dialTimeout(server: string | null): Verdict {
  const { shape, type, stage, born, whose, sentence } = goMeanings.connect_timeout;
  const words = `${sentence.replace('%s', () => server ?? 'the server')} (30 s is the default of \`dialTimeout\`.)`;
  return { shape, type, stage, born, whose, sentence: words, fix: traefikFixes.connect_timeout };
}

function unknownFailure(status: number): Verdict {
  const sentence = `Traefik answered this request with ${status}, and the access log does not say why.`;
  return { ...harmlessVerdict, shape: 'unknown', born: 'reverse-proxy', sentence, fix: raiseLevel };
}

function appError(status: number, evidence: readonly string[]): TraefikJudgement {
  const sentence = `The application itself answered with ${status}; Traefik passed it on.`;
  return {
    verdict: { ...harmlessVerdict, shape: 'app_error', born: 'application', whose: 'application', sentence },
    evidence,
  };
}

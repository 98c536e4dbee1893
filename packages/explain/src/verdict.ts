import type { Finding, Fix, Born } from './finding.ts';
import { shapeOfType } from '../../failures/src/failure-texts.ts';
import type { ProxyErrorType } from '../../failures/src/proxy-error.ts';
import type { Whose } from '../../failures/src/shape.ts';
import type { Stage } from '../../failures/src/stage.ts';

/** The parts of a verdict besides its type. Stage and whose are the usual ones of the type, unless given. */
export interface FailureWords {
  readonly sentence: string;
  readonly fix: Fix | null;
  readonly whose?: Whose | null;
  readonly stage?: Stage | null;
}

/** A failure of a known type, which determines its shape. */
export function failedWith(born: Born, type: ProxyErrorType, words: FailureWords): Verdict {
  const { stage, whose } = usual(type);
  const shape = shapeOfType(type);
  return { shape, type, stage, whose, ...words, born: shape === 'client_abort' ? 'client' : born };
}

/** The application sent the error itself. */
export function appErrorVerdict(sentence: string, fix: Fix): Verdict {
  return { shape: 'app_error', type: null, stage: null, born: 'application', whose: 'application', sentence, fix };
}

/** The client left. An invalid request is a failure of type `http_request_error` instead. */
export function clientLeftVerdict(sentence: string, stage: Stage | null = null, fix: Fix | null = null): Verdict {
  return { shape: 'client_abort', type: null, stage, born: 'client', whose: 'client', sentence, fix };
}

/** A failure whose cause the line does not show. The fix names what to log. */
export function unknownVerdict(born: Born | null, sentence: string, fix: Fix, stage: Stage | null = null): Verdict {
  return { shape: 'unknown', type: null, stage, born, whose: null, sentence, fix };
}

/** No connection could be made, and the line does not show why. */
export function unreachableVerdict(born: Born, words: FailureWords): Verdict {
  return { shape: 'unreachable', type: null, stage: 'connect', whose: null, ...words, born };
}

interface Usual {
  readonly stage: Stage | null;
  readonly whose: Whose;
}

const usualOfType: Partial<Record<ProxyErrorType, Usual>> = {
  dns_timeout: { stage: 'dns', whose: 'operator' },
  dns_error: { stage: 'dns', whose: 'operator' },
  destination_not_found: { stage: 'route', whose: 'operator' },
  destination_unavailable: { stage: 'route', whose: 'application' },
  destination_ip_prohibited: { stage: 'route', whose: 'operator' },
  destination_ip_unroutable: { stage: 'connect', whose: 'network' },
  connection_refused: { stage: 'connect', whose: 'application' },
  connection_timeout: { stage: 'connect', whose: 'network' },
  connection_terminated: { stage: 'response', whose: 'application' },
  connection_read_timeout: { stage: 'response', whose: 'application' },
  connection_write_timeout: { stage: 'send', whose: 'application' },
  connection_limit_reached: { stage: 'queue', whose: 'application' },
  tls_protocol_error: { stage: 'tls', whose: 'operator' },
  tls_certificate_error: { stage: 'tls', whose: 'operator' },
  tls_alert_received: { stage: 'tls', whose: 'operator' },
  http_request_error: { stage: 'request', whose: 'client' },
  http_request_denied: { stage: 'route', whose: 'operator' },
  http_response_incomplete: { stage: 'body', whose: 'application' },
  http_response_timeout: { stage: 'response', whose: 'application' },
  proxy_internal_response: { stage: 'route', whose: 'operator' },
  proxy_internal_error: { stage: null, whose: 'gateway' },
  proxy_configuration_error: { stage: 'route', whose: 'operator' },
  proxy_loop_detected: { stage: 'route', whose: 'operator' },
};

/** A type that is not listed means an unusable response. */
function usual(type: ProxyErrorType): Usual {
  return usualOfType[type] ?? { stage: 'response', whose: 'application' };
}

/** The judgement on a line. The other members of a `Finding` are read from the line. */
export type Verdict = Pick<Finding, 'shape' | 'type' | 'stage' | 'born' | 'whose' | 'sentence' | 'fix'> & {
  readonly isConsequence?: boolean;
};

/** No failure. */
export const harmlessVerdict: Verdict = {
  shape: 'none',
  type: null,
  stage: null,
  born: null,
  whose: null,
  sentence: '',
  fix: null,
};

/** The facts of a line besides the verdict. */
type LineFacts = Pick<Finding, 'gateway' | 'format' | 'kind'> &
  Partial<Omit<Finding, 'gateway' | 'format' | 'kind' | keyof Verdict>>;

/** Enough characters to recognise a request. */
export const requestCharactersMax = 200;

/** Builds every finding of a dialect: unknown facts become null, and the request is truncated. */
export function findingOf(facts: LineFacts, verdict: Verdict): Finding {
  return {
    confidence: 'certain',
    atMs: null,
    status: null,
    upstream: null,
    durationMs: null,
    evidence: [],
    joins: null,
    isConsequence: false,
    ...facts,
    ...verdict,
    request: facts.request?.slice(0, requestCharactersMax) ?? null,
  };
}

export function fixOf(text: string, ...snippet: readonly string[]): Fix {
  return { text, snippet: snippet.length === 0 ? null : snippet.join('\n') };
}

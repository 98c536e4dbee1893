import type { Finding, LineKind, GatewayProduct } from '../finding.ts';
import type { Verdict as SharedVerdict } from '../verdict.ts';

/** A verdict with the kind of the line and its evidence, since the rules find out all three at once. */
export type NginxVerdict = Required<SharedVerdict> & Pick<Finding, 'kind' | 'evidence'>;

export const harmless = (kind: LineKind, sentence = ''): NginxVerdict => ({
  kind,
  shape: 'none',
  type: null,
  stage: null,
  born: null,
  whose: null,
  evidence: [],
  sentence,
  fix: null,
  isConsequence: false,
});

type Failed = Pick<NginxVerdict, 'shape' | 'type' | 'stage' | 'whose' | 'sentence' | 'fix' | 'evidence'>;

/** A failure for which nginx made the response. */
export const failed = (how: Failed, isConsequence = false, kind: LineKind = 'error'): NginxVerdict => ({
  ...how,
  kind,
  born: 'reverse-proxy',
  isConsequence,
});

/** The client left, or sent no valid request. */
export const clientLeft = (
  how: Pick<NginxVerdict, 'evidence' | 'sentence' | 'fix' | 'type'>,
  kind: LineKind,
): NginxVerdict => ({
  ...how,
  kind,
  shape: 'client_abort',
  stage: null,
  born: 'client',
  whose: 'client',
  isConsequence: false,
});

/** The application sent the error itself. */
export const answeredSo = (evidence: readonly string[], kind: LineKind, sentence: string): NginxVerdict => ({
  kind,
  shape: 'app_error',
  type: null,
  stage: null,
  born: 'application',
  whose: 'application',
  evidence,
  sentence,
  fix: {
    text: 'Read the log of the application: it made this response, and the gateway only passed it on',
    snippet: null,
  },
  isConsequence: false,
});

/** The gateways that are built on nginx and write its lines. */
export type NginxProduct = Extract<GatewayProduct, 'nginx' | 'openresty' | 'ingress-nginx' | 'kong' | 'apisix'>;

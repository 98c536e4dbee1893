import type { Finding, LineKind } from '../finding.ts';
import type { Verdict as SharedVerdict } from '../verdict.ts';

/** A verdict of nginx's rules has with it which kind of line it is of, and what decided: the rules find out both at once. */
export type Verdict = Required<SharedVerdict> & Pick<Finding, 'kind' | 'evidence'>;

export const quiet = (kind: LineKind, sentence = ''): Verdict => ({
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

type Failed = Pick<Verdict, 'shape' | 'type' | 'stage' | 'whose' | 'sentence' | 'fix' | 'evidence'>;

/** A failure that nginx made the answer to. */
export const failed = (how: Failed, isConsequence = false, kind: LineKind = 'error'): Verdict => ({
  ...how,
  kind,
  born: 'reverse-proxy',
  isConsequence,
});

/** The client left, or sent what is no request. */
export const clientLeft = (how: Pick<Verdict, 'evidence' | 'sentence' | 'fix' | 'type'>, kind: LineKind): Verdict => ({
  ...how,
  kind,
  shape: 'client_abort',
  stage: null,
  born: 'client',
  whose: 'client',
  isConsequence: false,
});

/** The application answered so itself. */
export const answeredSo = (evidence: readonly string[], kind: LineKind, sentence: string): Verdict => ({
  kind,
  shape: 'app_error',
  type: null,
  stage: null,
  born: 'application',
  whose: 'application',
  evidence,
  sentence,
  fix: {
    text: 'Look in the log of the application: the answer is its own, and the gateway only passed it on',
    snippet: null,
  },
  isConsequence: false,
});

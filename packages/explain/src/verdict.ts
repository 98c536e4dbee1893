import type { Finding, Fix } from './finding.ts';

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

import type { Finding, Fix } from './finding.ts';

/** What is judged of a line; the rest of a `Finding` is read off it. */
export type Verdict = Pick<Finding, 'shape' | 'type' | 'stage' | 'born' | 'whose' | 'sentence' | 'fix'> & {
  readonly isConsequence?: boolean;
};

/** Nothing went wrong. */
export const harmlessVerdict: Verdict = {
  shape: 'none',
  type: null,
  stage: null,
  born: null,
  whose: null,
  sentence: '',
  fix: null,
};

/** What is known of a line besides what went wrong. */
export type LineFacts = Pick<Finding, 'gateway' | 'format' | 'kind'> &
  Partial<Omit<Finding, 'gateway' | 'format' | 'kind' | keyof Verdict>>;

/** As much of a request as a person needs to find it again. */
const requestCharactersMax = 200;

/** Everything that a dialect says of a line goes through here: what is not known is null, and the request is short. */
export function findingOf(facts: LineFacts, verdict: Verdict): Finding {
  return {
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

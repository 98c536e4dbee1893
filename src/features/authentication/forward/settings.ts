export const forwardName = 'forward';

/** A service that decides about each request. */
export interface ForwardSpec {
  readonly upstream: string;
  /** Path and query that it is asked for. */
  readonly target: string;
  readonly timeoutMs: number;
  /** Headers of the client that it gets, lowercase. */
  readonly requestHeaders: readonly string[];
  /** Headers of its answer that endpoints get. */
  readonly copyHeaders: readonly string[];
  /** Headers of its answer that say who the user is, lowercase; null: it does not say it. */
  readonly userFrom: string | null;
  readonly groupsFrom: string | null;
}

/** What services need for their decision, or to choose between a page and an answer for a script. */
export const headersAsked = [
  'accept',
  'accept-language',
  'authorization',
  'cookie',
  'origin',
  'proxy-authorization',
  'referer',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'user-agent',
  'x-requested-with',
] as const;

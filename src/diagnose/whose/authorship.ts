import type { Layer } from './layer.ts';

/** A response as a client got it. Field names in any spelling; a field that came several times has all its values. */
export interface AnsweredResponse {
  /** 0: nobody kept it. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** As text; absent where nobody kept it. Only the first 64 KiB are looked at. */
  readonly body?: string;
  /** True: the body was copied out of a page, and nobody kept the head. */
  readonly bodyAlone?: boolean;
}

/** 'certain': nobody else writes such a response. 'likely': others could, and rarely do. 'unsure': it cannot be told. */
export type Confidence = 'certain' | 'likely' | 'unsure';

/** Who wrote a response. */
export interface Authorship {
  /** 'application': what stands behind all layers that can be seen. 'unknown': nothing in it says. */
  readonly author: Layer;
  /** The layers that only passed it on, the one next to the client first. The author is not among them. */
  readonly passed: readonly Layer[];
  readonly confidence: Confidence;
  /** What decided, in the response's own spelling: the author's first, then one for each layer passed. */
  readonly evidence: readonly string[];
  /** For people. */
  readonly sentence: string;
}

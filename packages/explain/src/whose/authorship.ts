import type { Layer } from './layer.ts';

/** A response as a client got it. Header names in any spelling; a header that came several times has all its values. */
export interface AnsweredResponse {
  /** 0 if not kept. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** As text; absent if not kept. Only the first 64 KiB are read. */
  readonly body?: string;
  /** True: the body was copied from a page, and the head was not kept. */
  readonly bodyAlone?: boolean;
}

/**
 * 'certain': no other layer writes such a response. 'likely': others could, but rarely do. 'unsure': the response does
 * not show it.
 */
export type Confidence = 'certain' | 'likely' | 'unsure';

/** Who wrote a response. */
export interface Authorship {
  /** 'application': behind all layers that can be seen. 'unknown': the response does not show its author. */
  readonly author: Layer;
  /** The layers that only passed the response on, the one next to the client first. The author is not among them. */
  readonly passed: readonly Layer[];
  readonly confidence: Confidence;
  /** The evidence, in the response's own spelling: the author's first, then one piece for each layer passed. */
  readonly evidence: readonly string[];
  /** For people. */
  readonly sentence: string;
}

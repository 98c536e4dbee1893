import { type ParsedAnswer, quote } from './answer.ts';
import type { Confidence } from './authorship.ts';
import type { Layer } from './layer.ts';

/** The conclusion from one kind of evidence about the author. */
export interface AuthorVerdict {
  readonly layer: Layer;
  readonly confidence: Confidence;
  /** In the response's own spelling; may be empty only for 'unknown'. */
  readonly evidence: readonly string[];
  /** A clause for people, without a full stop: "the page is nginx's own". */
  readonly why: string;
}

export function authorVerdict(layer: Layer, confidence: Confidence, why: string, ...evidence: string[]): AuthorVerdict {
  return { layer, confidence, evidence: evidence.map(quote), why };
}

export function isJson(answer: ParsedAnswer): boolean {
  const type = answer.field('content-type') ?? '';
  return /^\s*application\/(?:[\w.-]{1,60}\+)?json\b/i.test(type) || /^\s*[{[]\s*["\]}{[]/.test(answer.body);
}

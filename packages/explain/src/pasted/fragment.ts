import type { GatewayProduct } from '../finding.ts';

/**
 * How a part of a line is made a line again, so that the gateway's own rules judge it. A table of these is data: a new one
 * needs the words that decide and what the gateway would have written around them.
 */
export interface FragmentForm {
  /** As docs/explain/formats.md names it. */
  readonly of: string;
  /** The gateways one of which has to recognise the completed line. */
  readonly gateways: readonly GatewayProduct[];
  /** The words that decide, anywhere in the text. Each form is tried if its words are there. */
  readonly words: RegExp;
  /** Whether the words decide within JSON, too: they are a member that only this gateway writes. */
  readonly isOfJson?: boolean;
  /** Whether they are distinct enough that even a verdict without a cause is no false alarm. */
  readonly mayBeUnknown?: boolean;
  /** The line as the gateway may have written it; null if the words are not enough. */
  readonly complete: (text: string, words: RegExpExecArray) => string | null;
}

/** Stands in a completed line for a name that the part does not have. No finding shows it. */
export const unnamed = 'unnamed-by-the-part';

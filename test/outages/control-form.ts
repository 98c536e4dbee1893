import type { Lab } from './lab.ts';
import type { Control, Play } from './outage.ts';
import { shop } from './shop.ts';

export const nothing = async (): Promise<void> => {};

/** A control in the short form of the corpus: seventy seconds of the usual shop, unless said otherwise. */
export function control(
  name: string,
  kind: string,
  what: string,
  play: Partial<Play> & { readonly begin: (lab: Lab) => Promise<void> },
): Control {
  return { name, kind, what, play: { setup: shop(), seconds: 70, afterSeconds: 45, end: nothing, ...play } };
}

import type { FeatureSpecs } from '../../core/feature.ts';
import type { GatewayStatus } from '../../core/schemas/status.ts';

export const signedLinksName = 'signed_links';

/** A route that takes links alone which an application has signed. */
export interface SignedLinksSpec {
  /** Any of them may have signed a link; the first signs. */
  readonly linkKeys: readonly string[];
  readonly methods: readonly string[];
  /** A link is for the address for which it was signed, too. */
  readonly isBoundToAddress: boolean;
}

export function signedLinksOf(features: FeatureSpecs | undefined): SignedLinksSpec | null {
  return (features?.[signedLinksName] as SignedLinksSpec | undefined) ?? null;
}

/** What may be wrong with a link. */
export type LinkFault = 'missing' | 'not_valid' | 'expired' | 'method';

export type SignedLinksStatus = Pick<GatewayStatus, 'signedLinks'>;

import type { Delivery, Shape, Whose } from '../../failures/src/shape.ts';
import type { FailureCause } from './call-failure.ts';

/** What a signature may look at: a status, headers, and the first bytes of the body. */
export interface ResponseFacts {
  readonly status: number;
  /** Case does not matter; null without the header. */
  readonly header: (name: string) => string | null;
  /** At most 256 bytes of the body as text; of `application/problem+json`, and of it alone, more. '' if there are none. */
  readonly bodyStart: string;
}

/** What a signature concludes. Null: the answer does not tell. */
export interface ResponseSignature {
  readonly writer: 'gateway' | 'service' | 'unknown';
  /** 'nginx', 'cloudflare', 'aws-alb' … */
  readonly gateway: string | null;
  readonly shape: Shape | null;
  readonly cause: FailureCause | null;
  readonly whose: Whose | null;
  /** Only where the answer proves it. */
  readonly delivery: Delivery | null;
}

/** Reads an answer that failed. Null: no signature fits. Asked only where neither problem details nor Proxy-Status tell. */
export type ClassifyResponse = (facts: ResponseFacts) => ResponseSignature | null;

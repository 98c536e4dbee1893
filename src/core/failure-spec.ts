import type { Cause, Evidence } from './failure.ts';
import type { ProxyErrorType } from './proxy-error.ts';
import type { Whose } from './shape.ts';

/** What is known of a cause before it happens. `failure-table.ts` has one per cause; docs and answers come from it. */
export interface FailureSpec<C extends Cause> {
  /** Null where nobody is left to read it (`client_gone`). Its shape follows from `proxyErrors`. */
  readonly type: ProxyErrorType | null;
  /** The status that the client gets. For a refused request the rule decides (`requestRules`). */
  readonly status: number | ((evidence: Readonly<Evidence[C]>) => number);
  readonly whose: Whose;
  /**
   * Whether another attempt may help: 'elsewhere' (another endpoint, or a fresh connection), 'never'
   * (it would fail anywhere, or the gateway itself declined).
   */
  readonly retry: 'elsewhere' | 'never';
  readonly countsAgainstHealth: boolean;
  /**
   * In the log of the control plane, where failures of one cause and place are summed up: 'error' and 'warn' are
   * told, 'info' and 'debug' are what clients do every day and stand in the records alone.
   */
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  /** Whether trying later may succeed without anybody mending anything. */
  readonly temporary: boolean;
  /** A few words for a title: "The application refused the connection". */
  readonly title: string;
  /** One sentence from the evidence, for operators: may name addresses. */
  readonly sentence: (evidence: Readonly<Evidence[C]>) => string;
  /** One sentence for the forClient: what they can do. No addresses, no jargon. */
  readonly forClient: string;
  /** For operators: what usually causes it, commonest first. */
  readonly usualCauses: readonly string[];
  /** For operators: what to do or look at next, one sentence. */
  readonly nextStep: string;
  /** What this evidence settles: words in place of the general ones above, which stand in docs/failures.md. */
  readonly inThisCase?: (evidence: Readonly<Evidence[C]>) => CaseTexts | null;
}

export type CaseTexts = Partial<
  Pick<FailureSpec<Cause>, 'whose' | 'temporary' | 'forClient' | 'usualCauses' | 'nextStep'>
>;

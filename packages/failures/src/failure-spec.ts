import type { Cause, Evidence } from './failure.ts';
import type { AfterOutput } from './output-step.ts';
import type { ProxyErrorType } from './proxy-error.ts';
import type { Whose } from './shape.ts';

/** The texts and properties of a cause. `failure-table.ts` has one entry per cause; documents and answers quote it. */
export interface FailureSpec<C extends Cause> {
  /** Null if there is no client to read it (`client_gone`). The shape follows from `proxyErrors`. */
  readonly type: ProxyErrorType | null;
  /** The status that the client gets. For a refused request the rule decides (`requestRules`). */
  readonly status: number | ((evidence: Readonly<Evidence[C]>) => number);
  readonly whose: Whose;
  /**
   * Whether a retry may help: 'elsewhere' (another endpoint, or a fresh connection), 'never'
   * (it would fail anywhere, or the gateway itself declined).
   */
  readonly retry: 'elsewhere' | 'never';
  readonly countsAgainstHealth: boolean;
  /**
   * The level in the log of the control plane, which sums up failures by cause and subject. It reports 'error' and 'warn';
   * 'info' and 'debug' are everyday failures of clients, and appear only in the records.
   */
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  /** Whether a later request may succeed without any change by an operator. */
  readonly temporary: boolean;
  /** A few words for a title: "The application refused the connection". */
  readonly title: string;
  /** One sentence from the evidence, for operators: may name addresses. */
  readonly sentence: (evidence: Readonly<Evidence[C]>) => string;
  /** One sentence for the client: what they can do. No addresses, no jargon. */
  readonly forClient: string;
  /** For operators: the usual causes, commonest first. */
  readonly usualCauses: readonly string[];
  /** For operators: what to do or look at next, one sentence. */
  readonly nextStep: string;
  /** The next step begins with reading what the application printed while it had the request; this follows. */
  readonly readsOutput?: AfterOutput;
  /** Texts for this evidence, which replace the general ones above (docs/failures.md has the general ones). */
  readonly inThisCase?: (evidence: Readonly<Evidence[C]>) => CaseTexts | null;
}

export type CaseTexts = Partial<
  Pick<
    FailureSpec<Cause>,
    'whose' | 'title' | 'countsAgainstHealth' | 'temporary' | 'forClient' | 'usualCauses' | 'nextStep' | 'readsOutput'
  >
>;

/** One entry per cause, each with the evidence type of its own cause. */
export type FailureTable = { readonly [C in Cause]: FailureSpec<C> };

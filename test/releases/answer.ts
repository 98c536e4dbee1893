/** What a client asks for: each has a cost and a share of the traffic. */
export type RouteName =
  | 'home'
  | 'asset'
  | 'search'
  | 'product'
  | 'list'
  | 'cart'
  | 'add'
  | 'checkout'
  | 'login'
  | 'order'
  | 'picture'
  | 'account'
  | 'recommendations'
  | 'events'
  | 'health'
  /** What the extra clients ask for. */
  | 'broken'
  | 'retrying';

/**
 * How an answer differs from that of the old release. `refused`: no connection; `reset`: no response; `cut`: half a response;
 * `garbage`: no HTTP, or no valid coding; `late`: right, but much later than usual.
 */
export type FaultKind = 'refused' | 'reset' | 'cut' | 'garbage' | 'timeout' | 'status' | 'body' | 'late';

export interface Answer {
  /** Milliseconds since the traffic began, when the request was sent. */
  readonly at: number;
  readonly route: RouteName;
  readonly path: string;
  readonly client: string;
  /** 0 without a response. */
  readonly status: number;
  /** x-test-version; null where no release has named itself. */
  readonly version: string | null;
  readonly ms: number;
  readonly fault: FaultKind | null;
}

interface Counts {
  requests: number;
  harmed: number;
}

interface AnswerCounts extends Counts {
  readonly byVersion: Readonly<Record<string, Counts>>;
  readonly byRoute: Readonly<Record<string, Counts>>;
  readonly bySecond: Readonly<Record<string, Counts>>;
}

/** How many requests were harmed: by release (`none` where no release has answered), route and second. */
export function countAnswers(answers: readonly Answer[], harmed: (answer: Answer) => boolean): AnswerCounts {
  const byVersion: Record<string, Counts> = {};
  const byRoute: Record<string, Counts> = {};
  const bySecond: Record<string, Counts> = {};
  const total: Counts = { requests: 0, harmed: 0 };
  for (const answer of answers) {
    const isHarmed = harmed(answer);
    for (const counts of [
      total,
      (byVersion[answer.version ?? 'none'] ??= { requests: 0, harmed: 0 }),
      (byRoute[answer.route] ??= { requests: 0, harmed: 0 }),
      (bySecond[Math.floor(answer.at / 1000)] ??= { requests: 0, harmed: 0 }),
    ]) {
      counts.requests++;
      if (isHarmed) counts.harmed++;
    }
  }
  return { ...total, byVersion, byRoute, bySecond };
}

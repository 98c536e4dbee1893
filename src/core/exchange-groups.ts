/** What exchanges can be counted by: keys of the query language, so that a group can be searched for. */
export const groupKeys = ['route', 'path', 'client', 'status', 'endpoint'] as const;
export type GroupKey = (typeof groupKeys)[number];

export interface GroupRequest {
  /** In the language of searches. */
  readonly query: string;
  readonly by: GroupKey;
}

/** As many as are looked at. */
export const groupsMax = 50;

export interface ExchangeGroup {
  /** '' where the exchanges have none. */
  readonly value: string;
  readonly count: number;
  readonly failed: number;
}

export const tagName = 'tag';

export interface TagSpec {
  readonly header: string;
  readonly value: string;
}

/** From a worker: how many responses it has tagged since it started. */
export interface TagReport {
  readonly count: number;
}

export interface TagsStatus {
  readonly tags: readonly { readonly route: string; readonly value: string; readonly count: number }[];
}

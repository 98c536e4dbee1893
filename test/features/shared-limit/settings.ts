export const sharedLimitName = 'shared_limit';

export interface SharedLimitSpec {
  readonly max: number;
}

/** From a worker: how many permits it holds, and how many requests it has refused since its last report. */
export interface SharedLimitReport {
  readonly held: number;
  readonly refused: number;
}

export interface SharedLimitStatus {
  readonly sharedLimits: readonly {
    readonly route: string;
    readonly max: number;
    /** Of all workers, as the memory that they share has it. */
    readonly held: number;
    /** As each worker has reported it. */
    readonly heldByWorker: readonly (readonly [worker: number, held: number])[];
    readonly refused: number;
  }[];
}

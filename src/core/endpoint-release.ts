/** As records and searches name the release that was in force, and the one that is or was rolled out in its place, while both run. */
export const armNames = ['old', 'new'] as const;
export type ArmName = (typeof armNames)[number];

/** Which release an endpoint runs, as requests there are recorded. The same object as long as nothing of it changes. */
export interface EndpointRelease {
  readonly name: string;
  /** Null: only one release of the application runs. */
  readonly arm: {
    readonly name: ArmName;
    /** The share of requests that balancers draw for it; null: it gets the requests that match `canary_for`. */
    readonly weight: number | null;
  } | null;
}

/** 'release r7, the new one of two, with 5 % of the requests' */
export const armText = (release: string, arm: ArmName, weight: number | null): string =>
  `release ${release}, the ${arm} one of two, with ${weight === null ? 'the requests that match `canary_for`' : `${+(weight * 100).toFixed(2)} % of the requests`}`;

import type { FeatureSpecs } from '../../core/feature.ts';

export const fastCgiName = 'fastcgi';

/** Which program below a folder a request is for. */
export interface PhpSpec {
  /** Without a slash at its end. */
  readonly root: string;
  /** The program of a folder. */
  readonly index: string;
  /** How the names of programs end. */
  readonly split: string;
  /** The program that gets the requests for paths that name none; null: they get 404. */
  readonly frontController: string | null;
  /** What programs are told besides. */
  readonly variables: Readonly<Record<string, string>>;
  /** The folder is where the application runs, and not here. */
  readonly remote: boolean;
}

export function phpOf(features: FeatureSpecs | undefined): PhpSpec | null {
  return (features?.[fastCgiName] as PhpSpec | undefined) ?? null;
}

import type { FeatureSpecs } from '../../core/feature.ts';

export const decompressionName = 'request_decompression';

export interface DecompressionSpec {
  readonly bytesMax: number;
  readonly ratioMax: number;
}

export function decompressionOf(features: FeatureSpecs | undefined): DecompressionSpec | undefined {
  return features?.[decompressionName] as DecompressionSpec | undefined;
}

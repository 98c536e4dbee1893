export const decompressionName = 'request_decompression';

export interface DecompressionSpec {
  readonly bytesMax: number;
  readonly ratioMax: number;
}

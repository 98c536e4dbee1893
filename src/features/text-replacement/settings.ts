export const replacementName = 'text_replacement';

export interface ReplacementSpec {
  /** Each text, and what stands in its place. */
  readonly pairs: readonly (readonly [text: string, replacement: string])[];
  /** Longer bodies are not changed; null: none is too long. */
  readonly bytesMax: number | null;
}

/** The only door to chance. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Fills all of `target` with bytes fit for identifiers. */
  fill(target: Uint8Array): void;
}

/** The only source of randomness. Programs get the real one from `system.ts`; tests get a seeded one. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Fills `target` with random bytes; those of `system.ts` are good enough for keys (CSPRNG). */
  fill(target: Uint8Array): void;
}

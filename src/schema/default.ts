/** What holds where the file does not have a key. */
export interface Default {
  /** As it would stand in the file, or in words where it depends on something else. */
  readonly written: string;
  readonly inWords: boolean;
  /** Why this one, in a sentence. */
  readonly why: string;
}

export function declare(written: string, why: string): Default {
  return { written, inWords: false, why };
}

/** A default that is no fixed value. */
export function describe(words: string, why: string): Default {
  return { written: words, inWords: true, why };
}

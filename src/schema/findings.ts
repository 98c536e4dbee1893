/** The way to a value in a document: names of keys and indices of lists. */
export type Path = readonly (string | number)[];

/** Takes what is wrong with a document, with its place: at a key or at its value. */
export interface Findings {
  errorAtKey(path: Path, message: string, suggestion?: string | null): void;
  errorAtValue(path: Path, message: string, suggestion?: string | null): void;
  /** The document is accepted. */
  warnAtKey(path: Path, message: string, suggestion?: string | null): void;
  warnAtValue(path: Path, message: string, suggestion?: string | null): void;
}

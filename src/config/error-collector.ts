import type { ConfigurationError } from './configuration-errors.ts';
import { configurationError } from './configuration-errors.ts';
import type { SchemaError } from './explain-issue.ts';
import { partAt, pathOfIncluded, type SourcePart } from './included-files.ts';
import type { ErrorDetail } from '../schema/error-detail.ts';
import type { Findings, Path } from '../schema/findings.ts';
import type { PositionIndex } from './position-index.ts';
import { pathText } from './position-index.ts';

/** Of errors, and of warnings. Nobody reads more at once, and mending the first mends many that follow. */
export const errorsMax = 100;

/** Collects errors about the paths of one document, each with its place. */
export class ErrorCollector implements Findings {
  readonly errors: ConfigurationError[] = [];
  readonly #counts = { error: 0, warning: 0 };
  readonly #file: string;
  readonly #positions: PositionIndex;
  readonly #parts: readonly [SourcePart, ...SourcePart[]] | null;

  constructor(file: string, positions: PositionIndex, parts: readonly [SourcePart, ...SourcePart[]] | null = null) {
    this.#parts = parts;
    this.#file = file;
    this.#positions = positions;
  }

  addSchemaError(finding: SchemaError): void {
    // What the reader of the document complained of has no value, and is not missing besides.
    if (finding.about !== 'unknown key' && this.#positions.isBad(finding.path)) return;
    const written = finding.isTextMeant === true ? this.#positions.written(finding.path) : null;
    const detail =
      written === null ? finding : { ...finding, suggestion: `put it in quotes: ${JSON.stringify(written)}` };
    this.#add(finding.path, finding.about === 'value' ? 'value' : 'key', detail, 'error');
  }

  errorAtKey(path: Path, message: string, suggestion: string | null = null): void {
    this.#add(path, 'key', { message, suggestion }, 'error');
  }

  errorAtValue(path: Path, message: string, suggestion: string | null = null): void {
    this.#add(path, 'value', { message, suggestion }, 'error');
  }

  addDetail(path: Path, detail: ErrorDetail | null, at: 'key' | 'value' = 'value'): void {
    if (detail !== null) this.#add(path, at, detail, 'error');
  }

  warnAtKey(path: Path, message: string, suggestion: string | null = null): void {
    this.#add(path, 'key', { message, suggestion }, 'warning');
  }

  warnAtValue(path: Path, message: string, suggestion: string | null = null): void {
    this.#add(path, 'value', { message, suggestion }, 'warning');
  }

  /** 'line 12', or 'line 3 of routes.d/shop.yaml'. */
  positionText(path: Path): string {
    const { line } = this.#positions.keyPosition(path);
    const part = this.#parts === null ? null : partAt(this.#parts, line);
    return part === null || part === this.#parts?.[0]
      ? `line ${line}`
      : `line ${line - part.line + 1} of ${pathOfIncluded(part)}`;
  }

  /** Whether the reader of the document has complained of the value, such as of a missing one. */
  isBad(path: Path): boolean {
    return this.#positions.isBad(path);
  }

  /** Whether the value stands in the file as it is, and does not come from a variable. */
  isLiteral(path: Path): boolean {
    return !this.#positions.isExpanded(path);
  }

  #add(
    path: Path,
    at: 'key' | 'value',
    { message, suggestion }: ErrorDetail,
    severity: ConfigurationError['severity'],
  ): void {
    if ((this.#counts[severity] += 1) > errorsMax) return;
    const position = at === 'key' ? this.#positions.keyPosition(path) : this.#positions.valuePosition(path);
    // The file shows a variable and the sentence speaks of its value.
    const filled = at === 'value' && this.#positions.isExpanded(path) ? ' (with its variables filled in)' : '';
    this.errors.push(configurationError(this.#file, position, pathText(path), message + filled, suggestion, severity));
  }
}

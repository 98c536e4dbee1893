export interface ExplainLogFlags {
  readonly json: boolean;
  readonly lines: boolean;
  readonly follow: boolean;
  readonly html?: string | undefined;
  readonly logFormat?: string | undefined;
}

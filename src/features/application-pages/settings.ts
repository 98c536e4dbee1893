export const applicationPagesName = 'application_error_pages';

/** HTML documents by status ('404') or class ('5xx'), with the placeholders of error pages. */
export interface ApplicationPagesSpec {
  readonly pages: Readonly<Record<string, string>>;
}

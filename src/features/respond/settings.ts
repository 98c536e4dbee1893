export const respondName = 'respond';

/** The response that answers every request of the route. */
export interface RespondSpec {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

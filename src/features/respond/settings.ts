export const respondName = 'respond';

/** What becomes of every request of the route. With `closes` the client gets no answer. */
export type RespondSpec = AnswerSpec | { readonly closes: true };

export interface AnswerSpec {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Values may have variables; absent: there are none. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

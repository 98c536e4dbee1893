/** An endpoint has said in a response that it wants no new requests. */
export interface DrainSignal {
  readonly upstream: string;
  readonly endpoint: string;
}

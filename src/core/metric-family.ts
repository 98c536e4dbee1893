/** A sample: the values of its labels, by name, and its value. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A metric with all its samples. Labels are bounded: they come from the configuration or from unions. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

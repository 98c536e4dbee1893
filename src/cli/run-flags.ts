export interface RunFlags {
  readonly port: number;
  readonly host: string;
  readonly readinessPath: string;
  readonly appPort?: number | undefined;
  readonly quiet: boolean;
  readonly json: boolean;
}
